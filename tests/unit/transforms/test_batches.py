"""Groups and batches: however rows come in batches, groups are whole and a row-wise result is the same."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.engines.groups import groups, joined
from taxiway.errors import DefinitionError, TransformFailed
from taxiway.transforms import BatchFunction, batch_transform, pandas_transform, transform
from taxiway.transforms.frames import ThroughFrames, from_frame, to_frame

VALUES = st.one_of(st.none(), st.integers(-5, 5))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, None]), VALUES), max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=6)
SCHEMA = pa.schema({"key": pa.string(), "part": pa.int32(), "value": pa.int64()})


def table_of(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(SCHEMA.names)}, schema=SCHEMA)


def split(rows: pa.Table, cuts: Sequence[int]) -> list[pa.RecordBatch]:
    edges = sorted({0, rows.num_rows, *(cut for cut in cuts if cut < rows.num_rows)})
    parts = [rows.slice(begin, end - begin) for begin, end in pairwise(edges)]
    return [part.combine_chunks().to_batches()[0] for part in parts]


@given(ROWS, CUTS)
def test_groups_are_whole_however_they_are_split(rows: list[tuple[object, ...]], cuts: list[int]) -> None:
    by = ["key", "part"]
    table = table_of(sorted(rows, key=repr)).sort_by([(name, "ascending") for name in by])
    found = [group.to_pylist() for group in groups(split(table, cuts), by)]
    keys = [{(row["key"], row["part"]) for row in group} for group in found]
    assert all(len(key) == 1 for key in keys)
    assert len({next(iter(key)) for key in keys}) == len(found) == len({row[:2] for row in rows})
    assert [row for group in found for row in group] == table.to_pylist()


@given(ROWS, CUTS, st.integers(1, 10))
def test_joining_loses_nothing(rows: list[tuple[object, ...]], cuts: list[int], size: int) -> None:
    table = table_of(rows)
    found = list(joined(groups(split(table, cuts), []), size))
    assert [row for part in found for row in part.to_pylist()] == table.to_pylist()
    assert all(part.num_rows >= size for part in found[:-1])


def scaled(rows: pd.DataFrame, factor: int = 3) -> pd.DataFrame:
    told = rows.value.astype(str) + " " + str(rows.value.dtype)
    return rows[["key"]].assign(scaled=rows.value * factor, told=told)


OF_SCALED = {"key": "string", "scaled": "int64", "told": "string"}


@given(ROWS, CUTS)
def test_splitting_into_batches_changes_nothing(rows: list[tuple[object, ...]], cuts: list[int]) -> None:
    table = table_of(rows)
    result = pa.schema({"key": pa.string(), "scaled": pa.int64(), "told": pa.string()})
    function = BatchFunction(ThroughFrames(scaled, result), {"factor": 4}, SCHEMA, result)
    parts = [function(part).to_pylist() for part in groups(split(table, cuts), [])]
    whole = function(table).to_pylist() if rows else []
    assert [row for part in parts for row in part] == whole


@given(ROWS.filter(bool), st.randoms())
def test_a_group_comes_in_the_order_of_its_columns(rows: list[tuple[object, ...]], random) -> None:
    table = table_of([("a", *row[1:]) for row in rows])
    function = BatchFunction(lambda group: group, {}, SCHEMA, SCHEMA, ("key",))
    order = list(range(len(rows)))
    random.shuffle(order)
    assert function(table.take(order)).equals(function(table))
    parts = [row["part"] for row in function(table).to_pylist()]
    assert parts == sorted(parts, key=lambda part: (part is None, part))


def test_rows_of_other_partitions_are_context() -> None:
    function = BatchFunction(lambda rows: rows, {}, SCHEMA, SCHEMA, (), ("key", "a"))
    table = table_of([("a", 1, 1), ("b", 1, 2), (None, 1, 3)])
    assert function(table)["value"].to_pylist() == [1, 3]


FRAME = pa.table(
    {
        "whole": pa.array([1, 2], pa.int32()),
        "missing": pa.array([2**53 + 1, None], pa.int64()),
        "truth": [True, False],
        "doubt": [True, None],
        "number": [1.5, None],
        "text": ["a", None],
        "day": pa.array([date(2013, 1, 1), None]),
        "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "clock": pa.array([0, None], pa.timestamp("us")),
    }
)


def test_a_frame_has_types_that_depend_on_the_schema_alone() -> None:
    types = ["Int64", "Int64", "boolean", "boolean", "float64", "object", "object"]
    types += ["datetime64[us, UTC]", "datetime64[us]"]
    for part in (FRAME, FRAME.slice(0, 1), FRAME.slice(1, 1), FRAME.slice(0, 0)):
        assert [str(dtype) for dtype in to_frame(part).dtypes] == types
    first, second = to_frame(FRAME).to_dict("records")
    assert first["missing"] == 2**53 + 1
    assert first["day"] == date(2013, 1, 1)
    assert first["doubt"] is True
    assert to_frame(FRAME).doubt[1] is to_frame(FRAME).missing[1] is pd.NA
    assert second["text"] is None
    assert second["at"] is pd.NaT


def test_a_frame_may_be_changed_in_place() -> None:
    for name in FRAME.column_names:
        frame = to_frame(FRAME.select([name]))
        frame.loc[0, name] = frame.loc[1, name]
        frame[name].to_numpy()[0] = frame[name].to_numpy()[1]


def test_what_a_frame_lacks_is_missing() -> None:
    frame = pd.DataFrame(
        {
            "whole": [1.0, np.nan],
            "number": [np.nan, np.inf],
            "text": pd.Categorical(["a", None]),
            "truth": [None, True],
            "at": pd.to_datetime(["2013-01-01", None], utc=True),
        },
        index=pd.Index([7, 7]),
    )
    schema = pa.schema(
        {
            "at": pa.timestamp("us", "UTC"),
            "whole": pa.int64(),
            "number": pa.float64(),
            "text": pa.string(),
            "truth": pa.bool_(),
        }
    )
    made = from_frame(frame, schema)
    assert made.schema.equals(schema)
    assert made.drop_columns("at").to_pydict() == {
        "whole": [1, None],
        "number": [None, np.inf],
        "text": ["a", None],
        "truth": [None, True],
    }
    assert [str(at) for at in made["at"]] == ["2013-01-01 00:00:00+00:00", "None"]


@transform
def sales(raw_sales: ir.Table) -> ir.Table:
    return raw_sales


def test_the_first_table_comes_in_batches_and_the_function_stays_itself() -> None:
    @batch_transform(prepare={"prices": sales, "rows": sales}, by=["key"])
    def valued(rows: pa.Table, prices: pa.Table, factor: int = 2) -> pa.Table:
        return rows.slice(0, factor)

    assert valued.rows == "rows"
    assert valued.by == ("key",)
    assert valued(FRAME, FRAME, factor=1).num_rows == 1

    pandas = pandas_transform(prepare=sales, columns=OF_SCALED)(scaled)
    assert list(pandas(pd.DataFrame({"key": ["a"], "value": [2]}), factor=5).scaled) == [10]
    assert pandas.libraries == ("pandas", "numpy", "pytz")
    assert dict(pandas.parameters) == {"factor": 3}


def test_whole_tables_come_as_frames() -> None:
    def priced(rows: pd.DataFrame, prices: pd.DataFrame) -> Any:
        return rows.merge(prices, on="key")[["key", "price"]]

    result = pa.schema({"key": pa.string(), "price": pa.int64()})
    prices = pa.table({"key": ["a"], "price": [3]})
    function = BatchFunction(ThroughFrames(priced, result), {"prices": prices}, SCHEMA, result)
    assert function(table_of([("a", 1, 1), ("b", 1, 1)])).to_pylist() == [{"key": "a", "price": 3}]


def test_a_failure_names_the_group() -> None:
    def failing(rows: pa.Table) -> pa.Table:
        raise KeyError("water")

    table = table_of([("a", None, 1)])
    with pytest.raises(TransformFailed, match=r"^group key=a, part=None: KeyError: 'water'$") as failed:
        BatchFunction(failing, {}, SCHEMA, SCHEMA, ("key", "part"))(table)
    assert isinstance(failed.value.__cause__, KeyError)
    with pytest.raises(TransformFailed, match=r"the columns \['key'\], the contract has"):
        BatchFunction(lambda rows: rows.select(["key"]), {}, SCHEMA, SCHEMA)(table)


def test_columns_of_frames_have_types_of_ibis() -> None:
    with pytest.raises(DefinitionError, match="write types as Ibis does"):
        pandas_transform(prepare=sales, columns={"key": "texts"})

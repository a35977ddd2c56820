"""Comparing frames and files with a table: what differs is found, what is equal to the bit is said to be."""

import math
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.working import contents, land, opened, publish, run_all

from taxiway.addresses import Address
from taxiway.comparison import Comparison, compare
from taxiway.errors import TableNotFound, UsageError
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake

AT = "feature/level_history"
KEY = ("gauge", "read_at")


@pytest.fixture
def lake(gauges: Workspace) -> OpenLake:
    """The gauges of two months, made."""
    return opened(gauges, ["2013-01", "2013-02"])


def differing(found: Comparison) -> dict[str, int]:
    return {column.column: column.differ for column in found.columns if column.differ}


def changed(rows: pa.Table, name: str, values: Sequence[Any] | pa.Array, dtype: pa.DataType | None = None) -> pa.Table:
    place = rows.schema.get_field_index(name)
    made = pa.array(values, dtype or rows.schema.types[place])
    return rows.set_column(place, name, made)


def test_the_table_itself_is_equal_to_the_bit_in_every_form(lake: OpenLake, tmp_path: Path) -> None:
    rows = contents(lake.lake, AT)
    pq.write_table(rows.take(np.random.default_rng(1).permutation(rows.num_rows)), tmp_path / "old.parquet")
    (tmp_path / "folder").mkdir()
    pq.write_table(rows.slice(0, 100), tmp_path / "folder" / "1.parquet")
    pq.write_table(rows.slice(100), tmp_path / "folder" / "2.parquet")
    rows.to_pandas().to_csv(tmp_path / "old.csv", index=False)
    for form in (rows, tmp_path / "old.parquet", str(tmp_path / "folder"), tmp_path / "old.csv", lake.read(AT).df()):
        found = compare(lake, form, AT)
        assert found.equal, found
        assert found.common_rows == found.given.rows == found.table.rows == 448
        if not isinstance(form, pd.DataFrame):
            assert found.to_the_bit, found
            assert "are equal to the bit: 448 rows, 7 columns" in repr(found)


def test_a_month_and_a_version_can_be_named(lake: OpenLake, gauges: Workspace) -> None:
    before = contents(lake.lake, AT)
    january = before.filter(pc.equal(before["month"], "2013-01"))
    assert compare(lake, january, AT, key=KEY, partition="2013-01").to_the_bit
    assert compare(lake, before, AT, key=KEY, partition="2013-01").to_the_bit
    assert compare(lake, january, AT, key=KEY).table.only_here == 224
    land(gauges, ["2013-01"], (b"AAA,2013-01-01T00:00:00Z,11,", b"AAA,2013-01-01T00:00:00Z,12,"))
    run_all(gauges, ["2013-01", "2013-02"])
    assert differing(compare(lake, before, AT)) == {"sum_level_24h_cm": 5}
    assert compare(lake, before, AT, version=0).to_the_bit


def test_what_differs_is_counted_measured_and_shown(lake: OpenLake) -> None:
    rows = contents(lake.lake, AT).sort_by([(name, "ascending") for name in KEY])
    sums = rows["sum_level_24h_cm"].to_pylist()
    sums[3], sums[5], sums[8] = sums[3] + 4, sums[5] - 10, None
    given = changed(rows, "sum_level_24h_cm", sums)
    shares = rows["high_share"].to_pylist()
    given = changed(given, "high_share", [-0.0 if i == 2 else share for i, share in enumerate(shares)])
    given = given.slice(1).append_column("remark", pa.nulls(447)).drop_columns("river")
    found = compare(lake, given, AT)
    assert not found.equal
    assert (found.given.only_here, found.table.only_here, found.common_rows) == (0, 1, 447)
    assert found.table.examples == ({"gauge": "AAA", "read_at": rows["read_at"][0].as_py()},)
    assert (found.given.columns, found.table.columns) == (("remark",), ("river",))
    assert differing(found) == {"sum_level_24h_cm": 3, "high_share": 1}
    total = next(column for column in found.columns if column.column == "sum_level_24h_cm")
    assert (total.null_given, total.null_table) == (1, 0)
    assert (total.max_absolute, total.median_absolute) == (10, 7)
    largest = max(abs(4 / sums[3]), 10 / (sums[5] + 10))
    assert total.max_relative == pytest.approx(largest)
    assert next((row["given"], row["table"]) for row in total.examples) == (sums[3], sums[3] - 4)
    told = repr(found)
    assert "only in feature/level_history version 0: 1 rows, e.g. gauge=AAA, read_at=2013-01-01" in told
    assert "columns only in the table given: remark" in told
    assert "sum_level_24h_cm: 3 of 447 values differ; 1 null in the table given only; at most by 10," in told
    assert "-0.0 against 0.0" in told


def test_types_of_one_kind_are_equal_in_value(lake: OpenLake) -> None:
    frame = contents(lake.lake, AT).to_pandas()
    frame["read_at"] = frame.read_at.dt.tz_localize(None).astype("datetime64[ns]")
    frame["readings_24h"] = frame.readings_24h.astype("int16")
    frame["gauge"] = frame.gauge.astype("category")
    found = compare(lake, frame.set_index(["gauge", "read_at"]), AT)
    assert found.equal
    assert not found.to_the_bit
    told = repr(found)
    assert "equal in value, not in type: 448 rows" in told
    assert "readings_24h: smallint against bigint" in told
    frame["read_at"] += pd.Timedelta(1, "ns")
    assert compare(lake, frame, AT).given.only_here == 448


def test_instants_are_of_any_year_and_as_fine_as_either_side(gauges: Workspace) -> None:
    at = "feature/any"
    last, now = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), datetime(2013, 1, 1, 0, 0, 0, 1, UTC)
    rows = pa.table({"key": range(4), "end": [last, datetime(1, 1, 1, tzinfo=UTC), now, None]})
    publish(gauges.lake, at, rows, [WHOLE])
    lake = OpenLake(gauges.settings)
    assert compare(lake, rows, at, key=["key"]).to_the_bit
    assert compare(lake, rows, at, key=["end"]).equal
    moved = changed(rows, "end", [last, None, now + timedelta(microseconds=1), None])
    (end,) = (column for column in compare(lake, moved, at, key=["key"]).columns if column.differ)
    assert (end.differ, end.max_absolute) == (2, 1e-6)
    publish(gauges.lake, at, rows.slice(2, 1), [WHOLE], gauges.lake.find(Address.parse(at)))
    finer = pa.table({"key": [2], "end": pa.array([1356998400_000001_001], pa.timestamp("ns"))})
    (end,) = (column for column in compare(lake, finer, at, key=["key"]).columns if column.differ)
    assert (end.differ, end.max_absolute) == (1, 1e-9)


def test_texts_are_no_numbers(lake: OpenLake) -> None:
    frame = contents(lake.lake, AT).to_pandas()
    frame["readings_24h"] = frame.readings_24h.astype(str)
    found = compare(lake, frame, AT)
    assert not found.equal
    assert "readings_24h: varchar against bigint; they cannot be compared" in repr(found)


def test_a_tolerance_is_stated_and_counts(lake: OpenLake) -> None:
    frame = contents(lake.lake, AT).to_pandas()
    high = frame.index[frame.high_share == 1]
    frame.loc[high[:7], "high_share"] -= 1e-12
    assert differing(compare(lake, frame, AT)) == {"high_share": 7}
    assert not compare(lake, frame, AT, within=1e-13).equal
    found = compare(lake, frame, AT, within=1e-9)
    assert found.equal
    assert not found.to_the_bit
    assert "are equal within 1e-09" in repr(found)
    assert "7 of 448 values differ; 7 of them within 1e-09" in repr(found)
    for other in (1e-12, None):
        frame.loc[frame.index[frame.high_share == 0][0], "high_share"] = other
        assert not compare(lake, frame, AT, within=1e-9).equal, "a share of the larger, and null is no number"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"key": ["gauge"]}, r"gauge is no key of the table given: gauge=AAA has 224 rows"),
        ({"key": ["gauge", "rivr"]}, r"the table given has no column rivr, which is of the key; .*river"),
        ({"within": 2}, "a tolerance lies between 0 and 1"),
        ({"partition": "2020-01"}, "2020-01 lies outside the calendar"),
        ({"frame": "nowhere.parquet"}, "there is no file nowhere.parquet"),
        ({"frame": "nowhere*.parquet"}, "stands for several files"),
        ({"frame": __file__}, "give a file of Parquet or CSV"),
        ({"frame": Path(__file__).parent}, "is a folder without files of Parquet"),
        ({"frame": object()}, r"what is given \(object\) cannot be compared"),
        ({"frame": pd.DataFrame({"gauge": ["a", 1]})}, r"what is given \(DataFrame\) cannot be compared"),
        ({"frame": pa.table({"gauge": [1], "read_at": [1]})}, "gauge is BIGINT in the table given and VARCHAR in"),
        ({"table": "feature/nothing"}, "there is no table feature/nothing"),
    ],
)
def test_wrong_use_is_told(lake: OpenLake, options: dict[str, Any], told: str) -> None:
    given = {"frame": contents(lake.lake, AT), "table": AT} | options
    with pytest.raises(UsageError, match=told):
        compare(lake, **given)


def test_what_has_not_been_made_is_told(lake: OpenLake) -> None:
    with pytest.raises(TableNotFound, match="no version 7"):
        compare(lake, contents(lake.lake, AT), AT, version=7)


def test_texts_that_are_not_of_the_type_are_refused(lake: OpenLake, tmp_path: Path) -> None:
    frame = contents(lake.lake, AT).to_pandas().astype({"readings_24h": object})
    frame.loc[5, "readings_24h"] = "many"
    frame.to_csv(tmp_path / "old.csv", index=False)
    with pytest.raises(UsageError, match="readings_24h has 'many', which is no bigint"):
        compare(lake, tmp_path / "old.csv", AT)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"broken.parquet and feature/level_history version 0 cannot be compared"):
        compare(lake, tmp_path / "broken.parquet", AT)


FLOATS = st.sampled_from([None, 0.0, -0.0, 1.0, 1.0 + 2**-52, math.inf, -math.inf, math.nan, 2.0**53])
WHOLES = st.sampled_from([None, 0, 1, 2**53, 2**53 + 1])
SIDE = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.tuples(FLOATS, WHOLES))
SCHEMA = pa.schema({"key": pa.string(), "float": pa.float64(), "whole": pa.int64()})


def table_of(side: dict[str, tuple[Any, Any]]) -> pa.Table:
    return pa.table([list(side), *([row[i] for row in side.values()] for i in (0, 1))], schema=SCHEMA)


def bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack("d", value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(SIDE, SIDE)
def test_against_naive_counts(gauges: Workspace, left: dict[str, Any], right: dict[str, Any]) -> None:
    at = "feature/any"
    publish(gauges.lake, at, table_of(right), [WHOLE], gauges.lake.find(Address.parse(at)))
    found = compare(OpenLake(gauges.settings), table_of(left), at, key=["key"])
    both = left.keys() & right.keys()
    assert (found.given.only_here, found.table.only_here) == (len(left.keys() - both), len(right.keys() - both))
    expected = {
        "float": sum(bits(left[key][0]) != bits(right[key][0]) for key in both),
        "whole": sum(left[key][1] != right[key][1] for key in both),
    }
    assert {"float": 0, "whole": 0} | differing(found) == expected
    assert found.equal == found.to_the_bit == (not any(expected.values()) and left.keys() == right.keys())

"""What passes through a frame or an Arrow function is the same value on the other side, or it is refused."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxiway.errors import DefinitionError, TransformFailed
from taxiway.transforms import BatchFunction
from taxiway.transforms.arrow import conformed
from taxiway.transforms.frames import ThroughFrames, from_frame, to_frame


def clock(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A time without a zone."""
    return datetime(year, month, day, hour)  # noqa: DTZ001


INSTANT = pa.timestamp("us", "UTC")
LARGE = 2**53 + 1
NEW_YORK = ZoneInfo("America/New_York")


def through(values: Sequence[Any], dtype: pa.DataType) -> Sequence[Any]:
    """The values after a function that returns the frame that it was given."""
    schema = pa.schema({"value": dtype})
    rows = pa.table([pa.array(values, dtype)], schema=schema)
    function = BatchFunction(ThroughFrames(lambda frame: frame, schema), {}, schema, schema)
    return function(rows)["value"].to_pylist()


def returned(values: Any, dtype: pa.DataType) -> Sequence[Any]:
    """What becomes of the values where a function returns them for a column of the type."""
    return from_frame(pd.DataFrame({"value": values}), pa.schema({"value": dtype}))["value"].to_pylist()


def of_objects(*values: Any) -> pd.Series:
    return pd.Series(list(values), dtype=object)


SAME = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.bool_(): st.booleans(),
    pa.float64(): st.floats(allow_nan=False),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
    pa.binary(): st.binary(),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.decimal128(38, 4): st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal((n < 0, _digits(n), -4))),
    INSTANT: st.datetimes(timezones=st.just(UTC)),
    pa.timestamp("us"): st.datetimes(),
    pa.duration("us"): st.timedeltas(timedelta(days=-90_000), timedelta(days=90_000)),
    pa.list_(pa.int64()): st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    pa.list_(pa.bool_()): st.lists(st.none() | st.booleans()),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=3)),
    pa.list_(pa.float64()): st.lists(st.none() | st.floats(allow_nan=False)),
    pa.list_(pa.list_(pa.int64())): st.lists(st.none() | st.lists(st.none() | st.integers(-5, 2**60))),
    pa.struct({"a": pa.int64()}): st.fixed_dictionaries({"a": st.none() | st.integers(-(2**63), 2**63 - 1)}),
}


def _digits(number: int) -> tuple[int, ...]:
    return tuple(map(int, str(abs(number))))


@pytest.mark.parametrize("dtype", SAME, ids=str)
def test_every_value_comes_back_the_same_beside_a_missing_one(dtype: pa.DataType) -> None:
    @settings(max_examples=25)
    @given(st.lists(SAME[dtype], max_size=6))
    def same(values: list[Any]) -> None:
        for rows in (values, [*values, None], [None, *values]):
            assert through(rows, dtype) == pa.array(rows, dtype).to_pylist()

    same()


def test_whole_numbers_are_computed_with_as_whole_numbers() -> None:
    schema = pa.schema({"n": pa.int64()})

    def next_ones(frame: pd.DataFrame) -> pd.DataFrame:
        filled = frame.n.fillna(LARGE)
        return pd.DataFrame({"n": frame.n + 1, "filled": filled, "largest": frame.n.max(), "missing": frame.n.isna()})

    result = pa.schema({"n": pa.int64(), "filled": pa.int64(), "largest": pa.int64(), "missing": pa.bool_()})
    function = BatchFunction(ThroughFrames(next_ones, result), {}, schema, result)
    made = function(pa.table({"n": pa.array([LARGE, None], pa.int64())}))
    assert made.to_pylist() == [
        {"n": LARGE + 1, "filled": LARGE, "largest": LARGE, "missing": False},
        {"n": None, "filled": LARGE, "largest": LARGE, "missing": True},
    ]


def test_narrow_whole_numbers_do_not_wrap_around() -> None:
    frame = to_frame(pa.table({"n": pa.array([30_000, None], pa.int16())}))
    assert returned(frame.n * 1000, pa.int64()) == [30_000_000, None]
    with pytest.raises(DefinitionError, match="column value of its function is no int16"):
        returned(frame.n * 1000, pa.int16())


def test_whole_tables_are_as_exact() -> None:
    schema = pa.schema({"n": pa.int64()})
    function = ThroughFrames(lambda rows, other: other, schema)
    rows = pa.table({"n": pa.array([LARGE, None], pa.int64())})
    assert function(rows, other=rows)["n"].to_pylist() == [LARGE, None]


def test_times_of_a_zone_are_its_instants() -> None:
    expected = [datetime(2013, 7, 1, 4, tzinfo=UTC), None]
    local = pd.Series(pd.to_datetime(["2013-07-01", None])).dt.tz_localize("America/New_York")
    assert returned(local, INSTANT) == expected
    assert returned(of_objects(datetime(2013, 7, 1, tzinfo=NEW_YORK), None), INSTANT) == expected
    mixed = of_objects(datetime(2013, 7, 1, tzinfo=NEW_YORK), datetime(2013, 7, 1, 4, tzinfo=UTC), pd.NaT)
    assert returned(mixed, INSTANT) == [expected[0], expected[0], None]
    assert returned(pd.Series([pd.NaT, pd.NaT]), INSTANT) == [None, None]


def test_midnights_are_dates() -> None:
    days = [date(2013, 1, 1), None]
    assert returned(pd.Series(pd.to_datetime(["2013-01-01", None])), pa.date32()) == days
    assert returned(of_objects(date(2013, 1, 1), None), pa.date32()) == days
    assert returned(of_objects(clock(2013, 1, 1), None), pa.date32()) == days


REFUSED = {
    "a naive local time": (pd.to_datetime(pd.Series(["2013-01-01"])), INSTANT, r"\.dt\.tz_localize"),
    "a naive time of nanoseconds": (np.array(["2013-01-01"], "datetime64[ns]"), INSTANT, "without a zone"),
    "a naive datetime of Python": (of_objects(clock(2013, 1, 1)), INSTANT, "without a zone"),
    "one naive after an aware": (
        of_objects(datetime(2013, 1, 1, tzinfo=UTC), clock(2013, 1, 1)),
        INSTANT,
        "some have none",
    ),
    "one naive before an aware": (
        of_objects(clock(2013, 1, 1), datetime(2013, 1, 1, tzinfo=UTC)),
        INSTANT,
        "some have none",
    ),
    "a date": (of_objects(date(2013, 1, 1)), INSTANT, "date32"),
    "a text of a time": (["2013-01-01T00:00:00Z"], INSTANT, "its values are string"),
    "nanoseconds": (pd.to_datetime(pd.Series(["2013-01-01T00:00:00.000000001Z"])), INSTANT, "lose data"),
    "nanoseconds as objects": (of_objects(pd.Timestamp("2013-01-01T00:00:00.000000001Z")), INSTANT, r"floor\('us'\)"),
    "a time on a date": (pd.to_datetime(pd.Series(["2013-01-01 05:00"])), pa.date32(), "normalize"),
    "a time of Python on a date": (of_objects(clock(2013, 1, 1, 5)), pa.date32(), "a time on a date"),
    "a time among dates": (of_objects(date(2013, 1, 1), clock(2013, 1, 1, 5)), pa.date32(), "some are dates"),
    "an instant as a date": (of_objects(datetime(2013, 1, 1, tzinfo=UTC)), pa.date32(), r"tz_convert"),
    "an instant as a clock": (of_objects(datetime(2013, 1, 1, tzinfo=UTC)), pa.timestamp("us"), r"tz_localize\(None\)"),
    "a part of one": ([1.5], pa.int64(), "truncated"),
    "a part of one among objects": (of_objects(1, 1.5, None), pa.int64(), "truncated"),
    "infinity": ([math.inf], pa.int64(), "lost their last digits"),
    "a whole number that was a float": ([float(LARGE)], pa.int64(), "lost their last digits"),
    "a whole number beyond its width": ([2**31], pa.int32(), "not in range"),
    "one beyond all": (of_objects(2**63), pa.int64(), "too large"),
    "an unsigned one beyond": (np.array([2**63], np.uint64), pa.int64(), "not in range|too large|out of bounds"),
    "a whole number as a float": ([LARGE], pa.float64(), "not exactly|out of range|range"),
    "true as a number": ([True], pa.int64(), "its values are bool"),
    "a number as true": ([2], pa.bool_(), "its values are int64"),
    "a float as true": ([0.5, None], pa.bool_(), "its values are double"),
    "a text as a number": (["12"], pa.int64(), "its values are string"),
    "a text of Arrow as a number": (pd.Series(["12"], dtype="string[pyarrow]"), pa.int64(), "its values are"),
    "a number as a text": ([12], pa.string(), "its values are int64"),
    "numbers and texts": (of_objects("a", 1), pa.string(), "got a .int. object"),
    "bytes as a text": (of_objects(b"a"), pa.string(), "its values are binary"),
    "categories of numbers as texts": (pd.Categorical([1, 2]), pa.string(), "its values are int64"),
    "a decimal as a float": (of_objects(Decimal("0.1")), pa.float64(), "its values are decimal"),
    "more decimals than there are": (of_objects(Decimal("1.25")), pa.decimal128(9, 1), "data loss"),
    "a float as a decimal": ([0.1], pa.decimal128(9, 1), "its values are double"),
    "a list with a part of one": (of_objects([1.5]), pa.list_(pa.int64()), "truncated"),
    "a list with naive times": (of_objects([clock(2013, 1, 1)]), pa.list_(INSTANT), "without a zone"),
    "a list with one naive time": (
        of_objects([datetime(2013, 1, 1, tzinfo=UTC), clock(2013, 1, 1)]),
        pa.list_(INSTANT),
        "some have none",
    ),
    "a list with a time among dates": (
        of_objects([date(2013, 1, 1), clock(2013, 1, 1, 5)]),
        pa.list_(pa.date32()),
        "dates",
    ),
    "a list with nanoseconds": (
        of_objects([pd.Timestamp("2013-01-01T00:00:00.000000001Z")]),
        pa.list_(INSTANT),
        r"floor\('us'\)",
    ),
    "a time of day with a zone": (of_objects(time(12, tzinfo=UTC)), pa.time64("us"), "a time of day with a zone"),
    "a length of time as a number": ([timedelta(1)], pa.int64(), "its values are duration"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_be_another_value_is_refused(what: str) -> None:
    values, dtype, told = REFUSED[what]
    with pytest.raises(DefinitionError, match=f"column value of its function is no .*({told})"):
        returned(values, dtype)


def test_what_is_the_same_value_in_another_type_is_taken() -> None:
    assert returned([1.0, None], pa.int64()) == [1, None]
    assert returned(pd.Categorical(["a", None]), pa.string()) == ["a", None]
    assert returned(of_objects("a", np.nan, pd.NA, None), pa.string()) == ["a", None, None, None]
    assert returned(pd.Series([1, None], dtype="Int64"), pa.float64()) == [1.0, None]
    assert returned(np.array([2**60]), pa.float64()) == [2.0**60]
    assert returned(of_objects(Decimal("2.50")), pa.decimal128(9, 1)) == [Decimal("2.5")]
    assert returned(of_objects(Decimal(LARGE)), pa.int64()) == [LARGE]
    assert returned(pd.Series([True, None], dtype="boolean"), pa.bool_()) == [True, None]
    assert returned(of_objects(True, None, np.nan), pa.bool_()) == [True, None, None]
    assert returned(of_objects(None, None), pa.int64()) == [None, None]
    assert returned(np.array([1.5], np.float32), pa.float64()) == [1.5]
    assert returned(pd.Series([1], dtype="int64[pyarrow]"), pa.int64()) == [1]


def test_what_is_no_number_is_missing_in_every_type_of_floats() -> None:
    zero = pd.Series([0.0, None])
    for dtype in ("float64", "Float64", "float64[pyarrow]"):
        assert returned(zero.astype(dtype) / 0.0, pa.float64()) == [None, None]


def test_times_finer_than_python_has_are_refused() -> None:
    with pytest.raises(DefinitionError, match="whole microseconds"):
        to_frame(pa.table({"at": pa.array([1], pa.time64("ns"))}))
    assert to_frame(pa.table({"at": pa.array([1000], pa.time64("ns"))})).iloc[0, 0] == time(microsecond=1)


ARROW = {
    "a naive time": (pa.array([clock(2013, 1, 1)]), INSTANT, "tz_localize|say which zone"),
    "nanoseconds": (pa.array([1], pa.timestamp("ns", "UTC")), INSTANT, "lose data"),
    "a time on a date": (pa.array([clock(2013, 1, 1, 5)]), pa.date32(), "a time on a date"),
    "a date of milliseconds with a time": (pa.array([86_400_001], pa.date64()), pa.date32(), "lose data"),
    "a part of one": (pa.array([1.5]), pa.int64(), "truncated"),
    "what is no number": (pa.array([math.nan]), pa.int64(), "truncated"),
    "a large float": (pa.array([2.0**53]), pa.int64(), "lost their last digits"),
    "true as a number": (pa.array([True]), pa.int64(), "its values are bool"),
    "a number as true": (pa.array([1]), pa.bool_(), "its values are int64"),
    "a text": (pa.array(["1"]), pa.int64(), "its values are string"),
    "a number as a text": (pa.array([1]), pa.string(), "its values are int64"),
    "a whole number as a float": (pa.array([LARGE]), pa.float64(), "range|not exactly"),
    "a float as a shorter one": (pa.array([0.1]), pa.float32(), "not exactly"),
    "a part of one in a list": (pa.array([[1.5]]), pa.list_(pa.int64()), "truncated"),
    "a decimal": (pa.array([Decimal("0.1")]), pa.float64(), "its values are decimal"),
}


@pytest.mark.parametrize("what", ARROW)
def test_a_result_of_arrow_is_as_exact(what: str) -> None:
    values, dtype, told = ARROW[what]
    schema = pa.schema({"value": dtype})
    with pytest.raises(DefinitionError, match=f"column value of its function is no .*({told})"):
        conformed(pa.table({"value": values}), schema)
    function = BatchFunction(lambda rows: pa.table({"value": values}), {}, pa.schema({"n": pa.int64()}), schema)
    with pytest.raises(TransformFailed, match=f"column value.*({told})"):
        function(pa.table({"n": [1]}))


def test_a_result_of_arrow_may_have_other_types_of_the_same_values() -> None:
    given = pa.table(
        {
            "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC)]).cast(pa.timestamp("ns", "+05:00")),
            "n": pa.array([7], pa.int8()),
            "text": pa.array(["a"]).dictionary_encode(),
            "texts": pa.array([["a", None]], pa.large_list(pa.large_string())),
            "total": pa.array([Decimal(LARGE)], pa.decimal128(38, 0)),
            "nothing": pa.nulls(1),
        }
    )
    schema = pa.schema(
        {
            "nothing": INSTANT,
            "total": pa.int64(),
            "texts": pa.list_(pa.string()),
            "text": pa.string(),
            "n": pa.int64(),
            "at": INSTANT,
        }
    )
    assert conformed(given, schema).to_pylist() == [
        {
            "nothing": None,
            "total": LARGE,
            "texts": ["a", None],
            "text": "a",
            "n": 7,
            "at": datetime(2013, 1, 1, tzinfo=UTC),
        }
    ]

"""Row rules, max_lag and table rules against naive evaluators that go row by row in Python."""

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.contracts.guarding import FLOATS, INT16S, INT64S, VALUES, audited, breaking, staged

from taxiway.contracts import (
    Contract,
    Date,
    Float64,
    Instant,
    Int16,
    Int64,
    MaxLag,
    Text,
    column,
    compile_contract,
    row_rule,
    table,
    table_rule,
    verdicts,
)

NEW_YORK = "America/New_York"


class Readings(Contract):
    """A reading with a measured and a corrected value."""

    row: Int64 = column("Number of the row")
    month: Text = column("Month of the reading")
    low: Float64 = column("Lower value", nullable=True)
    high: Float64 = column("Upper value", nullable=True, allow_nan=True, allow_inf=True)
    count: Int64 = column("How many were read", nullable=True)
    day: Date = column("Day of the plan")
    read_at: Instant = column("When it was read", nullable=True)

    class Config:
        unique = ["row"]
        metadata = table(
            grain="month", tolerance=1, max_lag=MaxLag(hours=48, of=("read_at",), since="day", zone=NEW_YORK)
        )

    @row_rule("the lower value is not above the upper")
    def low_first(t: Any) -> Any:
        return t["low"] <= t["high"]

    @row_rule("a reading that was taken counts something", severity="warn")
    def read_or_counted(t: Any) -> Any:
        return t["read_at"].isnull() | (t["count"] > 0)

    @table_rule("at least two readings")
    def two_readings(t: Any) -> Any:
        return t.count() >= 2

    @table_rule("the counts never exceed 100", severity="warn")
    def small_counts(t: Any) -> Any:
        return t["count"].max() <= 100


CONTRACT = compile_contract(Readings)


def seconds_later(seconds: int) -> datetime:
    """That long after the last day of 2012 began."""
    return datetime(2012, 12, 31, tzinfo=UTC) + timedelta(seconds=seconds)


READINGS = st.lists(
    st.fixed_dictionaries({
        "month": st.sampled_from(["2013-01", "2013-02", "2013-03"]),
        "low": st.none() | FLOATS,
        "high": st.none() | FLOATS,
        "count": st.none() | INT64S | st.integers(-1, 101),
        "day": st.dates(date(2012, 12, 31), date(2014, 1, 1)) | st.sampled_from([date(2013, 3, 10), date(2013, 11, 3)]),
        "read_at": st.none() | VALUES[Instant] | st.integers(0, 368 * 86400).map(seconds_later),
    }),
    max_size=25,
)  # fmt: skip


def in_order(value: float) -> tuple[bool, float]:
    """NaN is greater than every number and equal to itself, as engines order it."""
    return math.isnan(value), 0.0 if math.isnan(value) else value


def low_first(row: dict[str, Any]) -> bool:
    if row["low"] is None or row["high"] is None:
        return True
    return in_order(row["low"]) <= in_order(row["high"])


def read_or_counted(row: dict[str, Any]) -> bool:
    return row["read_at"] is None or row["count"] is None or row["count"] > 0


def within_max_lag(row: dict[str, Any]) -> bool:
    if row["read_at"] is None:
        return True
    start = datetime.combine(row["day"], time(), ZoneInfo(NEW_YORK)).astimezone(UTC)
    return start <= row["read_at"].astimezone(UTC) < start + timedelta(hours=48)


def low_is_finite(row: dict[str, Any]) -> bool:
    return row["low"] is None or math.isfinite(row["low"])


ERRORS = {"low_first": low_first, "read_at.max_lag": within_max_lag, "low.finite": low_is_finite}
NAIVE = {**ERRORS, "read_or_counted": read_or_counted}


@given(readings=READINGS)
@settings(max_examples=60)
def test_rules_find_what_a_row_by_row_evaluator_finds(readings: list[dict[str, Any]]):
    rows = [{"row": number, **reading} for number, reading in enumerate(readings)]
    session = staged(CONTRACT, rows)
    for name, holds in NAIVE.items():
        assert breaking(CONTRACT, session, name) == {row["row"] for row in rows if not holds(row)}, name

    found = {v.partition: v for v in verdicts(CONTRACT, *audited(CONTRACT, session), ["2013-01", "2013-02", "2013-03"])}
    for month, verdict in found.items():
        own = [row for row in rows if row["month"] == month]
        counted = [row["count"] for row in own if row["count"] is not None]
        naive = {name: sum(not holds(row) for row in own) for name, holds in NAIVE.items()}
        naive |= {"two_readings": int(len(own) < 2), "small_counts": int(bool(counted) and max(counted) > 100)}
        assert {failure.rule: failure.count for failure in verdict.failures} == {n: c for n, c in naive.items() if c}
        assert verdict.rows == len(own)
        assert verdict.rejected == sum(not all(holds(row) for holds in ERRORS.values()) for row in own)
        assert verdict.published == (len(own) >= 2)


def test_max_lag_is_closed_at_its_start_and_open_at_its_end():
    start = datetime(2013, 3, 10, 5, tzinfo=UTC)
    moments = [start - timedelta(microseconds=1), start, start + timedelta(hours=48, microseconds=-1)]
    moments.append(start + timedelta(hours=48))
    plain = {"month": "2013-03", "low": None, "high": None, "count": None, "day": date(2013, 3, 10)}
    rows = [{"row": number, "read_at": moment, **plain} for number, moment in enumerate(moments)]
    assert breaking(CONTRACT, staged(CONTRACT, rows), "read_at.max_lag") == {0, 3}


class Clocks(Contract):
    """A clock time and its parts, in numbers that their type just holds."""

    row: Int64 = column("Number of the row")
    clock: Int16 = column("The clock, 517 for 5:17", nullable=True)
    hour: Int16 = column("Its hour", nullable=True, ge=0, le=23)
    minute: Int16 = column("Its minute", nullable=True, ge=0, le=59)

    class Config:
        unique = ["row"]
        metadata = table(tolerance=1)

    @row_rule("the clock is hour and minute")
    def whole(t: Any) -> Any:
        return t["clock"] == t["hour"] * 100 + t["minute"]

    @row_rule("no part is far from the clock", severity="warn")
    def near(t: Any) -> Any:
        return (t["clock"] - t["minute"]).abs() <= 2300

    @table_rule("the hours add up to little", severity="warn")
    def few_hours(t: Any) -> Any:
        return (t["hour"] * t["minute"]).max() <= 1357


CLOCKS = compile_contract(Clocks)
PARTS = st.fixed_dictionaries({name: st.none() | INT16S | st.integers(0, 59) for name in ("clock", "hour", "minute")})


def whole(row: dict[str, Any]) -> bool:
    return None in row.values() or row["clock"] == row["hour"] * 100 + row["minute"]


def near(row: dict[str, Any]) -> bool:
    return row["clock"] is None or row["minute"] is None or abs(row["clock"] - row["minute"]) <= 2300


@given(parts=st.lists(PARTS, max_size=10))
@example(parts=[{"clock": 517, "hour": 999, "minute": 17}, {"clock": 517, "hour": 5, "minute": 17}])
@example(parts=[{"clock": -32768, "hour": 5, "minute": 32767}, {"clock": 32767, "hour": 327, "minute": -32768}])
@settings(max_examples=60)
def test_what_a_rule_computes_never_overflows_the_type_of_the_columns(parts: list[dict[str, Any]]):
    """Rules see values that no rule has accepted yet; one of them must not fail all rows."""
    rows = [{"row": number, **row} for number, row in enumerate(parts)]
    session = staged(CLOCKS, rows)
    for name, holds in {"whole": whole, "near": near}.items():
        assert breaking(CLOCKS, session, name) == {row["row"] for row in rows if not holds(row)}, name
    (verdict,) = verdicts(CLOCKS, *audited(CLOCKS, session))
    products = [row["hour"] * row["minute"] for row in parts if None not in (row["hour"], row["minute"])]
    found = {failure.rule: failure.count for failure in verdict.failures}
    assert found.get("few_hours", 0) == int(bool(products) and max(products) > 1357)
    assert found.get("whole", 0) == sum(not whole(row) for row in rows)


def test_a_rule_is_inherited_and_can_be_replaced():
    class Strict(Readings):
        """A reading that counts."""

        @row_rule("every reading counts something")
        def read_or_counted(t: Any) -> Any:
            return t["count"] > 0

    strict = compile_contract(Strict)
    assert [rule.name for rule in strict.rules] == [rule.name for rule in CONTRACT.rules]
    assert strict.rule("read_or_counted").severity == "error"

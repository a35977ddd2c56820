from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.transforms.moments import INSTANT

from taxiway.calendar import GRAINS, Calendar
from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library import clock

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Each with a night of 2013 on which its clock changes: by an hour, by half an hour, at midnight, a
# minute after midnight, in the southern hemisphere, and never.
CHANGES = {
    "America/New_York": [datetime(2013, 3, 10, 7, tzinfo=UTC), datetime(2013, 11, 3, 6, tzinfo=UTC)],
    "Europe/London": [datetime(2013, 3, 31, 1, tzinfo=UTC), datetime(2013, 10, 27, 1, tzinfo=UTC)],
    "America/Havana": [datetime(2013, 3, 10, 5, tzinfo=UTC), datetime(2013, 11, 3, 5, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2013, 4, 6, 15, tzinfo=UTC), datetime(2013, 10, 5, 15, 30, tzinfo=UTC)],
    "America/St_Johns": [datetime(2011, 3, 13, 3, 31, tzinfo=UTC), datetime(2011, 11, 6, 2, 31, tzinfo=UTC)],
    "Asia/Kolkata": [datetime(2013, 3, 10, 7, tzinfo=UTC)],
    "America/Puerto_Rico": [datetime(2013, 11, 3, 6, tzinfo=UTC)],
}
CLOCKS = [0, 1, 30, 59, 100, 115, 130, 145, 159, 200, 201, 230, 259, 300, 1200, 2300, 2301, 2330, 2359, 2400]


@transform
def next_shown(rows: ir.Table) -> ir.Table:
    return clock.next_clock(rows, "found", after="after", hhmm="hhmm", zone="zone")


@cache
def shown(instant: datetime, zone: str) -> int:
    local = instant.astimezone(ZoneInfo(zone))
    return local.hour * 100 + local.minute


def naive(after: datetime | None, hhmm: int | None, zone: str | None) -> datetime | None:
    if after is None or hhmm is None or zone is None:
        return None
    instant = after + MINUTE
    while shown(instant, zone) != hhmm % 2400:
        instant += MINUTE
    return instant


def check(cases: list[tuple[datetime | None, int | None, str | None]]) -> None:
    columns = list(zip(*cases, strict=True))
    rows = {
        "id": pa.array(range(len(cases)), pa.int64()),
        "after": pa.array(columns[0], INSTANT),
        "hhmm": pa.array(columns[1], pa.int16()),
        "zone": pa.array(columns[2], pa.string()),
    }
    found = run_transform(next_shown, {"rows": pa.table(rows)}).sort_by("id")
    assert found["found"].to_pylist() == [naive(*case) for case in cases]
    assert found.column_names == [*rows, "found"]


@pytest.mark.parametrize("zone", CHANGES)
def test_next_clock_around_a_change(zone: str):
    hours = [timedelta(minutes=minutes) for minutes in range(-4 * 1440, 300, 97)]
    near = [timedelta(minutes=minutes) for minutes in range(-130, 130, 7)]
    check([(change + away, hhmm, zone) for change, away, hhmm in product(CHANGES[zone], hours + near, CLOCKS)])


def test_next_clock_of_nothing_is_nothing():
    after = datetime(2013, 3, 10, tzinfo=UTC)
    check(
        [
            (None, 100, "Europe/London"),
            (after, None, "Europe/London"),
            (after, 100, None),
            (after, 100, "Europe/London"),
        ]
    )


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 366 * 1440).map(lambda minutes: datetime(2013, 1, 1, tzinfo=UTC) + minutes * MINUTE),
            st.builds(lambda hour, minute: hour * 100 + minute, st.integers(0, 23), st.integers(0, 59)),
            st.sampled_from(sorted(CHANGES)),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_next_clock_at_any_time(cases):
    check(cases)


@transform
def arithmetic(rows: ir.Table) -> ir.Table:
    return rows.select(
        "id",
        microseconds=clock.microseconds(rows.earlier),
        between=clock.minutes_between(rows.earlier, rows.later),
        plus=clock.plus_minutes(rows.earlier, rows.minutes),
        plus_two=clock.plus_minutes(rows.earlier, 2),
    )


moments = st.one_of(st.none(), st.integers(-(10**16), 10**16).map(lambda us: EPOCH + timedelta(microseconds=us)))


@settings(max_examples=40)
@given(st.lists(st.tuples(moments, moments, st.one_of(st.none(), st.integers(-5000, 5000))), min_size=1, max_size=20))
def test_arithmetic_of_instants(cases):
    columns = list(zip(*cases, strict=True))
    rows = {
        "id": pa.array(range(len(cases)), pa.int64()),
        "earlier": pa.array(columns[0], INSTANT),
        "later": pa.array(columns[1], INSTANT),
        "minutes": pa.array(columns[2], pa.int16()),
    }
    found = run_transform(arithmetic, {"rows": pa.table(rows)}).sort_by("id").to_pylist()
    for (earlier, later, minutes), row in zip(cases, found, strict=True):
        start = earlier and (earlier - EPOCH) // timedelta(microseconds=1)
        assert row["microseconds"] == start
        assert row["between"] == ((later - earlier) // MINUTE if earlier and later else None)
        assert row["plus"] == (earlier + minutes * MINUTE if earlier and minutes is not None else None)
        assert row["plus_two"] == (earlier + 2 * MINUTE if earlier else None)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((2013, 1, 31), date(2013, 1, 31)),
        ((2012, 2, 29), date(2012, 2, 29)),
        ((2013, 2, 29), None),
        ((2013, 4, 31), None),
        ((2013, 13, 1), None),
        ((2013, 0, 1), None),
        ((2013, 1, 0), None),
        ((2013, -1, 1), None),
        ((2013, 1, 100), None),
        ((None, 1, 1), None),
        ((2013, None, 1), None),
        ((2013, 1, None), None),
    ],
)
def test_calendar_date(parts, expected):
    @transform
    def dated(rows: ir.Table) -> ir.Table:
        return rows.select(found=clock.calendar_date(rows.year, rows.month, rows.day))

    rows = {name: pa.array([part], pa.int16()) for name, part in zip(("year", "month", "day"), parts, strict=True)}
    assert run_transform(dated, {"rows": pa.table(rows)})["found"].to_pylist() == [expected]


def test_clocks_as_numbers():
    @transform
    def read(rows: ir.Table) -> ir.Table:
        return rows.select("hhmm", valid=clock.is_clock(rows.hhmm), minutes=clock.clock_minutes(rows.hhmm))

    cases = {None: None, -1: False, 0: True, 59: True, 60: False, 517: True, 1275: False, 2359: True, 2360: False}
    cases |= {2400: True, 2401: False, 2500: False}
    rows = pa.table({"hhmm": pa.array(cases, pa.int16())})
    found = {row["hhmm"]: row for row in run_transform(read, {"rows": rows}).to_pylist()}
    assert {hhmm: row["valid"] for hhmm, row in found.items()} == cases
    assert {hhmm: found[hhmm]["minutes"] for hhmm in (0, 59, 517, 2359, 2400)} == {
        0: 0,
        59: 59,
        517: 317,
        2359: 1439,
        2400: 0,
    }


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Pacific/Apia", "UTC"])
def test_a_partition_is_that_of_the_calendar(zone: str):
    # Both nights on which clocks changed, the day that Samoa skipped, and the turn of the year by weeks.
    days = [datetime(2011, 3, 13), datetime(2011, 10, 30), datetime(2011, 11, 6), datetime(2011, 12, 29)]  # noqa: DTZ001
    instants = [day.replace(tzinfo=UTC) + n * 17 * MINUTE for day in days for n in range(340)]
    calendar = Calendar("2010-01", zone=zone)

    @transform
    def keyed(rows: ir.Table) -> ir.Table:
        return rows.select("at", **{grain: clock.partition_of(rows["at"], grain, zone) for grain in GRAINS})

    found = run_transform(keyed, {"rows": pa.table({"at": pa.array([*instants, None], INSTANT)})}).to_pylist()
    expected = [{grain: calendar.key(grain, at) for grain in GRAINS} | {"at": at} for at in instants]
    assert sorted(found[:-1], key=lambda row: row["at"]) == sorted(expected, key=lambda row: row["at"])
    assert dict.fromkeys(["at", *GRAINS]) in found

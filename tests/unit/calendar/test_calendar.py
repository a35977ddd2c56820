"""The calendar against references that walk the clock of Python hour by hour, or minute by minute."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.calendar import GRAINS, Calendar, Grain, Interval
from taxiway.calendar.calendar import option
from taxiway.errors import UsageError

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# With both nights on which clocks change in 2011, and the day that Samoa skipped at the end of that year.
FIRST, END = datetime(2010, 10, 20, tzinfo=UTC), datetime(2012, 2, 10, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
# Lord Howe has no whole hours.
CLOCKS = [(zone, grain) for zone in ZONES for grain in GRAINS if (zone, grain) != ("Australia/Lord_Howe", "hour")]


def shown(grain: Grain, instant: datetime, zone: ZoneInfo) -> str:
    """What the clock shows at an instant, as the key of a grain."""
    local = instant.astimezone(zone)
    if grain == "hour":
        before = (instant - HOUR).astimezone(zone)
        again = f"{before:%Y%m%d%H}" == f"{local:%Y%m%d%H}"
        return f"{local:%Y-%m-%dT%H%z}" if again else f"{local:%Y-%m-%dT%H}"
    return f"{local:{ {'day': '%Y-%m-%d', 'week': '%G-W%V', 'month': '%Y-%m'}[grain] }}"


@cache
def walked(zone: str, grain: Grain) -> tuple[list[str], list[datetime]]:
    """Every key with the first instant at which the clock shows it, by half hours, which no zone here divides."""
    keys: list[str] = []
    starts: list[datetime] = []
    instant = FIRST
    while instant < END:
        key = shown(grain, instant, ZoneInfo(zone))
        if not keys or keys[-1] != key:
            keys.append(key)
            starts.append(instant)
        instant += 30 * MINUTE
    return keys[1:], starts[1:]


@pytest.mark.parametrize(("zone", "grain"), CLOCKS)
def test_every_partition_is_what_the_clock_shows(zone: str, grain: Grain) -> None:
    calendar = Calendar("2010-12", "2012-02", zone)
    keys, starts = walked(zone, grain)
    bounds = calendar.bounds
    within = [k for k, (s, e) in zip(keys, pairwise(starts), strict=False) if bounds.start <= s and e <= bounds.end]
    assert list(calendar.keys(grain)) == within
    assert [calendar.span(key) for key in keys[:-1]] == [Interval(start, end) for start, end in pairwise(starts)]
    assert sorted(keys) == keys


@given(st.sampled_from(CLOCKS), st.datetimes(datetime(2010, 12, 10), datetime(2012, 1, 20)))  # noqa: DTZ001
def test_an_instant_lies_where_the_clock_says(clock: tuple[str, Grain], moment: datetime) -> None:
    zone, grain = clock
    calendar, instant = Calendar("2010-01", None, zone), moment.replace(tzinfo=UTC)
    key = calendar.key(grain, instant)
    assert key == shown(
        grain, instant.replace(minute=instant.minute // 30 * 30, second=0, microsecond=0), ZoneInfo(zone)
    )
    span = calendar.span(key)
    assert span.start <= instant < span.end
    assert calendar.span(calendar.following(key)).start == span.end


@given(
    st.sampled_from(CLOCKS),
    st.datetimes(datetime(2010, 12, 20), datetime(2012, 1, 10)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_what_overlaps_an_interval_is_what_a_walk_finds(
    clock: tuple[str, Grain], moment: datetime, length: timedelta
) -> None:
    zone, grain = clock
    asked = Interval(moment.replace(tzinfo=UTC), min(moment.replace(tzinfo=UTC) + length, END - 14 * 24 * HOUR))
    keys, starts = walked(zone, grain)
    # A walk sees a partition where it begins: so the one that holds the start, and all that begin before the end.
    first, last = bisect_right(starts, asked.start) - 1, bisect_right(starts, asked.end - timedelta(microseconds=1))
    expected = keys[first:last] if asked.start < asked.end else []
    assert list(Calendar("2010-01", None, zone).overlapping(grain, asked)) == expected


def test_days_are_as_long_as_the_clock_makes_them() -> None:
    calendar = Calendar("2013-01", "2014-01", "America/New_York")

    def hours(day: str) -> int:
        return len(calendar.overlapping("hour", calendar.span(day)))

    assert [hours(day) for day in ("2013-03-09", "2013-03-10", "2013-11-03", "2013-11-04")] == [24, 23, 25, 24]
    night = calendar.overlapping("hour", calendar.span("2013-11-03"))
    assert night[:4] == ("2013-11-03T00", "2013-11-03T01", "2013-11-03T01-0500", "2013-11-03T02")
    assert len(calendar.keys("hour")) == 365 * 24


def test_partitions_lie_in_the_calendar_as_a_whole() -> None:
    calendar = Calendar("2013-01", "2014-01", "Europe/London")
    assert calendar.keys("week")[0] == "2013-W02"
    assert calendar.keys("week")[-1] == "2013-W52"
    assert calendar.overlapping("week", calendar.span("2013-01"))[0] == "2013-W02"
    assert not calendar.has("2013-W01")
    with pytest.raises(
        UsageError, match=r"2013-W01 lies outside the calendar of this deployment .2013-01 to before 2014"
    ):
        calendar.see_that_it_has("2013-W01")


def test_an_open_calendar_has_what_is_over() -> None:
    calendar = Calendar("2013-05-01", zone="America/New_York")
    noon = datetime(2013, 5, 3, 16, 30, tzinfo=UTC)
    assert calendar.keys("day", noon) == ("2013-05-01", "2013-05-02")
    assert calendar.keys("hour", noon)[-1] == "2013-05-03T11"
    assert calendar.keys("month", noon) == ()
    assert calendar.keys("day", datetime(2013, 5, 4, 4, tzinfo=UTC))[-1] == "2013-05-03"
    assert calendar.keys("day", FIRST) == ()
    with pytest.raises(UsageError, match="open end"):
        calendar.keys("day")


@pytest.mark.parametrize(
    "text",
    ["", "2013", "2013-13", "2013-02-30", "2013-W53", "2013-05-17T24", "2013-05-17T08-0400", "2013-03-10T02", "x"],
)
def test_what_is_no_partition_is_refused(text: str) -> None:
    calendar = Calendar("2013-01", "2014-01", "America/New_York")
    with pytest.raises(UsageError, match=r"no partition|there is no"):
        calendar.span(text)
    assert not calendar.is_key(text)


def test_a_date_that_samoa_skipped_is_none() -> None:
    with pytest.raises(UsageError, match="there is no day 2011-12-30 on the clock of Pacific/Apia"):
        Calendar("2011-01", zone="Pacific/Apia").span("2011-12-30")


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ("Australia/Lord_Howe", "10.5 hours from UTC|changes by"),
        ("Asia/Kolkata", "5.5 hours from UTC"),
        ("Antarctica/Troll", "changes by -2 hours"),
    ],
)
def test_clocks_without_whole_hours_are_told(zone: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        assert not Calendar("2013-01", zone=zone).irregular_hours()


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "Australia/Lord_Howe"])
def test_other_clocks_have_hours(zone: str) -> None:
    assert not Calendar("2010-01", zone=zone).irregular_hours()


def test_keys_are_told_in_ranges() -> None:
    calendar = Calendar("2013-01", zone="America/New_York")
    night = ["2013-11-03T00", "2013-11-03T01", "2013-11-03T01-0500", "2013-11-03T02"]
    assert calendar.in_words(night) == "2013-11-03T00 to 2013-11-03T02"
    assert calendar.in_words([night[1], night[3]]) == "2013-11-03T01, 2013-11-03T02"
    assert calendar.in_words(["2013-02", "2013-01", "2013-04", "other"]) == "2013-01 to 2013-02, 2013-04, other"
    assert [option(block) for block in calendar.blocks(["2013-W52", "2014-W01", "2014-W03"])] == [
        "--from 2013-W52 --to 2014-W01",
        "--partition 2014-W03",
    ]


def test_bounds_have_an_order() -> None:
    with pytest.raises(UsageError, match="2014-01 must lie before the end 2013-12-31"):
        Calendar("2014-01", "2013-12-31")
    with pytest.raises(UsageError, match="no partition"):
        Calendar("soon")

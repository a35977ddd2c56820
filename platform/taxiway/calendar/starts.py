"""When the partitions of a zone's clock begin, year by year, so that any of them is found by bisection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from taxiway.calendar.keys import Grain

_HOUR = 3600


@dataclass(frozen=True)
class Year:
    """The partitions of a grain that begin in one year of a clock: their keys, and when each begins, in seconds since
    1970, in order."""

    keys: tuple[str, ...]
    starts: tuple[int, ...]
    place: Mapping[str, int]


@lru_cache(maxsize=4096)
def partitions_of_year(zone: str, grain: Grain, year: int) -> Year:
    """The partitions that begin in a year. A date that the clock leaves out has none; neither has an hour."""
    clock = ZoneInfo(zone)
    made = _hours(clock, year) if grain == "hour" else _dates(clock, grain, year)
    keys, starts = zip(*made, strict=True)
    return Year(keys, starts, {key: place for place, key in enumerate(keys)})


def midnight(day: date, clock: ZoneInfo) -> int:
    """The first instant of a date on a clock, in seconds since 1970; where the clock skips midnight, the first after
    the skip."""
    shown = datetime.combine(day, time(), clock)
    instant = int(shown.timestamp())
    if datetime.fromtimestamp(instant, clock).replace(tzinfo=None, fold=0) == shown.replace(tzinfo=None):
        return instant
    before = int(shown.replace(fold=1).timestamp())
    while instant - before > 1:
        middle = (before + instant) // 2
        if datetime.fromtimestamp(middle, clock).date() < day:
            before = middle
        else:
            instant = middle
    return instant


def _dates(clock: ZoneInfo, grain: Grain, year: int) -> Iterator[tuple[str, int]]:
    days = list(_first_days(grain, year))
    starts = [midnight(day, clock) for day in days]
    for day, start, end in zip(days, starts, starts[1:], strict=False):
        if start < end:
            yield key_of_date(grain, day), start


def _first_days(grain: Grain, year: int) -> Iterator[date]:
    """The first days of the partitions that begin in a year, and that of the next one."""
    if grain == "month":
        yield from (date(year, month, 1) for month in range(1, 13))
        yield date(year + 1, 1, 1)
        return
    day, step = date(year, 1, 1), timedelta(days=1)
    if grain == "week":
        day, step = day + timedelta(days=-day.weekday() % 7), timedelta(days=7)
    while day.year == year:
        yield day
        day += step
    yield day


def key_of_date(grain: Grain, day: date) -> str:
    """The key of the partition, of a grain of whole days, in which a date lies, whatever the clock."""
    if grain == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return day.isoformat() if grain == "day" else day.isoformat()[:7]


def _hours(clock: ZoneInfo, year: int) -> Iterator[tuple[str, int]]:
    first, end = midnight(date(year, 1, 1), clock), midnight(date(year + 1, 1, 1), clock)
    for start in range(first, end, _HOUR):
        shown = datetime.fromtimestamp(start, clock)
        # Of an hour that is shown once the flag is not set; of one that is left out nobody sees it.
        yield shown.isoformat()[:13] + (shown.strftime("%z") if shown.fold else ""), start


@lru_cache(maxsize=256)
def irregular_hour(zone: str, first: int, end: int) -> str:
    """Why a clock between two instants does not show whole hours, each at most twice, one after the other; empty where
    it does."""
    clock = ZoneInfo(zone)
    offsets = [_offset(clock, second) for second in [*range(first, end, 24 * _HOUR), end]]
    for before, after in pairwise(offsets):
        if before % _HOUR:
            return f"it is {before / _HOUR:+g} hours from UTC, which is no whole number"
        if (after - before) % _HOUR or after - before < -_HOUR:
            return f"it changes by {(after - before) / _HOUR:+g} hours"
    return ""


def _offset(clock: ZoneInfo, second: int) -> int:
    found = datetime.fromtimestamp(second, clock).utcoffset()
    return int(found.total_seconds()) if found is not None else 0


def as_instant(second: int) -> datetime:
    """The instant that lies so many seconds after 1970 began."""
    return datetime.fromtimestamp(second, UTC)

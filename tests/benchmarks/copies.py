"""The year of flights, copied: each copy 52 weeks after the one before, so that every flight keeps its weekday.

A month is made when it is asked for, from the lines of the year as they were delivered; nothing but the year is held.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import ClassVar
from zoneinfo import ZoneInfo

from flights.publisher import deliveries
from flights.raw.flights import NEW_YORK
from taxiway.benchmark import Scale
from taxiway.calendar import Calendar, Interval
from taxiway.errors import UsageError

YEAR = tuple(f"2013-{month:02d}" for month in range(1, 13))
FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)
APART = timedelta(weeks=52)
"""From a copy to the next. The year is a day longer, which only the last copy has: elsewhere that day is the first of
the next copy."""

_ZONE = ZoneInfo(NEW_YORK)
_NEW_YEAR = datetime(2013, 1, 1, tzinfo=_ZONE).astimezone(UTC)
_HOUR = timedelta(hours=1)


def last_day(factor: int) -> date:
    """The last day of the schedule of so many copies; raises UsageError where it lies beyond the calendar.

    It is left out where it would be alone in its month: no weather was observed on the last day of the year.
    """
    try:
        day = LAST + (factor - 1) * APART
    except OverflowError:
        raise UsageError(f"{factor} copies of the year reach beyond the year 9999: ask for fewer") from None
    return day - timedelta(days=day.day == 1)


def months(factor: int) -> tuple[str, ...]:
    """The months that so many copies of the year reach, the last of them perhaps in part."""
    calendar = Calendar(YEAR[0], None, NEW_YORK)
    return calendar.overlapping(
        "month", Interval(calendar.bounds.start, calendar.span(f"{last_day(factor):%Y-%m}").end)
    )


def copies(factor: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that so many copies of the year deliver, as `deliveries` does for the year."""
    keys = months(factor)
    files = dict(deliveries(YEAR))
    of_month = ("flights-", "weather-")
    yield from ((name, data) for name, data in files.items() if not name.startswith(of_month))
    flights = Flights([files[f"flights-{month}.csv"] for month in YEAR], factor)
    weather = Weather([files[f"weather-{month}.csv"] for month in YEAR], factor)
    for month in keys:
        yield f"flights-{month}.csv", flights.file(month)
        yield f"weather-{month}.csv", weather.file(month)


@dataclass(frozen=True, eq=False)
class Flights:
    """Files of flights. Of a line the day and, by New York's rules on that day, the instant are made anew."""

    year: Sequence[bytes]
    factor: int

    @cached_property
    def _lines(self) -> Mapping[date, list[tuple[int, bytes]]]:
        """By day and in their order, the hour of the schedule and what stands between day and instant."""
        names = _header(self.year[0]).split(b",")
        assert (names[:3], names[-1]) == ([b"year", b"month", b"day"], b"time_hour")
        hour = names.index(b"hour") - len(names)
        found: dict[date, list[tuple[int, bytes]]] = {}
        for line in _records(self.year):
            year, month, day, rest = line.split(b",", 3)
            kept = rest.rpartition(b",")[0]
            found.setdefault(date(int(year), int(month), int(day)), []).append((int(line.split(b",")[hour]), kept))
        return found

    def file(self, month: str) -> bytes:
        """The content of a month's file."""
        parts = [_header(self.year[0]), b"\n"]
        day = date.fromisoformat(f"{month}-01")
        while f"{day:%Y-%m}" == month and day <= last_day(self.factor):
            begins = b"%d,%d,%d," % (day.year, day.month, day.day)
            ends = [b"," + _text(datetime(day.year, day.month, day.day, hour, tzinfo=_ZONE)) for hour in range(24)]
            for hour, kept in self._lines.get(self._source(day), ()):
                parts += (begins, kept, ends[hour])
            day += timedelta(days=1)
        return b"".join(parts)

    def _source(self, day: date) -> date:
        """The day of the year of which `day` is a copy."""
        return day - min((day - FIRST) // APART, self.factor - 1) * APART


@dataclass(frozen=True, eq=False)
class Weather:
    """Files of observations. They are hourly: the instant is moved, and New York's clock read at it."""

    year: Sequence[bytes]
    factor: int
    _named: ClassVar[tuple[bytes, ...]] = (b"origin", b"year", b"month", b"day", b"hour")

    @cached_property
    def _lines(self) -> Mapping[bytes, Mapping[datetime, bytes]]:
        """By airport and instant, what stands between hour and instant."""
        names = _header(self.year[0]).split(b",")
        assert (tuple(names[:5]), names[-1]) == (self._named, b"time_hour")
        found: dict[bytes, dict[datetime, bytes]] = {}
        for line in _records(self.year):
            origin, _, _, _, _, rest = line.split(b",", 5)
            kept, _, instant = rest.rpartition(b",")
            found.setdefault(origin, {})[datetime.fromisoformat(instant.decode())] = kept
        return found

    def file(self, month: str) -> bytes:
        """The content of a month's file."""
        span = Calendar(month, None, NEW_YORK).span(month)
        instants = [span.start + number * _HOUR for number in range((span.end - span.start) // _HOUR)]
        told = [(self._source(instant), _clock(instant), _text(instant)) for instant in instants]
        parts = [_header(self.year[0]), b"\n"]
        for origin, lines in self._lines.items():
            for source, clock, instant in told:
                if source in lines:
                    parts += (origin, clock, lines[source], b",", instant)
        return b"".join(parts)

    def _source(self, instant: datetime) -> datetime:
        """The instant of the year of which `instant` is a copy."""
        return instant - min((instant - _NEW_YEAR) // APART, self.factor - 1) * APART


def _header(file: bytes) -> bytes:
    return file.partition(b"\n")[0]


def _records(files: Sequence[bytes]) -> Iterator[bytes]:
    for file in files:
        yield from file.splitlines()[1:]


def _clock(instant: datetime) -> bytes:
    """Year, month, day and hour that New York's clock shows, as the publisher writes them."""
    clock = instant.astimezone(_ZONE)
    return b",%d,%d,%d,%d," % (clock.year, clock.month, clock.day, clock.hour)


def _text(instant: datetime) -> bytes:
    """An instant as the publisher writes it, with the end of the line."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode()


scale = Scale("flights", "raw/flights", months, copies)

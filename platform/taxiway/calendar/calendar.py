"""The calendar of a project: from where to where it goes, on which clock, and its partitions of every grain."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from taxiway.calendar.keys import Grain, Interval, grain_of, see_that_is_key
from taxiway.calendar.starts import as_instant, irregular_hour, partitions_of_year
from taxiway.errors import UsageError

_FAR = datetime(2038, 1, 1, tzinfo=UTC)
"""Up to here the clock of an open calendar is looked at: a fixed day, as what is found is part of what a table is."""


@dataclass(frozen=True)
class Calendar:
    """From `first` to before `end`, each a key of any grain, on the clock of `zone`; None is an open end.

    A calendar has the partitions that lie in it as a whole. Where the end is open, whoever asks for all of them says
    until when: a partition is closed once it is over. Raises UsageError for a bound that is no key.
    """

    first: str
    end: str | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """See that the bounds are keys, in order."""
        if self.end is not None and self.span(self.first).start >= self.span(self.end).start:
            raise UsageError(f"the first partition {self.first} must lie before the end {self.end}")
        self.span(self.first)

    @cached_property
    def bounds(self) -> Interval:
        """The instants of the calendar; an open one ends where no partition does."""
        end = self.span(self.end).start if self.end is not None else datetime.max.replace(tzinfo=UTC)
        return Interval(self.span(self.first).start, end)

    @property
    def looked_at(self) -> Interval:
        """The instants over which the clock is looked at: the calendar, an open one up to a fixed day."""
        return Interval(self.bounds.start, min(self.bounds.end, max(_FAR, self.bounds.start)))

    def __str__(self) -> str:
        """Where it begins and ends, for people."""
        return f"{self.first} to before {self.end}" if self.end is not None else f"from {self.first}"

    # A key and its instants, also outside the calendar.

    def span(self, key: str) -> Interval:
        """The instants of a key of any grain, in the calendar or not; raises UsageError for what is none, as a date or
        an hour that the clock leaves out."""
        grain = see_that_is_key(key)
        year, place = self._find(grain, key)
        known = partitions_of_year(self.zone, grain, year)
        return Interval(as_instant(known.starts[place]), as_instant(self._start(grain, year, place + 1)))

    def key(self, grain: Grain, instant: datetime) -> str:
        """The key of the partition in which an instant lies."""
        year, place = self._at(grain, instant)
        return partitions_of_year(self.zone, grain, year).keys[place]

    def following(self, key: str) -> str:
        """The key after a key."""
        return self.key(see_that_is_key(key), self.span(key).end)

    # The partitions that the calendar has.

    def has(self, key: str) -> bool:
        """Whether it is the key of a partition of the calendar."""
        if grain_of(key) is None:
            return False
        try:
            span = self.span(key)
        except UsageError:
            return False
        return self.bounds.start <= span.start and span.end <= self.bounds.end

    def see_that_it_has(self, key: str) -> None:
        """Raise UsageError where a text is no key, or that of a partition outside the calendar."""
        span = self.span(key)
        if not (self.bounds.start <= span.start and span.end <= self.bounds.end):
            raise UsageError(f"{key} lies outside the calendar of this deployment ({self})")

    def keys(self, grain: Grain, until: datetime | None = None) -> tuple[str, ...]:
        """All partitions of a grain, in order, that are over at an instant; by default to the end of the calendar.

        Raises UsageError without an instant where the end is open.
        """
        if until is None and self.end is None:
            raise UsageError("the calendar has an open end: say until when")
        end = self.bounds.end if until is None else min(until, self.bounds.end)
        if end <= self.bounds.start:
            return ()
        # Up to what is not over yet, so that one answer serves until the next partition is over.
        year, place = self._at(grain, end)
        return _keys(self, grain, year, place)

    def overlapping(self, grain: Grain, span: Interval) -> tuple[str, ...]:
        """The partitions of a grain that have an instant in common with an interval, in order."""
        start, end = max(span.start, self.bounds.start), min(span.end, self.bounds.end)
        if start >= end:
            return ()
        year, place = self._at(grain, start)
        last = int(end.timestamp()) + bool(end.microsecond)
        found: list[str] = []
        while True:
            known = partitions_of_year(self.zone, grain, year)
            stop = bisect_left(known.starts, last)
            found += known.keys[place:stop]
            if stop < len(known.starts):
                break
            year, place = year + 1, 0
        # The first and the last may reach beyond the calendar.
        if found and not self.has(found[0]):
            found.pop(0)
        if found and not self.has(found[-1]):
            found.pop()
        return tuple(found)

    def irregular_hours(self) -> str:
        """Why the calendar cannot have hours: a clock that is not always a whole number of hours from UTC, or that goes
        back by anything but one hour; empty where it can."""
        looked_at = self.looked_at
        why = irregular_hour(self.zone, int(looked_at.start.timestamp()), int(looked_at.end.timestamp()))
        return f"the clock of {self.zone} cannot be told by whole hours: {why}" if why else ""

    # Several keys.

    def among(self, keys: Iterable[str], span: Interval) -> list[str]:
        """Those of the keys whose partitions have an instant in common with an interval, in order."""
        return sorted(key for key in keys if self.is_key(key) and self.span(key).overlaps(span))

    def blocks(self, keys: Iterable[str]) -> list[list[str]]:
        """Keys in runs of such as follow each other; one of another program, which is no key, stands alone."""
        found: list[list[str]] = []
        following = None
        for key in sorted(keys):
            if key == following:
                found[-1].append(key)
            else:
                found.append([key])
            following = self.following(key) if self.is_key(key) else None
        return found

    def in_words(self, keys: Iterable[str]) -> str:
        """Keys as people write them: ranges where they follow each other."""
        return ", ".join(block[0] if len(block) == 1 else f"{block[0]} to {block[-1]}" for block in self.blocks(keys))

    def is_key(self, text: str) -> bool:
        """Whether a text is the key of a partition, in the calendar or not."""
        if grain_of(text) is None:
            return False
        try:
            self.span(text)
        except UsageError:
            return False
        return True

    # Where in which year.

    def _find(self, grain: Grain, key: str) -> tuple[int, int]:
        """The year in which a partition begins, and its place there; raises UsageError where there is none."""
        year = int(key[:4])
        # A week may begin in the year before the one by which it is called.
        for begins in (year, year - 1) if grain == "week" else (year,):
            if not 1 < begins < 9999:
                break
            place = partitions_of_year(self.zone, grain, begins).place.get(key)
            if place is not None:
                return begins, place
        raise UsageError(f"there is no {grain} {key} on the clock of {self.zone}")

    def _at(self, grain: Grain, instant: datetime) -> tuple[int, int]:
        year = instant.astimezone(ZoneInfo(self.zone)).year
        place = bisect_right(partitions_of_year(self.zone, grain, year).starts, instant.timestamp()) - 1
        if place >= 0:
            return year, place
        return year - 1, len(partitions_of_year(self.zone, grain, year - 1).starts) - 1

    def _start(self, grain: Grain, year: int, place: int) -> int:
        known = partitions_of_year(self.zone, grain, year)
        return known.starts[place] if place < len(known.starts) else self._start(grain, year + 1, 0)


def option(block: list[str]) -> str:
    """The option of the command line that names just these consecutive partitions."""
    return f"--partition {block[0]}" if len(block) == 1 else f"--from {block[0]} --to {block[-1]}"


@lru_cache(maxsize=256)
def _keys(calendar: Calendar, grain: Grain, year: int, place: int) -> tuple[str, ...]:
    """The partitions of a calendar before the one at a place in a year."""
    start = partitions_of_year(calendar.zone, grain, year).starts[place]
    return calendar.overlapping(grain, Interval(calendar.bounds.start, as_instant(start)))

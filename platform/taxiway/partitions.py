"""Monthly partitions: their keys, their bounds on the clock of the schedule, and lookback in months."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from taxiway.errors import UsageError

_MONTH = re.compile(r"(?!0000)([0-9]{4})-(0[1-9]|1[0-2])")
SHORTEST_MONTH = timedelta(days=28)


def parse_month(text: str) -> tuple[int, int]:
    """Year and month of a partition key such as `2013-01`; raises UsageError for anything else."""
    match = _MONTH.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a month: write it as 2013-01")
    return int(match[1]), int(match[2])


def is_month(text: str) -> bool:
    """Whether a partition key is a month."""
    return _MONTH.fullmatch(text) is not None


def shift_month(month: str, by: int) -> str:
    """The month `by` months later (earlier where negative)."""
    year, number = parse_month(month)
    years, index = divmod(year * 12 + number - 1 + by, 12)
    return f"{years:04d}-{index + 1:02d}"


@dataclass(frozen=True)
class Months:
    """The months of a project, from `first` to before `end`, on the clock of `zone`."""

    first: str
    end: str
    zone: str = "UTC"

    def keys(self) -> tuple[str, ...]:
        """All partition keys in order."""
        return self.between(self.first, shift_month(self.end, -1))

    def between(self, first: str, last: str) -> tuple[str, ...]:
        """The keys from `first` to `last`, both included; raises UsageError where one is outside."""
        for month in (first, last):
            parse_month(month)
            if not self.first <= month < self.end:
                raise UsageError(
                    f"{month} lies outside the months of this deployment ({self.first} to before {self.end})"
                )
        keys = []
        month = first
        while month <= last:
            keys.append(month)
            month = shift_month(month, 1)
        return tuple(keys)

    def start(self, month: str) -> datetime:
        """The first instant of the month on the clock of `zone`, in UTC."""
        year, number = parse_month(month)
        return datetime(year, number, 1, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def end_of(self, month: str) -> datetime:
        """The first instant after the month, in UTC."""
        return self.start(shift_month(month, 1))


def months_back(reach: timedelta) -> int:
    """How many whole earlier months can hold an instant up to `reach` before a month's first instant.

    Counted with the shortest month, so that the number holds for every month of the year.
    """
    return -(-reach // SHORTEST_MONTH) if reach > timedelta(0) else 0


def in_words(months: Iterable[str]) -> str:
    """Months as people write them: ranges where they follow each other."""
    return ", ".join(block[0] if len(block) == 1 else f"{block[0]} to {block[-1]}" for block in blocks(months))


def blocks(months: Iterable[str]) -> list[list[str]]:
    """Months in runs of such as follow each other; a key of another program, which is no month, stands alone."""
    found: list[list[str]] = []
    for month in sorted(months):
        if found and is_month(found[-1][-1]) and shift_month(found[-1][-1], 1) == month:
            found[-1].append(month)
        else:
            found.append([month])
    return found


def months_option(block: list[str]) -> str:
    """The option of the command line that names just these consecutive months."""
    return f"--month {block[0]}" if len(block) == 1 else f"--from {block[0]} --to {block[-1]}"

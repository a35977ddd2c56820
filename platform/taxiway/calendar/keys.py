"""How the partitions of each grain are written, and what lies between two instants.

A month is `2013-05`, a day `2013-05-17`, a week `2013-W20` (ISO 8601: it begins on Monday, and belongs to the year of
its Thursday), an hour `2013-05-17T08`, all on the clock of the project. Where clocks go back, an hour is shown twice:
the first is written as any other, the second with its offset from UTC, `2013-11-03T01-0500`. So the keys of a grain
are ordered as texts as they are in time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal, get_args

from taxiway.errors import UsageError

Grain = Literal["hour", "day", "week", "month"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
"""The grains, the shortest first."""

_DATE = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"
PATTERNS: Mapping[Grain, str] = MappingProxyType(
    {
        "hour": rf"{_DATE}-[0-3][0-9]T[0-2][0-9](?:[+-][0-9]{{4}})?",
        "day": rf"{_DATE}-[0-3][0-9]",
        "week": r"(?!0000)[0-9]{4}-W[0-5][0-9]",
        "month": _DATE,
    }
)
"""What the keys of each grain look like, as regular expressions."""

EXAMPLES: Mapping[Grain, str] = MappingProxyType(
    {"hour": "2013-05-17T08", "day": "2013-05-17", "week": "2013-W20", "month": "2013-05"}
)

SHORTEST: Mapping[Grain, timedelta] = MappingProxyType(
    {
        "hour": timedelta(hours=1),
        "day": timedelta(hours=22),
        "week": timedelta(days=6, hours=-2),
        "month": timedelta(days=28, hours=-2),
    }
)
"""No partition is shorter: clocks have gone forward by up to two hours, and Samoa's left out a day."""

_COMPILED: Mapping[Grain, re.Pattern[str]] = {grain: re.compile(pattern) for grain, pattern in PATTERNS.items()}
# A finer grain whose partitions each lie in one of the coarser.
_NESTED = {("hour", "day"), ("hour", "week"), ("hour", "month"), ("day", "week"), ("day", "month")}


@dataclass(frozen=True)
class Interval:
    """The instants from `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Whether an instant lies in both."""
        return self.start < other.end and other.start < self.end


def grain_of(key: str) -> Grain | None:
    """The grain as whose key a text is written; None for a text that is written as none."""
    return next((grain for grain, pattern in _COMPILED.items() if pattern.fullmatch(key)), None)


def see_that_is_key(text: str) -> Grain:
    """The grain as whose key a text is written; raises UsageError for any other text."""
    grain = grain_of(text)
    if grain is None:
        forms = [f"{'an' if each == 'hour' else 'a'} {each} as {EXAMPLES[each]}" for each in reversed(GRAINS)]
        raise UsageError(f"{text!r} is no partition and no date: write {', '.join(forms)}")
    return grain


def first_day(key: str) -> date:
    """The date on which the partition of a key begins."""
    grain = see_that_is_key(key)
    if grain == "week":
        return date.fromisocalendar(int(key[:4]), int(key[-2:]), 1)
    return date.fromisoformat(f"{key}-01" if grain == "month" else key[:10])


def nests(finer: Grain, coarser: Grain) -> bool:
    """Whether each partition of one grain lies in one partition of the other: no week does in a month."""
    return finer == coarser or (finer, coarser) in _NESTED

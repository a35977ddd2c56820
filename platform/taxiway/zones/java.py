"""The zone data of Java, read from its file: what Spark's clocks go by, without starting a JVM.

The format is that of `java.time.zone.TzdbZoneRulesProvider` and `Ser`, unchanged since Java 8.
"""

import os
import shutil
import struct
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_MAGIC = b"\x01\x00\x04TZDB"
_LAST_YEAR = 2100


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(f">{form}", self.data, self.at)
        self.at += struct.calcsize(f">{form}")
        return value

    def text(self) -> str:
        return self.bytes().decode()

    def bytes(self) -> bytes:
        size = self.take("H")
        self.at += size
        return self.data[self.at - size : self.at]

    def offset(self) -> int:
        quarters = self.take("b")
        return self.take("i") if quarters == 127 else quarters * 900

    def instant(self) -> int:
        first = self.take("B")
        if first == 255:
            return self.take("q")
        return ((first << 16) + (self.take("B") << 8) + self.take("B")) * 900 - 4575744000


@dataclass(frozen=True)
class JavaZones:
    """Java's zones: the version of their data, and the compiled rules of each name."""

    version: str
    rules: Mapping[str, bytes]

    def offsets(self, zone: str, instants: list[int]) -> list[int] | None:
        """The offsets of a zone, in seconds, at instants in seconds since 1970; None for a zone that Java lacks."""
        if zone not in self.rules:
            return None
        changes, offsets = _changes(self.rules[zone])
        return [offsets[bisect_right(changes, instant)] for instant in instants]


def java_file() -> Path | None:
    """The zone data of the Java that Spark would start here; None where Spark is not set up."""
    if find_spec("pyspark") is None:
        return None
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    file = Path(java).resolve().parents[1] / "lib" / "tzdb.dat" if java else None
    return file if file is not None and file.is_file() else None


@cache
def read_java_zones(file: Path) -> JavaZones | None:
    """The zones of a file of Java's; None for a file that is none."""
    data = file.read_bytes()
    if not data.startswith(_MAGIC):
        return None
    read = _Reader(data)
    read.at = len(_MAGIC)
    versions = [read.text() for _ in range(read.take("H"))]
    names = [read.text() for _ in range(read.take("H"))]
    rules = [read.bytes() for _ in range(read.take("H"))]
    found: dict[str, bytes] = {}
    for _ in versions:
        for _ in range(read.take("H")):
            name = names[read.take("H")]
            found[name] = rules[read.take("H")]
    for _ in range(read.take("H")):
        alias, name = names[read.take("H")], names[read.take("H")]
        found.setdefault(alias, found[name])
    return JavaZones(versions[-1], found)


@cache
def _changes(rules: bytes) -> tuple[list[int], list[int]]:
    """When a zone changes its offset, and the offsets before the first change and after each."""
    read = _Reader(rules)
    if read.take("b") != 1:
        raise ValueError("these are no zone rules of Java")
    standard = read.take("i")
    for _ in range(standard):
        read.instant()
    for _ in range(standard + 1):
        read.offset()
    number = read.take("i")
    changes = [read.instant() for _ in range(number)]
    offsets = [read.offset() for _ in range(number + 1)]
    yearly = [_yearly_rule(read) for _ in range(read.take("b"))]
    first = (datetime.fromtimestamp(changes[-1], UTC).year if changes else 1900) + 1
    for year in range(first, _LAST_YEAR) if yearly else ():
        for instant, offset in sorted(rule.of(year) for rule in yearly):
            changes.append(instant)
            offsets.append(offset)
    return changes, offsets


@dataclass(frozen=True)
class _Yearly:
    month: int
    day: int
    weekday: int
    seconds: int
    clock: int
    standard: int
    before: int
    after: int

    def of(self, year: int) -> tuple[int, int]:
        """When the offset changes in a year, and to what."""
        last = monthrange(year, self.month)[1]
        day = date(year, self.month, self.day if self.day > 0 else last + 1 + self.day)
        if self.weekday:
            ahead = (self.weekday - day.isoweekday()) % 7
            day += timedelta(days=ahead if self.day > 0 else ahead - 7 if ahead else 0)
        local = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + self.seconds
        return local - (0, self.before, self.standard)[self.clock], self.after


def _yearly_rule(read: _Reader) -> _Yearly:
    data = read.take("I")
    time, standard = data >> 14 & 31, data >> 4 & 255
    before, after = data >> 2 & 3, data & 3
    seconds = read.take("i") if time == 31 else time * 3600
    base = read.take("i") if standard == 255 else (standard - 128) * 900
    earlier = read.take("i") if before == 3 else base + before * 1800
    later = read.take("i") if after == 3 else base + after * 1800
    # A day of 0 and less counts from the end of the month; the clock is UTC's, the wall's or the standard one.
    day = (data >> 22 & 63) - 32
    return _Yearly(data >> 28, day, data >> 19 & 7, seconds, data >> 12 & 3, base, earlier, later)

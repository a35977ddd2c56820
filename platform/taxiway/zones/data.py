"""The zone data that clocks go by: DuckDB's, Java's (Spark), Python's and pandas', and where they disagree.

A table's fingerprint names no engine, so it holds what all engines here say of the zones: one digest where they agree,
whichever are installed, and another wherever one of them begins to say something else.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import duckdb

from taxiway.calendar import Calendar
from taxiway.zones.java import java_file, read_java_zones

_DAY = 86_400
# Those that compiled SQL goes by; functions of Python go by the others.
_ENGINES = ("DuckDB", "Java")
_READS_CLOCKS = re.compile(r"\b(local_clock|instant_of|clock_of_known)\(", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_+\-/]+")
_TEXTS = re.compile(r"'([A-Za-z0-9_+\-/]+)'")

Offsets = Callable[[str, Sequence[int]], "list[int] | None"]


def readings() -> Mapping[str, Offsets]:
    """What tells the offsets of a zone at instants, in seconds; Java does where Spark is set up."""
    java = {"Java": _of_java} if _java() is not None else {}
    return {"DuckDB": _of_duckdb, "Python": _of_python, "pandas": _of_pandas} | java


def zones_of(texts: Iterable[str], calendar: Calendar) -> tuple[str, ...]:
    """The zones that compiled SQL reads the clocks of, as far as it names them, and the project's own."""
    reading = [text for text in texts if _READS_CLOCKS.search(text)]
    named = {word for text in reading for word in _TEXTS.findall(text)} & _known() if reading else set()
    return tuple(sorted({calendar.zone, *named})) if reading else ()


def engines_digest(zones: Sequence[str], calendar: Calendar) -> str:
    """What the engines that are here say of these zones over the project's calendar: one digest where they agree."""
    start, end = _period(calendar)
    said = {
        hashlib.sha256(repr([changes(zone, name, start, end) for zone in zones]).encode()).hexdigest()[:16]
        for name in readings()
        if name in _ENGINES
    }
    return "+".join(sorted(said))


def python_version() -> str:
    """The version of the zone data that Python goes by, of the system or of the package tzdata."""
    for folder in TZPATH:
        file = Path(folder) / "tzdata.zi"
        if file.is_file():
            with file.open() as lines:
                return lines.readline().removeprefix("# version ").strip()
        if Path(folder).is_dir() and any(Path(folder).iterdir()):
            return f"of {folder}"
    try:
        return version("tzdata")
    except PackageNotFoundError:
        return "none"


@cache
def changes(zone: str, name: str, start: int, end: int) -> tuple[tuple[int, int], ...] | None:
    """When a zone changes its offset in a period, exact to the second, and to what, as one of the readings says.

    The first is the offset at the start; None for a zone that it lacks.
    """
    offsets = readings()[name]
    days = [*range(start, end, _DAY), end]
    found = offsets(zone, days)
    if found is None:
        return None
    low = [(day, offset) for day, offset, later in zip(days, found, found[1:], strict=False) if offset != later]
    high = [(day, later) for day, offset, later in zip(days[1:], found, found[1:], strict=False) if offset != later]
    while low and any(after[0] - before[0] > 1 for before, after in zip(low, high, strict=True)):
        middle = [(before[0] + after[0]) // 2 for before, after in zip(low, high, strict=True)]
        told = offsets(zone, middle) or []
        pairs = list(zip(low, high, middle, told, strict=True))
        low = [(at, offset) if offset == before[1] else before for before, _, at, offset in pairs]
        high = [after if offset == before[1] else (at, after[1]) for before, after, at, offset in pairs]
    return ((start, found[0]), *high)


def disagreements(zones: Iterable[str], calendar: Calendar) -> dict[str, str]:
    """For each zone of which the readings differ within the project's calendar, a sentence with the first one."""
    start, end = _period(calendar)
    grid = [*range(start, end, 7 * _DAY), end]
    told = {}
    for zone in zones:
        said = {name: offsets(zone, grid) for name, offsets in readings().items()}
        known = {name: found for name, found in said.items() if found is not None}
        first = next((i for i in range(len(grid)) if len({found[i] for found in known.values()}) > 1), None)
        if first is not None:
            at = datetime.fromtimestamp(grid[first], UTC)
            says = ", ".join(f"{name} {_hours(found[first])}" for name, found in known.items())
            told[zone] = f"{zone} on {at:%Y-%m-%d}: {says}"
    return told


def _hours(offset: int) -> str:
    sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _period(calendar: Calendar) -> tuple[int, int]:
    """From a month before the project's calendar to one after it, in seconds since 1970, whole days of UTC."""
    looked_at, month = calendar.looked_at, timedelta(days=31)
    start, end = (int(day.timestamp()) // _DAY * _DAY for day in (looked_at.start - month, looked_at.end + month))
    return start, end


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def _of_duckdb(zone: str, instants: Sequence[int]) -> list[int] | None:
    if not _NAME.fullmatch(zone):
        return None
    # Binding values has DuckDB import pandas, which costs more than all else here.
    listed = ", ".join(map(str, instants))
    rows = f"SELECT unnest([{listed}]::BIGINT[]) AS i"
    sql = f"SELECT epoch(timezone('{zone}', to_timestamp(i)))::BIGINT - i FROM ({rows})"
    try:
        return [offset for (offset,) in _duckdb().execute(sql).fetchall()]
    except duckdb.Error:
        return None


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def _of_python(zone: str, instants: Sequence[int]) -> list[int] | None:
    if zone not in _known():
        return None
    return _shown_by(ZoneInfo(zone), instants)


def _of_pandas(zone: str, instants: Sequence[int]) -> list[int] | None:
    # What pandas 2 takes its clocks from; importing pandas costs a hundred times as much.
    import pytz

    try:
        return _shown_by(pytz.timezone(zone), instants)
    except pytz.UnknownTimeZoneError:
        return None


def _shown_by(clock: tzinfo, instants: Sequence[int]) -> list[int]:
    offsets = (datetime.fromtimestamp(instant, clock).utcoffset() for instant in instants)
    return [int(offset.total_seconds()) if offset is not None else 0 for offset in offsets]


def _java() -> Path | None:
    file = java_file()
    return file if file is not None and read_java_zones(file) is not None else None


def _of_java(zone: str, instants: Sequence[int]) -> list[int] | None:
    file = _java()
    found = read_java_zones(file) if file is not None else None
    return found.offsets(zone, list(instants)) if found is not None else None

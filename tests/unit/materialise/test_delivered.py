"""What lies in the landing zone and belongs to no table is told, with the name that may have been meant."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gauges.project import project
from tests.working import workspace

from taxiway.broken import BrokenTable
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import in_short, unexpected

GOOD = "readings-2013-02.csv"


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    found = workspace(tmp_path, project, months=3, zone="UTC")
    found.landing.deliver("gauges.csv", b"gauge,river\n")
    return found


def root(place: Workspace) -> Path:
    return Path(place.landing.store.uri)


def tell(place: Workspace, *names: str) -> dict[str, tuple[str, str | None]]:
    """What is told of files of these names: the message and the table that it is told of."""
    for name in names:
        (root(place) / name).write_bytes(b"x")
    return {
        each.name: (each.why, each.table.at if each.table else None)
        for each in unexpected(place, place.landing.listing())
    }


def test_what_tables_are_made_from_is_not_told(place: Workspace) -> None:
    assert tell(place, GOOD, "readings-2013-03.csv") == {}


ALMOST = [
    "Readings-2013-02.csv",
    "readings_2013-02.csv",
    "readings-2013-2.csv",
    "readings-2013-02.CSV",
    "readings201302.csv",
    "readings 2013 02.csv",
    " readings-2013-02.csv",
    "readings-2013-02.csv ",
    "readings-2013-02 (1).csv",
    "readings-2013-02 - Copy.csv",
    "Copy of readings-2013-02.csv",
    "reedings-2013-02.csv",
    "reading-2013-02.csv",
    "readings-2013-02.txt",
    "readings-2013-02",
    "readings-2013-02.csv.bak",
    "readings-2013-02.csv~",
    "ｒeadings-2013-02.csv",
]


@pytest.mark.parametrize("name", ALMOST)
def test_a_name_that_is_almost_right_is_told_with_the_right_one(place: Workspace, name: str) -> None:
    ((why, table),) = tell(place, name).values()
    assert (why, table) == (f"belongs to no table: did you mean {GOOD}? rename it", "raw/readings")


@pytest.mark.parametrize("ending", [".gz", ".zip", ".GZ", ".csv.zst"])
def test_a_packed_file_is_to_be_unpacked(place: Workspace, ending: str) -> None:
    ((why, _),) = tell(place, f"{GOOD.removesuffix('.csv') if '.csv' in ending else GOOD}{ending}").values()
    assert why == f"belongs to no table: unpack it as {GOOD}"


def test_the_right_file_may_be_there_too(place: Workspace) -> None:
    found = tell(place, GOOD, "readings_2013-02.csv")
    assert found["readings_2013-02.csv"][0].startswith(f"belongs to no table: {GOOD}, which it is near to, lies there")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "readings-2013-04.csv",
            "is of raw/readings for 2013-04, outside .*: set TAXIWAY_END=2013-05, or remove",
        ),
        (
            "readings-2012-12.csv",
            "is of raw/readings for 2012-12, outside .*: set TAXIWAY_FIRST=2012-12, or remove",
        ),
        ("Readings_2014-01.csv", "is of raw/readings for 2014-01, outside .* have the name readings-2014-01.csv$"),
        ("readings-2013-13.csv", "belongs to no month of raw/readings: write the month as in readings-2013-01.csv"),
        ("readings.csv", "belongs to no month of raw/readings: write the month as in readings-2013-01.csv"),
    ],
)
def test_another_month_is_told_with_the_setting(place: Workspace, name: str, told: str) -> None:
    import re

    ((why, table),) = tell(place, name).values()
    assert re.match(told, why), why
    assert table == "raw/readings"


def test_what_is_near_no_name_belongs_to_no_table(place: Workspace) -> None:
    found = tell(place, "notes.txt", "a\nb.csv", "\x1b[31mred.csv", "weather-2013-01.csv")
    assert set(found) == {"notes.txt", repr("a\nb.csv"), repr("\x1b[31mred.csv"), "weather-2013-01.csv"}
    for why, table in found.values():
        assert why.startswith("belongs to no table: rename it")
        assert table is None


def test_what_may_be_of_a_broken_table_is_not_to_be_removed(place: Workspace) -> None:
    broken = (BrokenTable("raw/weather", "x"), BrokenTable("mart/rain", "x"), BrokenTable("raw/y", "x", "raw/weather"))
    place = Workspace(replace(project, broken=broken), place.settings)
    (root(place) / "weather").mkdir()
    (root(place) / "lost.csv").symlink_to("nowhere")
    found = tell(place, "weather-2013-01.csv", "reading-2013-02.csv", GOOD, f"{GOOD}.zip", "Readings-2013-01.csv")
    why = "belongs to no table that can be made: it may be of raw/weather, which is broken; mend that first"
    assert {name: told for name, (told, _) in found.items()} == {
        "weather": f"is a folder, and {why}",
        "lost.csv": f"is a link to nowhere, and {why}",
        "weather-2013-01.csv": why,
        "reading-2013-02.csv": why,
        f"{GOOD}.zip": f"belongs to no table: {GOOD}, which it is near to, lies there too",
        "Readings-2013-01.csv": "belongs to no table: did you mean readings-2013-01.csv? rename it",
    }


def folder(path: Path) -> None:
    path.mkdir()
    (path / GOOD).write_bytes(b"x")


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "2013": (folder, "is a folder, and belongs to no table: put the files in it into "),
    "lost.csv": (lambda path: path.symlink_to("nowhere"), "is a link to nowhere, and belongs to no table: deliver"),
    "pipe": (os.mkfifo, "is no regular file, and belongs to no table: deliver a file into "),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_file_is_told(place: Workspace, name: str) -> None:
    make, told = KINDS[name]
    make(root(place) / name)
    ((why, _),) = tell(place).values()
    assert why.startswith(told)


UPLOADS = [f"{GOOD}.part", f"{GOOD}.tmp", f".{GOOD}.1234abcd", f".{GOOD}", f".{GOOD}.swp", f"{GOOD}.crdownload"]


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_is_told_once_it_has_ended(place: Workspace, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tell(place, name, ".hidden", ".gitkeep") == {}
    now = time.time() + 3700
    monkeypatch.setattr("taxiway.materialise.delivered.time.time", lambda: now)
    ((why, table),) = tell(place).values()
    assert why == (f"is an upload that has not gone on for an hour: deliver {GOOD} again, and remove this part")
    assert table == "raw/readings"


def test_thousands_are_told_in_short_and_at_once(place: Workspace) -> None:
    root(place).mkdir(exist_ok=True)
    for number in range(5000):
        (root(place) / f"a-{number}.log").touch()
    (root(place) / "readings_2013-02.csv").touch()
    began = time.process_time()
    told = list(in_short(unexpected(place, place.landing.listing())))
    assert time.process_time() - began < 3
    assert len(told) == 6
    assert told[0].startswith("readings_2013-02.csv belongs to no table: did you mean")
    assert told[-1] == "and 4,996 more that belong to no table"

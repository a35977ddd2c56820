"""A damaged entry in a table's Delta log stops what needs the table, with its name, and nothing is made over it."""

from pathlib import Path

import pytest
from tests.gauges.to_the_last_day import project
from tests.working import land, rows, run, run_all, statuses, workspace

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake import Lake
from taxiway.materialise import Workspace

RAW, LEVELS = "raw/readings", "feature/level_history"


@pytest.fixture
def made(tmp_path: Path) -> Workspace:
    """Two versions of every monthly table."""
    place = workspace(tmp_path / "home", project)
    for change in ((b"", b""), (b"Z,1", b"Z,5")):
        land(place, change=change)
        run_all(place)
    return place


def entry(lake: Lake, at: str, version: int) -> Path:
    return Path(lake.uri(Address.parse(at)), "_delta_log", f"{version:020d}.json")


def everything(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("damage", [b"{", b"\0" * 64, b'{"add": {"path"'])
def test_a_damaged_entry_stops_the_table_and_what_reads_it(made: Workspace, damage: bytes, version: int) -> None:
    found = entry(made.lake, RAW, version)
    whole = found.read_bytes()
    found.write_bytes(damage)
    before = everything(Path(made.settings.lake.uri))
    for at in (RAW, LEVELS):
        with pytest.raises(LakeError, match=rf"raw/readings: its Delta log .* damaged: {found.name}") as caught:
            run(made, at, force=True)
        assert "taxiway run raw/readings" in str(caught.value)
    assert statuses(run(made, "feature/river_month")) == {"*": "skipped"}
    assert everything(Path(made.settings.lake.uri)) == before
    found.write_bytes(whole)
    assert {status for outcome in run_all(made) for status in statuses(outcome).values()} == {"skipped"}


def test_moving_the_damaged_table_away_and_running_makes_it_anew(made: Workspace) -> None:
    before = rows(made.lake, RAW)
    entry(made.lake, RAW, 1).write_text("{")
    Path(made.lake.uri(Address.parse(RAW))).rename(made.settings.home / "moved away")
    assert set(statuses(run(made, RAW)).values()) == {"published"}
    assert rows(made.lake, RAW) == before


def test_an_entry_without_content_is_the_version_before_and_the_next_run_heals_it(made: Workspace) -> None:
    before = rows(made.lake, RAW)
    first = rows(made.lake, RAW, version=0)
    entry(made.lake, RAW, 1).write_text("")
    assert rows(made.lake, RAW) == first != before
    assert set(statuses(run(made, RAW)).values()) == {"published"}
    assert rows(made.lake, RAW) == before

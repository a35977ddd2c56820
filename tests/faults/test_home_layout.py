"""A home of another version of Taxiway is refused before anything in it is read or changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unprivileged import unprivileged
from tests.working import ROOT, land, run, workspace

from taxiway.errors import SettingsError
from taxiway.home import LAYOUT, check_home
from taxiway.materialise import Workspace

MARKS = {
    str(LAYOUT + 1): "was laid out by a newer Taxiway .*upgrade Taxiway, or set TAXIWAY_HOME to another folder",
    "99": "was laid out by a newer Taxiway",
    "0": "has a file LAYOUT that this Taxiway does not know",
    "": "does not know",
    "garbage \0": "does not know",
}


def everything(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_new_home_is_marked_once(gauges: Workspace) -> None:
    land(gauges)
    mark = gauges.settings.home / "LAYOUT"
    assert mark.read_text() == f"{LAYOUT}\n"
    written = mark.stat().st_mtime_ns
    again = Workspace(gauges.project, gauges.settings)
    run(again, "raw/gauges")
    assert mark.stat().st_mtime_ns == written


@pytest.mark.parametrize("mark", MARKS)
def test_a_home_of_another_version_is_refused_and_left_alone(gauges: Workspace, mark: str) -> None:
    land(gauges)
    run(gauges, "raw/gauges")
    (gauges.settings.home / "LAYOUT").write_text(mark)
    before = everything(gauges.settings.home)
    place = Workspace(gauges.project, gauges.settings)
    for attempt in (lambda: land(place), lambda: run(place, "raw/gauges", force=True), lambda: place.lake):
        with pytest.raises(SettingsError, match=MARKS[mark]) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert everything(gauges.settings.home) == before


@pytest.mark.parametrize("command", [["tables"], ["run", "raw/airlines"]], ids=" ".join)
def test_the_command_line_says_so_in_one_line(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "LAYOUT").write_text("99\n")
    done = subprocess.run(
        [sys.executable, "-c", "from taxiway.cli import main; main()", *command],
        cwd=ROOT,
        env=os.environ | {"TAXIWAY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    told = [line for line in done.stderr.splitlines() if "newer Taxiway" in line]
    assert len(told) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_without_a_mark_that_cannot_be_written_can_still_be_read(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home")
    land(place)
    run(place, "raw/gauges")
    (place.settings.home / "LAYOUT").unlink()
    with unprivileged(place.settings.home):
        place.settings.home.chmod(0o555)
        check_home(place.settings.home)
        assert len(Workspace(place.project, place.settings).lake.tables()) == 1
        place.settings.home.chmod(0o755)
    assert not (place.settings.home / "LAYOUT").exists()

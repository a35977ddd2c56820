"""A lake or a home that cannot be written can be read; a run says in one line what to do, and changes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.leftovers import leftovers
from tests.unprivileged import unprivileged
from tests.working import ROOT, land, rows, run, run_all, statuses, workspace

from flights.project import project as flights
from taxiway.errors import LakeError, SettingsError, TaxiwayError
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.settings import load_settings

LEVELS = "feature/level_history"


@pytest.fixture
def made(gauges: Workspace) -> Workspace:
    land(gauges)
    run_all(gauges)
    land(gauges, ["2013-02"], change=(b",25,", b",high,"))
    return gauges


def write_protect(folder: Path, *, writable: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755 if writable else 0o555)


PROTECTED: dict[str, tuple[Callable[[Workspace], Path], str]] = {
    "the lake": (lambda place: Path(place.settings.lake.uri), "make it writable"),
    "a table": (lambda place: Path(place.settings.lake.uri) / "raw" / "readings", "make it writable"),
    "a log": (lambda place: Path(place.settings.lake.uri) / "raw" / "readings" / "_delta_log", "make it writable"),
    "scratch": (lambda place: place.settings.scratch, "make it writable"),
    "the home": (lambda place: place.settings.home, "make it writable"),
}


@pytest.mark.parametrize("protected", PROTECTED)
def test_what_cannot_be_written_is_told_and_stays_as_it_is(made: Workspace, protected: str) -> None:
    find, told = PROTECTED[protected]
    before = {at: rows(made.lake, at) for at in ("raw/readings", LEVELS)}
    with unprivileged(made.settings.home):
        write_protect(find(made), writable=False)
        place = Workspace(made.project, made.settings)
        with pytest.raises(TaxiwayError, match=rf"[Pp]ermission denied.*{told}") as caught:
            run(place, "raw/readings")
        assert isinstance(caught.value, LakeError)
        assert "\n" not in str(caught.value)
        assert {at: rows(place.lake, at) for at in before} == before
        assert set(statuses(run(place, LEVELS)).values()) == {"skipped"}
        write_protect(find(made), writable=True)
        assert statuses(run(place, "raw/readings"))["2013-02"] == "published"
        assert leftovers(made.settings) == []


def test_a_home_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(SettingsError, match=r"TAXIWAY_HOME=.* cannot be used"):
        _ = workspace(tmp_path / "home").lake


def test_a_checkout_that_cannot_be_written_needs_a_home_elsewhere_alone(tmp_path: Path) -> None:
    """Root may write everywhere, so the command runs as nobody; what it writes goes below the home."""
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    for part in ("dbt_project", "deployments", "assets"):
        made = shutil.ignore_patterns("target", "__pycache__", ".user.yml")
        shutil.copytree(ROOT / part, checkout / part, ignore=made)
    settings = checkout / "dbt_project" / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("send_anonymous_usage_stats: false", "use_colors: false"))
    home.mkdir()
    before = sorted(checkout.rglob("*"))
    # Whoever is nobody may not import what lies in another's home, so it is imported before.
    DbtProject(checkout / "dbt_project", tmp_path / "imported").prepare()
    write_protect(checkout, writable=False)
    with unprivileged(home):
        here = load_settings("local", root=checkout, home=home)
        project = DbtProject.of(flights, here)
        assert project is not None
        project.prepare()
        assert DbtProject(checkout / "dbt_project", here.dbt).is_prepared
        build_definitions(flights, here)
    write_protect(checkout, writable=True)
    assert sorted(checkout.rglob("*")) == before

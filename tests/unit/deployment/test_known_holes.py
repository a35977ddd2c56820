"""No server is started with a Dagster whose holes are known."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tests.working import ROOT

from taxiway.deployment import known_holes, server
from taxiway.deployment.known_holes import FLOORS, HOLES, see_that_none_is_open
from taxiway.errors import DeploymentError
from taxiway.settings import load_settings


def with_versions(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    installed = {name: versions.get(name.replace("-", "_"), floor) for name, floor in FLOORS.items()}
    monkeypatch.setattr(known_holes, "version", installed.__getitem__)


def test_what_is_installed_has_none() -> None:
    see_that_none_is_open()


def test_all_that_is_too_old_is_told_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with_versions(monkeypatch)
    see_that_none_is_open()
    with_versions(monkeypatch, dagster="1.9.13", dagster_postgres="0.25.13", dagster_webserver="1.13.10")
    with pytest.raises(DeploymentError) as told:
        see_that_none_is_open()
    assert "dagster 1.9.13 is older than 1.13.1, dagster-postgres 0.25.13 is older than 0.29.1;" in str(told.value)
    assert "dagster-webserver" not in str(told.value), "1.13.10 is newer than 1.13.1"
    assert all(hole.name in str(told.value) for hole in HOLES)


def test_a_server_is_not_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_versions(monkeypatch, dagster="1.13.0")
    settings = load_settings("local", home=tmp_path / "home")
    with pytest.raises(DeploymentError, match=r"dagster 1\.13\.0 is older"):
        server.become(settings, [sys.executable, "-c", "raise SystemExit(3)"], compiled=False)
    assert not (tmp_path / "home").exists()


def test_the_floor_is_above_each_hole_and_that_of_the_requirements() -> None:
    assert max(Version(hole.mended_in) for hole in HOLES) <= Version(FLOORS["dagster"])
    declared = tomllib.loads((ROOT / "platform" / "pyproject.toml").read_text())["project"]
    texts = [*declared["dependencies"], *declared["optional-dependencies"]["staging"]]
    texts += tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    required = {each.name: str(each.specifier) for each in map(Requirement, texts) if each.name in FLOORS}
    assert required == {name: f"~={floor}" for name, floor in FLOORS.items()}


def test_the_documentation_lists_the_same() -> None:
    section = (ROOT / "docs" / "deployments.md").read_text().partition("## Known holes")[2]
    rows = re.findall(
        r"^\| \[(CVE-[0-9-]+)\]\(https://github.com/advisories/GHSA[^)]+\) \| .* \| ([0-9.]+) \|", section, re.MULTILINE
    )
    assert rows == [(hole.name, hole.mended_in) for hole in HOLES]

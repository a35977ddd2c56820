"""A further deployment is a folder, and needs no code."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.working import ROOT

from taxiway.deployment.new import new_deployment
from taxiway.errors import UsageError
from taxiway.settings import load_settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "deployments", tmp_path / "deployments")
    return tmp_path


def test_it_is_as_staging_but_for_its_port(root: Path) -> None:
    folder, port = new_deployment(root, "qa")
    assert sorted(file.name for file in folder.iterdir()) == ["settings.toml"]
    own: dict[str, Any] = {name: root / name for name in ("home", "lake", "landing")}
    own |= {"root": root, "engine": "duckdb", "dagster_storage": "sqlite"}
    made, staging = (load_settings(name, **own) for name in ("qa", "staging"))
    assert made.port == port != staging.port
    assert made.model_copy(update={"deployment": "staging", "port": staging.port}) == staging
    _, further = new_deployment(root, "qa2")
    assert further >= port + 100


def test_a_project_without_staging_has_one_with_servers_too(root: Path) -> None:
    for name in ("staging", "production"):
        shutil.rmtree(root / "deployments" / name)
    _, port = new_deployment(root, "qa")
    own: dict[str, Any] = {name: root / name for name in ("home", "lake", "landing")}
    made = load_settings("qa", root=root, engine="duckdb", dagster_storage="sqlite", **own)
    assert (made.runs, made.port) == ("queue", port)


def test_a_port_of_the_shell_is_not_taken_for_that_of_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expected = new_deployment(root, "qa")
    shutil.rmtree(root / "deployments" / "qa")
    monkeypatch.setenv("TAXIWAY_PORT", "20000")
    assert new_deployment(root, "qa")[1] == expected
    assert new_deployment(root, "qa2", 20000)[1] == 20000


@pytest.mark.parametrize(
    ("name", "port", "told"),
    [
        ("staging", None, "there is a deployment staging already: deployments/staging/"),
        ("QA", None, "'QA' is no name for a deployment: write 2 to 20 small letters and digits, e.g. qa"),
        ("../qa", None, "is no name for a deployment"),
        ("q_a", None, "is no name for a deployment"),
        ("qa", 8450, "port 8450 is too near to that of staging"),
        ("qa", 70000, "port 70000 is not between 1024 and 65000"),
        ("qa", 80, "port 80 is not between 1024 and 65000"),
        ("qa", 0, "port 0 is not between 1024 and 65000"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(root: Path, name: str, port: int | None, told: str) -> None:
    before = sorted(root.rglob("*"))
    with pytest.raises(UsageError, match=told):
        new_deployment(root, name, port)
    assert sorted(root.rglob("*")) == before

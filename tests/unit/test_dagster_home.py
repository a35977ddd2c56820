"""Dagster's folder of a deployment: its configuration, and the URL of a storage that is a server."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.working import ROOT

from taxiway.dagster_home import prepare_home
from taxiway.errors import SettingsError
from taxiway.settings import load_settings

URL = "postgresql://dagster:secret@db/dagster"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test puts into the environment goes with it."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


@pytest.mark.parametrize("deployment", ["staging", "production"])
def test_a_server_is_reached_by_a_url_that_only_the_environment_has(tmp_path: Path, deployment: str) -> None:
    places = {each: tmp_path / each for each in ("home", "lake", "landing")}
    own: dict[str, Any] = {"root": ROOT, "engine": "duckdb", **places}
    with pytest.raises(SettingsError, match=f"'{deployment}': its dagster.yaml wants PostgreSQL; set TAXIWAY_DAGSTER"):
        prepare_home(load_settings(deployment, dagster_storage="sqlite", **own))
    (tmp_path / "url").write_text(URL)
    os.environ["TAXIWAY_DAGSTER_STORAGE_FILE"] = str(tmp_path / "url")
    settings = load_settings(deployment, **own)
    prepare_home(settings)
    with_driver = URL.replace("postgresql:", "postgresql+psycopg2:")
    assert os.environ["TAXIWAY_DAGSTER_STORAGE"] == with_driver
    assert "TAXIWAY_DAGSTER_STORAGE_FILE" not in os.environ, "a child would be given it twice"
    assert os.environ["DAGSTER_HOME"] == str(settings.dagster)
    assert all(URL not in file.read_text() for file in settings.dagster.iterdir())
    assert load_settings(deployment, **own).dagster_postgres == settings.dagster_postgres


def test_a_storage_of_files_needs_none(tmp_path: Path) -> None:
    prepare_home(load_settings("local", root=ROOT, home=tmp_path))
    assert "TAXIWAY_DAGSTER_STORAGE" not in os.environ

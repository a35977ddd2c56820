"""What `taxiway doctor` finds of the places that a deployment reaches, each tried for real."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from tests.postgres import Database
from tests.s3 import BUCKET, Server
from tests.working import ROOT

from taxiway.cli.doctor_places import _owned, places
from taxiway.cli.findings import Finding
from taxiway.lake import owner
from taxiway.settings import Settings, load_settings
from taxiway.storage import Store


@pytest.fixture(autouse=True)
def own_dagster(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here becomes the Dagster of this process, of which nothing may be left."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def settings(home: Path, **given: Any) -> Settings:
    return load_settings("local", root=ROOT, home=home, **given)


def found(asked: Settings) -> Mapping[str, Finding]:
    return {finding.check: finding for finding in places(asked)}


def in_bucket(home: Path, server: Server, who: str = "writer", **given: Any) -> Settings:
    lake, landing = (Store(f"s3://{BUCKET}/{uuid4().hex}/{name}", server.s3(who)) for name in ("lake", "landing"))
    return settings(home, lake=lake, landing=landing, **given)


def test_a_folder_can_be_written_and_nothing_is_left(tmp_path: Path) -> None:
    asked = settings(tmp_path)
    assert {finding.status for finding in places(asked)} == {"ok"}
    assert list(Path(asked.lake.uri).iterdir()) == list(Path(asked.landing.uri).iterdir()) == []


def test_a_lake_of_another_deployment_is_told(tmp_path: Path) -> None:
    asked = settings(tmp_path)
    asked.lake.write(owner.FILE, b"staging")
    finding = found(asked)["owner"]
    assert finding.status == "missing"
    assert "is of deployment staging, and can only be read" in finding.found
    assert finding.advice == "set TAXIWAY_LAKE to the lake of local"


def test_a_lake_of_nobody_knows_whom_is_told(tmp_path: Path) -> None:
    asked = settings(tmp_path).model_copy(update={"deployment": "staging"})
    assert "nobody's yet" in _owned(asked).found
    asked.lake.write("raw/levels/_delta_log/00000000000000000000.json", b"{}")
    finding = _owned(asked)
    assert (finding.status, "has tables, and nothing says whose they are" in finding.found) == ("missing", True)
    assert finding.advice == f"where they are of staging, write that into {asked.lake}/_deployment"


def test_a_key_that_may_write_everywhere_is_told_and_nothing_is_left(tmp_path: Path, s3: Server) -> None:
    asked = in_bucket(tmp_path, s3)
    findings = found(asked)
    assert findings["lake/"].status == findings["landing/"].status == "ok"
    assert findings["beside lake"].status == "warning"
    assert findings["beside lake"].advice == f"let it write below {asked.lake} and {asked.landing} alone"
    bucket = Store(f"s3://{BUCKET}", s3.s3())
    assert [file.path for file in bucket.files() if "doctor" in file.path or asked.lake.uri in file.path] == []


def test_a_key_that_only_reads_is_told(tmp_path: Path, s3: Server) -> None:
    findings = found(in_bucket(tmp_path, s3, "reader"))
    assert findings["lake/"].status == findings["landing/"].status == "warning"
    assert findings["lake/"].advice == "what publishes needs a key that may write"
    assert findings["beside lake"].status == "ok"


def test_a_key_that_writes_and_may_not_remove_is_told(
    tmp_path: Path, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = Store.remove

    def refused(store: Store, paths: Iterable[str]) -> None:
        listed = list(paths)
        if any("taxiway-doctor" in path for path in listed):
            remove(store, listed)
            raise PermissionError(f"{store}: permission denied")
        remove(store, listed)

    monkeypatch.setattr(Store, "remove", refused)
    finding = found(in_bucket(tmp_path, s3))["beside lake"]
    assert finding.status == "warning"
    assert ", and cannot remove what it wrote there, taxiway-doctor-" in finding.found


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_a_database_is_asked_and_its_password_is_not_told(tmp_path: Path, database: Database, password: str) -> None:
    url = database.url if password == "right" else database.url_of("nobody", "hunter2")
    findings = found(settings(tmp_path, connections={"bi": SecretStr(url)}))
    assert findings["connection bi"].status == ("ok" if password == "right" else "missing")
    assert "hunter2" not in str(findings)


def test_a_place_of_files_is_tried(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    given = {"there": SecretStr(str(tmp_path / "exports")), "not": SecretStr(str(tmp_path / "a file" / "exports"))}
    findings = found(settings(tmp_path, connections=given))
    assert findings["connection there"].status == "ok"
    assert findings["connection not"].status == "missing"
    assert findings["connection not"].advice.endswith("or set TAXIWAY_CONNECTION_NOT to where you may write")


def test_a_queue_that_nobody_serves_is_told(tmp_path: Path, database: Database) -> None:
    finding = found(settings(tmp_path, runs="queue", dagster_storage=database.url))["queue"]
    assert finding.status == "warning"
    assert finding.found == "no daemon has run yet"
    assert finding.advice.endswith("taxiway deployment start local")

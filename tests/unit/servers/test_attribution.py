"""Who asked for a run or a backfill, as far as a webserver, the daemon and the command line know it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.workspace.context import WorkspaceRequestContext
from dagster._core.workspace.workspace import CurrentWorkspace
from starlette.datastructures import Headers
from tests.working import ROOT

from taxiway.dagster_home import prepare_home
from taxiway.servers.attribution import AttributingInstance
from taxiway.settings import load_settings
from taxiway.users import UNKNOWN, USER_TAG, account, asking

CONFIGURED = """\
instance_class: {module: taxiway.servers.attribution, class: AttributingInstance}
run_coordinator:
  module: taxiway.servers.attribution
  class: AttributingRunCoordinator
  config: {known_by: KNOWN, dequeue_interval_seconds: 3}
telemetry: {enabled: false}
"""
FORGED = {USER_TAG: "mallory"}

LOCATION = RegisteredCodeLocationOrigin("flights")
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "__repository__"), "job")

Open = Callable[[str], dg.DagsterInstance]


@pytest.fixture
def open_instance(tmp_path: Path) -> Iterator[Open]:
    opened: list[dg.DagsterInstance] = []

    def make(known_by: str) -> dg.DagsterInstance:
        (tmp_path / "dagster.yaml").write_text(CONFIGURED.replace("KNOWN", known_by))
        opened.append(dg.DagsterInstance.from_config(str(tmp_path)))
        return opened[-1]

    yield make
    for instance in opened:
        instance.dispose()


@dg.op
def nothing() -> None: ...


@dg.job
def job() -> None:
    nothing()


def submitted(instance: dg.DagsterInstance, source: Any, tags: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The tags of a run after it was put into the queue."""
    run = instance.create_run_for_job(job, tags=dict(tags or {}), remote_job_origin=ORIGIN)
    process: Any = None
    workspace = WorkspaceRequestContext(instance, CurrentWorkspace({}), process, None, source, False)
    queued = instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))
    assert queued.status is dg.DagsterRunStatus.QUEUED
    return queued.tags


def request(**headers: str) -> SimpleNamespace:
    return SimpleNamespace(headers=Headers({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize("tags", [{}, FORGED, {**FORGED, "dagster/parent_run_id": "1"}])
def test_a_run_names_who_logged_in(open_instance: Open, tags: Mapping[str, str]) -> None:
    instance = open_instance("header")
    assert submitted(instance, request(X_Forwarded_User="ada"), tags)[USER_TAG] == "ada"
    assert submitted(instance, request(), tags)[USER_TAG] == UNKNOWN


def test_where_nobody_logs_in_it_names_the_account(open_instance: Open) -> None:
    assert submitted(open_instance("account"), request(X_Forwarded_User="ada"), FORGED)[USER_TAG] == account()


def test_what_the_daemon_submits_keeps_its_tags(open_instance: Open) -> None:
    instance = open_instance("header")
    assert submitted(instance, None, {USER_TAG: "ada", "dagster/backfill": "b"})[USER_TAG] == "ada"
    assert USER_TAG not in submitted(instance, None)


def test_the_rest_of_the_queue_s_configuration_is_dagster_s(open_instance: Open) -> None:
    coordinator: Any = open_instance("header").run_coordinator
    assert coordinator.dequeue_interval_seconds == 3


@pytest.mark.parametrize("user", ["ada", None])
def test_a_backfill_names_who_asked_for_it(open_instance: Open, user: str | None) -> None:
    instance = open_instance("header")
    assert isinstance(instance, AttributingInstance)
    backfill = PartitionBackfill("b", BulkActionStatus.REQUESTED, False, FORGED, 1.0)
    token = asking.set(user) if user else None
    try:
        instance.add_backfill(backfill)
    finally:
        if token is not None:
            asking.reset(token)
    (kept,) = instance.get_backfills()
    assert kept.tags == {USER_TAG: user or "mallory"}


@pytest.mark.parametrize("deployment", ["local", "staging", "production"])
def test_each_deployment_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deployment: str) -> None:
    places: dict[str, Any] = {each: tmp_path / each for each in ("home", "lake", "landing")} | {"engine": "duckdb"}
    settings = load_settings(deployment, root=ROOT, dagster_storage="postgresql://dagster@db/dagster", **places)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    prepare_home(settings)
    text = (settings.dagster / "dagster.yaml").read_text()
    assert "class: AttributingRunCoordinator" in text
    assert ("known_by: account" in text) == (deployment == "local")
    assert ("class: AttributingInstance" in text) == (deployment != "local")

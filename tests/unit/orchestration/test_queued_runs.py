"""Runs of the queue, followed by what Dagster's storage says of them; the queue itself is tested on a real staging."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy.exc import OperationalError, ProgrammingError
from tests.working import workspace

from taxiway.errors import RunLost, SettingsError, UsageError
from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions, queued_runs
from taxiway.orchestration.queued_runs import cancel, execute_queued
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A storage with a queue that no daemon has looked at."""
    queue = {"run_coordinator": {"module": "dagster", "class": "QueuedRunCoordinator"}}
    retries = {"run_retries": {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={**queue, **retries}) as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_runs, "LOOK_S", 0.01)
    monkeypatch.setattr(queued_runs, "SILENT_S", 0.3)
    monkeypatch.setattr(queued_runs, "RETRY_S", 2)


def beat(instance: dg.DagsterInstance, seconds_ago: float = 0.0) -> None:
    """A daemon that takes runs is heard of."""
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, "QUEUED_RUN_COORDINATOR", "x", []))


class Asked:
    """A run that is asked for, and what was told of it."""

    def __init__(self, place: Workspace, instance: dg.DagsterInstance) -> None:
        self.definitions = build_definitions(place.project, place.settings, workspace=place)
        self.place, self.instance = place, instance
        self.told: list[RunEvent] = []
        self.act: Callable[[str], None] = lambda run_id: None

    def tell(self, event: RunEvent) -> None:
        self.told.append(event)
        if event.kind == "queued":
            self.act(event.step)

    def __call__(self) -> bool:
        tables = tuple(table.address for table in self.place.project.tables if table.address.layer == "raw")
        request = RunRequest(tables, ("2013-01",))
        location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="x"), "gauges")
        return execute_queued(self.definitions, self.instance, self.place.project, request, self.tell, location)


@pytest.fixture
def asked(tmp_path: Path, instance: dg.DagsterInstance, quick: None) -> Asked:
    beat(instance)
    return Asked(workspace(tmp_path / "home", parameters={}), instance)


def test_what_nobody_would_take_is_not_submitted(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued_runs, "HEARTBEAT_S", 0.1)
    beat(asked.instance, seconds_ago=3600)
    with pytest.raises(UsageError, match="no daemon of Dagster's takes runs"):
        asked()
    assert asked.instance.get_runs() == []


def test_a_daemon_whose_clock_is_an_hour_off_is_heard_of(asked: Asked) -> None:
    beat(asked.instance, seconds_ago=3600)
    threading.Timer(0.1, lambda: beat(asked.instance, seconds_ago=3599)).start()
    asked.act = lambda run_id: end(asked.instance, run_id, dg.DagsterEventType.RUN_SUCCESS)
    assert asked()


def end(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType, message: str = "") -> None:
    """What a process says last that executes the run."""
    event = dg.DagsterEvent(kind.value, "__ASSET_JOB", message=message)
    instance.report_dagster_event(event, run_id)


def test_a_run_is_of_the_code_location_and_knows_its_month(asked: Asked) -> None:
    asked.act = lambda run_id: end(asked.instance, run_id, dg.DagsterEventType.RUN_SUCCESS)
    assert asked()
    (run,) = asked.instance.get_runs()
    assert run.tags["dagster/partition"] == "2013-01"
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "gauges"
    assert {"/".join(key.path) for key in run.asset_selection or ()} == {"raw/gauges", "raw/readings"}


@pytest.mark.parametrize(("kind", "told"), [("RUN_FAILURE", "failed"), ("RUN_CANCELED", "interrupted")])
def test_the_end_of_a_run_that_no_step_tells_is_told(asked: Asked, kind: str, told: str) -> None:
    asked.act = lambda run_id: end(asked.instance, run_id, dg.DagsterEventType[kind], "its process is gone")
    assert not asked()
    assert [(event.kind, event.message) for event in asked.told[1:]] == [(told, "its process is gone")]


def test_the_run_that_takes_the_place_of_a_lost_one_is_followed(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []
    tag = asked.instance.add_run_tags
    # Dagster notes what is to become of a run after it has noted its end.
    monkeypatch.setattr(asked.instance, "add_run_tags", lambda *_: None)

    def act(run_id: str) -> None:
        followed.append(run_id)
        if len(followed) == 2:
            return end(asked.instance, run_id, dg.DagsterEventType.RUN_SUCCESS)
        again = asked.instance.create_run_for_job(asked.definitions.resolve_implicit_global_asset_job_def())
        end(asked.instance, run_id, dg.DagsterEventType.RUN_FAILURE, "its process is gone")
        threading.Timer(0.1, tag, (run_id, {WILL_RETRY_TAG: "true"})).start()
        threading.Timer(0.2, tag, (run_id, {AUTO_RETRY_RUN_ID_TAG: again.run_id})).start()
        return None

    asked.act = act
    assert asked()
    assert [event.kind for event in asked.told] == ["queued", "again", "queued"]
    assert asked.told[1].message == "its process is gone"
    assert asked.told[2].step == followed[1]


def test_a_queue_whose_daemon_is_gone_is_left_with_the_run_in_it(asked: Asked) -> None:
    with pytest.raises(RunLost, match=r"stays in the queue; take it out with: taxiway run --cancel (\S+)"):
        asked()
    (run,) = asked.instance.get_runs()
    assert cancel(asked.instance, run.run_id) == dg.DagsterRunStatus.CANCELED
    with pytest.raises(UsageError, match="has ended already: CANCELED"):
        cancel(asked.instance, run.run_id)


def test_a_storage_that_does_not_answer_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage of a deployment waits for its server by itself."""

    def reading(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("the server is shutting down\nfor good"))

    monkeypatch.setattr(asked.instance, "get_records_for_run", reading)
    with pytest.raises(RunLost, match=r"does not answer \(the server is shutting down\); what was submitted goes on"):
        asked()


def test_who_interrupts_leaves_the_run(asked: Asked) -> None:
    run_id = submitted(asked)
    run = asked.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.QUEUED
    assert asked.told[-1] == RunEvent("left", run_id, message=f"it goes on; end it with: taxiway run --cancel {run_id}")


def test_who_interrupts_a_run_that_is_tried_again_is_told_of_the_one_that_is_followed(asked: Asked) -> None:
    followed: list[str] = []

    def act(run_id: str) -> None:
        followed.append(run_id)
        if len(followed) == 2:
            raise KeyboardInterrupt
        again = asked.instance.create_run_for_job(
            asked.definitions.resolve_implicit_global_asset_job_def(), status=dg.DagsterRunStatus.STARTED
        )
        asked.instance.add_run_tags(run_id, {WILL_RETRY_TAG: "true", AUTO_RETRY_RUN_ID_TAG: again.run_id})
        end(asked.instance, run_id, dg.DagsterEventType.RUN_FAILURE, "its process is gone")

    asked.act = act
    with pytest.raises(KeyboardInterrupt):
        asked()
    left = asked.told[-1]
    assert (left.kind, left.step) == ("left", followed[1])
    assert followed[1] in left.message


def test_who_interrupts_while_a_run_is_submitted_is_told_of_it(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = asked.instance.submit_run

    def submitting(*words: Any, **options: Any) -> None:
        submit(*words, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(asked.instance, "submit_run", submitting)
    with pytest.raises(KeyboardInterrupt):
        asked()
    (run,) = asked.instance.get_runs()
    assert [(event.kind, event.step) for event in asked.told] == [("left", run.run_id)]


def test_who_interrupts_before_a_run_is_in_the_queue_leaves_none(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def submitting(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asked.instance, "submit_run", submitting)
    with pytest.raises(KeyboardInterrupt):
        asked()
    assert [run.status for run in asked.instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]
    assert asked.told == []


@pytest.fixture
def sigterm() -> Iterator[None]:
    """How this process takes SIGTERM stays as it is."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm")
def test_sigterm_ends_the_run_that_is_followed(asked: Asked) -> None:
    asked.act = lambda _: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        asked()
    (run,) = asked.instance.get_runs()
    assert run.status == dg.DagsterRunStatus.CANCELED
    assert asked.told[-1] == RunEvent("interrupted", f"run {run.run_id}", message="it has ended: CANCELED")


def test_sigterm_is_taken_as_before_once_a_run_has_ended(asked: Asked) -> None:
    before = signal.getsignal(signal.SIGTERM)
    asked.act = lambda run_id: end(asked.instance, run_id, dg.DagsterEventType.RUN_SUCCESS)
    assert asked()
    assert signal.getsignal(signal.SIGTERM) == before


def submitted(asked: Asked) -> str:
    """A run that is in the queue, and followed by nobody."""

    def act(_: str) -> None:
        raise KeyboardInterrupt

    asked.act = act
    with pytest.raises(KeyboardInterrupt):
        asked()
    (run,) = asked.instance.get_runs()
    return run.run_id


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (DagsterUserCodeUnreachableError("no answer"), RunLost, "cannot be told to stop: see that its code location"),
        (
            ProgrammingError("INSERT", {}, Exception("permission denied for table event_logs\nmore")),
            SettingsError,
            r"is to stop \(permission denied for table event_logs\); TAXIWAY_DAGSTER_STORAGE names who may write there",
        ),
    ],
    ids=["unreachable", "reader"],
)
def test_why_a_run_cannot_be_stopped_is_told(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], told: str
) -> None:
    run_id = submitted(asked)

    def cancel_run(_: str) -> bool:
        raise error

    monkeypatch.setattr(asked.instance.run_coordinator, "cancel_run", cancel_run)
    with pytest.raises(kind, match=told):
        cancel(asked.instance, run_id)


def test_a_run_that_ends_before_it_is_told_to_stop_has_ended(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = submitted(asked)

    def cancel_run(_: str) -> bool:
        end(asked.instance, run_id, dg.DagsterEventType.RUN_SUCCESS)
        return False

    monkeypatch.setattr(asked.instance.run_coordinator, "cancel_run", cancel_run)
    assert cancel(asked.instance, run_id) == dg.DagsterRunStatus.SUCCESS


def test_what_there_is_not_cannot_be_stopped(instance: dg.DagsterInstance) -> None:
    with pytest.raises(UsageError, match="there is no run x"):
        cancel(instance, "x")

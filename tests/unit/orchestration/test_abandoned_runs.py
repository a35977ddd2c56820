"""A run whose process was killed does not hold up the others."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from taxiway.orchestration.abandoned import end_abandoned_runs
from taxiway.orchestration.instance import open_instance
from taxiway.orchestration.run_launcher import WatchedRunLauncher
from taxiway.settings import load_settings

RUN = textwrap.dedent(
    """
    import sys, time
    import dagster as dg

    @dg.op
    def wait():
        print("running", flush=True)
        time.sleep(60)

    @dg.job(executor_def=dg.in_process_executor)
    def long():
        wait()

    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        long.execute_in_process(instance=instance)
    """
)


@pytest.fixture
def running(tmp_path: Path) -> tuple[dg.DagsterInstance, subprocess.Popen[str]]:
    """An instance, and another process that is in the middle of a run."""
    settings = load_settings("local", home=tmp_path)
    instance = open_instance(settings)
    command = [sys.executable, "-c", RUN, str(settings.dagster)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return instance, process


def test_only_a_run_whose_process_is_gone_is_ended(running: tuple[dg.DagsterInstance, subprocess.Popen[str]]) -> None:
    instance, process = running
    try:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        assert end_abandoned_runs(instance, grace_s=0) == []
        assert status(instance) is dg.DagsterRunStatus.STARTED
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert end_abandoned_runs(instance, grace_s=3600) == [], "it may be telling its end"
    assert end_abandoned_runs(instance, grace_s=0) == [run.run_id]
    assert status(instance) is dg.DagsterRunStatus.FAILURE
    assert end_abandoned_runs(instance, grace_s=0) == []


def test_a_run_that_is_starting_is_left_alone(tmp_path: Path) -> None:
    @dg.job
    def nothing() -> None:
        pass

    instance = open_instance(load_settings("local", home=tmp_path))
    run = instance.create_run_for_job(nothing)
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, run.job_name), run.run_id
    )
    assert status(instance) is dg.DagsterRunStatus.STARTING
    assert end_abandoned_runs(instance, grace_s=0) == []
    open_instance(load_settings("local", home=tmp_path))
    assert status(instance) is dg.DagsterRunStatus.STARTING
    instance.report_engine_event("its process", run, EngineEventData({"pid": dg.MetadataValue.text(str(2**22 + 1))}))
    assert end_abandoned_runs(instance, grace_s=0) == [run.run_id]


@pytest.mark.parametrize("kind", ["monitored", "storage of others"])
def test_runs_that_dagster_looks_after_or_that_others_may_have_are_left_alone(
    running: tuple[dg.DagsterInstance, subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    instance, process = running
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if kind == "monitored":
        monkeypatch.setattr(dg.DagsterInstance, "run_monitoring_enabled", True)
    else:
        monkeypatch.setattr("taxiway.orchestration.abandoned.SqliteRunStorage", type("Other", (), {}))
    assert end_abandoned_runs(instance, grace_s=0) == []
    assert status(instance) is dg.DagsterRunStatus.STARTED


def status(instance: dg.DagsterInstance) -> dg.DagsterRunStatus:
    (run,) = instance.get_runs()
    return run.status


def test_a_run_that_has_not_started_has_no_process_yet(tmp_path: Path) -> None:
    @dg.job
    def nothing() -> None:
        pass

    instance = open_instance(load_settings("local", home=tmp_path))
    instance.create_run_for_job(nothing)
    assert end_abandoned_runs(instance, grace_s=0) == []
    assert status(instance) is dg.DagsterRunStatus.NOT_STARTED


def instance_with(tmp_path: Path, pid: int, launched: float, named: float) -> tuple[dg.DagsterInstance, str]:
    """An instance with a run that was launched and named its process at these moments."""

    @dg.job
    def nothing() -> None:
        pass

    instance = open_instance(load_settings("local", home=tmp_path))
    run = instance.create_run_for_job(nothing)
    engine = EngineEventData({"pid": dg.MetadataValue.text(str(pid))})
    events = [
        (launched, dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, run.job_name)),
        (named, dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)),
        (named, dg.DagsterEvent(dg.DagsterEventType.ENGINE_EVENT.value, run.job_name, event_specific_data=engine)),
    ]
    for at, event in events:
        instance.handle_new_event(dg.EventLogEntry(None, "debug", "", run.run_id, at, dagster_event=event))
    return instance, run.run_id


def test_another_process_that_has_its_number_by_now_is_not_that_of_the_run(tmp_path: Path) -> None:
    ago = time.time() - 7 * 24 * 3600
    instance, run_id = instance_with(tmp_path, os.getpid(), ago, ago)
    assert end_abandoned_runs(instance, grace_s=0) == [run_id]


@pytest.fixture
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def launcher_of(instance: dg.DagsterInstance) -> WatchedRunLauncher:
    launcher = WatchedRunLauncher()
    launcher.register_instance(instance)
    return launcher


@pytest.mark.parametrize("server", ["knows nothing of it", "is gone"])
def test_a_run_whose_code_location_does_not_tell_it_to_stop_is_told_by_a_signal(
    tmp_path: Path, sleeping: subprocess.Popen[bytes], server: str
) -> None:
    instance, run_id = instance_with(tmp_path, sleeping.pid, time.time(), time.time())
    if server == "is gone":
        instance.add_run_tags(run_id, {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(tmp_path / "x")})})
    assert launcher_of(instance).terminate(run_id)
    assert sleeping.wait(30) == -signal.SIGINT
    assert status(instance) is dg.DagsterRunStatus.CANCELING


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["a later one", "an earlier one"])
def test_a_process_that_was_not_started_for_the_run_is_not_told_to_stop(
    tmp_path: Path, sleeping: subprocess.Popen[bytes], seconds: int
) -> None:
    """As where the run is executed in another container, or its number is another's by now."""
    at = time.time() + seconds
    instance, run_id = instance_with(tmp_path, sleeping.pid, at, at)
    assert not launcher_of(instance).terminate(run_id)
    assert sleeping.poll() is None


def test_dagsters_monitoring_is_told_whether_the_process_of_a_run_is_there(
    running: tuple[dg.DagsterInstance, subprocess.Popen[str]],
) -> None:
    instance, process = running
    (run,) = instance.get_runs()
    launcher = launcher_of(instance)
    try:
        assert launcher.supports_check_run_worker_health
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED

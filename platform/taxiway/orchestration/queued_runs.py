"""Dagster runs that wait in the queue until the daemon starts them elsewhere: submitted, followed, stopped."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn
from uuid import uuid4

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import CodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    REPOSITORY_LABEL_TAG,
    WILL_RETRY_TAG,
)

from taxiway.errors import RunLost, SettingsError, UsageError
from taxiway.orchestration.instance import storage_errors
from taxiway.orchestration.run_events import RunEvent, Teller
from taxiway.orchestration.runs import RunRequest, asset_keys
from taxiway.tables import Project

LOOK_S = 1.0
HEARTBEAT_S, SILENT_S = 60.0, 300.0
"""A daemon is heard of twice a minute; one that is not for so long is lost."""
RETRY_S, CANCEL_S = 600.0, 300.0
"""For so long a run that is to be tried again may not be, one that is to stop may go on."""

_TAKES_RUNS = "QUEUED_RUN_COORDINATOR"
_EVENTS_A_LOOK = 1000

Tell = Callable[[RunEvent], None]


def execute_queued(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    project: Project,
    request: RunRequest,
    tell: Tell,
    location: CodeLocationOrigin | None,
) -> bool:
    """Submit to Dagster's queue and follow, telling each event as `execute` does; returns whether the run succeeded.

    Whoever interrupts it stops following; the run goes on. SIGTERM, by which schedulers end what they started, ends the
    run too. Raises UsageError, with nothing submitted, where there is no code location or no daemon takes runs, and
    RunLost where a run cannot be followed to its end.
    """
    if location is None:
        raise UsageError(
            f"workspace.yaml names no code location {project.name}, which alone executes runs of the queue"
        )
    heart = _Heart(instance)
    heart.see_that_it_beats()
    followed = _Followed(instance, Teller(project, request.partitions, tell), tell, heart, str(uuid4()))
    try:
        with _terminated():
            with _written("the run"):
                _submit(definitions, instance, request, location, followed.run_id)
            with _answering():
                return followed.to_its_end()
    except _Terminated:
        followed.stop()
        raise
    except KeyboardInterrupt:
        followed.leave()
        raise


def cancel(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    """Stop a run, in the queue or underway, and return how it ended.

    Raises UsageError where there is no such run or it has ended, SettingsError where this account may not stop it,
    RunLost where it is not reached or does not stop within five minutes.
    """
    with _answering():
        return _cancelled(instance, run_id)


def _cancelled(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise UsageError(f"there is no run {run_id}")
    if run.is_finished:
        raise UsageError(f"the run {run_id} has ended already: {run.status.value}")
    try:
        with _written(f"that the run {run_id} is to stop"):
            reached = instance.run_coordinator.cancel_run(run_id)
    except DagsterUserCodeUnreachableError:
        reached = False
    until = time.monotonic() + CANCEL_S
    # It may have ended before it could be told.
    while not (run := instance.get_run_by_id(run_id) or run).is_finished:
        if not reached:
            raise RunLost(
                f"the run {run_id} cannot be told to stop: see that its code location answers; where that has been "
                "started anew, stop it on the machine and by the account that execute it"
            )
        if time.monotonic() > until:
            raise RunLost(f"the run {run_id} has been told to stop, and has not after {CANCEL_S:.0f} s")
        time.sleep(LOOK_S)
    return run.status


class _Terminated(KeyboardInterrupt):
    """This process was told to end, by SIGTERM."""


@contextmanager
def _terminated() -> Iterator[None]:
    """In the block, SIGTERM raises _Terminated, once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> NoReturn:
        # A second one would end what is done because of the first.
        signal.signal(number, signal.SIG_IGN)
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _written(what: str) -> Iterator[None]:
    """In the block, what Dagster's storage does not let this account write becomes a SettingsError."""
    try:
        yield
    except storage_errors() as error:
        raise SettingsError(
            f"Dagster's storage does not take {what} ({_reason(error)}); TAXIWAY_DAGSTER_STORAGE names who may write "
            "there"
        ) from error


@contextmanager
def _answering() -> Iterator[None]:
    """In the block, a storage that does not answer, for as long as it is waited for, becomes RunLost."""
    try:
        yield
    except storage_errors() as error:
        raise RunLost(f"Dagster's storage does not answer ({_reason(error)}); what was submitted goes on") from error


def _reason(error: Exception) -> str:
    """What the server says, in one line."""
    cause = error.__cause__ if getattr(error, "orig", None) is None and error.__cause__ is not None else error
    return next(iter(str(getattr(cause, "orig", cause)).strip().splitlines()), type(error).__name__)


def _submit(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    request: RunRequest,
    location: CodeLocationOrigin,
    run_id: str,
) -> None:
    """Put a run into the queue, as one of the code location."""
    job = definitions.resolve_implicit_global_asset_job_def()
    repository = RemoteRepositoryOrigin(location, definitions.get_repository_def().name)
    # Dagster wants to be told how the code could be loaded; its launchers ask the code location for that.
    module = location.loadable_target_origin.module_name or ""
    code = RepositoryPythonOrigin(sys.executable, ModuleCodePointer(module, repository.repository_name))
    partition = {PARTITION_NAME_TAG: request.partition_key} if request.partition_key is not None else {}
    run = instance.create_run_for_job(
        job_def=job,
        run_id=run_id,
        tags={**request.tags, **partition, REPOSITORY_LABEL_TAG: repository.get_label()},
        asset_selection=frozenset(asset_keys(request.tables)),
        remote_job_origin=RemoteJobOrigin(repository, job.name),
        job_code_origin=JobPythonOrigin(job.name, code),
    )
    # A coordinator of Dagster's looks at the workspace for the request of a browser, which there is none of.
    instance.submit_run(run.run_id, workspace=None)  # pyright: ignore[reportArgumentType]


class _Heart:
    """The daemon that takes runs from the queue, as far as it is heard of. Its clock need not be this machine's."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._beat = _last_beat(instance)
        self._heard = time.monotonic()

    def see_that_it_beats(self) -> None:
        """Raise UsageError where it does not."""
        if self._beat is not None and abs(time.time() - self._beat) <= HEARTBEAT_S:
            return
        while self._beat is not None and time.monotonic() - self._heard <= HEARTBEAT_S:
            if _last_beat(self._instance) != self._beat:
                return
            time.sleep(LOOK_S)
        raise UsageError("no daemon of Dagster's takes runs from the queue: start the servers of the deployment")

    def silent_s(self) -> float:
        """For how long it has not been heard of."""
        if (beat := _last_beat(self._instance)) != self._beat:
            self._beat, self._heard = beat, time.monotonic()
        return time.monotonic() - self._heard


def silent_s(instance: dg.DagsterInstance) -> float | None:
    """For how many seconds, by the clocks here and there, no daemon that takes runs has been heard of; None where none
    ever was."""
    beat = _last_beat(instance)
    return None if beat is None else max(0.0, time.time() - beat)


def _last_beat(instance: dg.DagsterInstance) -> float | None:
    found = instance.get_daemon_heartbeats().get(_TAKES_RUNS)
    return found.timestamp if found is not None else None


class _Followed:
    """Runs that are looked at until they end, one after the other where one is tried again; `run_id` is the one that
    is looked at now."""

    def __init__(self, instance: dg.DagsterInstance, teller: Teller, tell: Tell, heart: _Heart, run_id: str) -> None:
        self._instance = instance
        self._teller = teller
        self._tell = tell
        self._heart = heart
        self._failed = False
        self.run_id = run_id

    def to_its_end(self) -> bool:
        """Whether the run succeeded or, where its process was lost, the one that was tried in its place."""
        run = self._one()
        while run.status == dg.DagsterRunStatus.FAILURE and (again := self._tried_again(run)) is not None:
            self.run_id = again
            run = self._one()
        if run.status != dg.DagsterRunStatus.SUCCESS and not self._failed:
            # Nothing has been told of it yet: no step has failed.
            kind = "interrupted" if run.status == dg.DagsterRunStatus.CANCELED else "failed"
            self._tell(RunEvent(kind, f"run {run.run_id}", message=self._why(run.run_id)))
        return run.status == dg.DagsterRunStatus.SUCCESS

    def leave(self) -> None:
        """Tell that the run goes on; one that is not in the queue yet comes into it no more."""
        run = self._submitted()
        if run is None:
            return
        told = f"it goes on; end it with: taxiway run --cancel {run.run_id}"
        if run.is_finished:
            told = f"it has ended: {run.status.value}; if it is tried again, that goes on"
        self._tell(RunEvent("left", run.run_id, message=told))

    def stop(self) -> None:
        """End the run, in the queue or underway, and tell it."""
        run = self._submitted()
        if run is None or run.is_finished:
            self.leave()
            return
        status = cancel(self._instance, run.run_id)
        self._tell(RunEvent("interrupted", f"run {run.run_id}", message=f"it has ended: {status.value}"))

    def _submitted(self) -> dg.DagsterRun | None:
        """The run, None where it has not come into the queue, and does no more."""
        with _answering():
            run = self._instance.get_run_by_id(self.run_id)
            if run is not None and run.status == dg.DagsterRunStatus.NOT_STARTED:
                # Whoever looks for runs that do not start would have it tried again.
                self._instance.report_run_canceled(run, "Its submission was interrupted.")
                return None
        return run

    def _one(self) -> dg.DagsterRun:
        """Tell what happens in the run until it has ended."""
        run_id, self._failed = self.run_id, False
        self._tell(RunEvent("queued", run_id))
        cursor = None
        while True:
            # First the run, then its events: of one that has ended, these are all.
            run = self._instance.get_run_by_id(run_id)
            if run is None:
                raise RunLost(f"the run {run_id} has been deleted")
            more = True
            while more:
                page = self._instance.get_records_for_run(run_id, cursor, limit=_EVENTS_A_LOOK)
                cursor, more = page.cursor, page.has_more
                for record in page.records:
                    event = record.event_log_entry.dagster_event
                    self._failed |= event is not None and event.is_step_failure
                    self._teller.hear(record.event_log_entry)
            if run.is_finished:
                return run
            if run.status == dg.DagsterRunStatus.QUEUED and self._heart.silent_s() > SILENT_S:
                raise RunLost(
                    f"no daemon of Dagster's has been heard of for {SILENT_S:.0f} s: the run {run_id} stays in the "
                    f"queue; take it out with: taxiway run --cancel {run_id}"
                )
            time.sleep(LOOK_S)

    def _tried_again(self, run: dg.DagsterRun) -> str | None:
        """The run that takes the place of one whose process was lost; None where none will."""
        if not self._instance.run_retries_enabled:
            return None
        until = time.monotonic() + RETRY_S
        # Whether it will be tried again is noted a moment after its end, and the run that does it after that.
        while run.tags.get(WILL_RETRY_TAG) != "false" and time.monotonic() < until:
            if AUTO_RETRY_RUN_ID_TAG in run.tags:
                self._tell(RunEvent("again", f"run {run.run_id}", message=self._why(run.run_id)))
                return run.tags[AUTO_RETRY_RUN_ID_TAG]
            time.sleep(LOOK_S)
            run = self._instance.get_run_by_id(run.run_id) or run
        return None

    def _why(self, run_id: str) -> str:
        """What the log says of the end of a run."""
        ends = {dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}
        found = self._instance.all_logs(run_id, of_type=ends)
        return (found[-1].dagster_event.message or "") if found and found[-1].dagster_event is not None else ""

"""Runs whose process is gone: they cannot say so themselves."""

import time

import dagster as dg
import psutil
from dagster._core.storage.runs import SqliteRunStorage

GRACE_S = 10
"""A run that said something so short ago is not looked at: whoever started it may be telling its end."""

_CLOCK_S = 10.0
"""So far the time at which a process began, which the machine reckons, may be from that by the clock of its log."""

_UNDERWAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_abandoned_runs(instance: dg.DagsterInstance, *, grace_s: float = GRACE_S) -> list[str]:
    """Mark the runs of this machine whose process is gone as failed, and return their ids.

    A process that was killed cannot say so; its run would hold up the queue and all that waits for its tables. Only
    a run that has named its process is ended, and only where Dagster's storage is a file, which processes of one
    machine share; elsewhere Dagster's own run monitoring does it, which alone does it where it is on.
    """
    if instance.run_monitoring_enabled or not isinstance(instance.run_storage, SqliteRunStorage):
        return []
    underway = instance.get_runs(dg.RunsFilter(statuses=_UNDERWAY))
    gone = [
        r for r in underway if is_gone(instance, r.run_id) and time.time() - _last_word(instance, r.run_id) >= grace_s
    ]
    for run in gone:
        instance.report_run_failed(run, "Its process is gone; it was killed, or the machine was restarted.")
    return [run.run_id for run in gone]


def is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the process that executes the run's steps, by the word of its log, does not exist any more."""
    named = _named(instance, run_id)
    if named is None:
        return False
    pid, at = named
    try:
        # Another process has its number by now.
        return psutil.Process(pid).create_time() > at + _CLOCK_S
    except psutil.Error:
        # What another account executes may be hidden.
        return not psutil.pid_exists(pid)


def process_of(instance: dg.DagsterInstance, run_id: str) -> psutil.Process | None:
    """The process of this machine that was started for the run and executes its steps; None where it is not seen.

    It began between the run's launch and the moment at which the log names it. A process of another machine, or of
    another container, has the number of one that has nothing to do with the run.
    """
    named, launched = _named(instance, run_id), instance.get_run_stats(run_id).launch_time
    if named is None or launched is None:
        return None
    pid, at = named
    try:
        process = psutil.Process(pid)
        return process if launched - _CLOCK_S <= process.create_time() <= at + _CLOCK_S else None
    except psutil.Error:
        return None


def _named(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process that the run's log names last, and when it does, in seconds since 1970."""
    found = [
        (int(str(pid.value)), entry.timestamp)
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if entry.dagster_event is not None
        and (pid := entry.dagster_event.engine_event_data.metadata.get("pid")) is not None
    ]
    return found[-1] if found else None


def _last_word(instance: dg.DagsterInstance, run_id: str) -> float:
    """When the run last said something, in seconds since 1970."""
    records = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return records[0].event_log_entry.timestamp if records else time.time()

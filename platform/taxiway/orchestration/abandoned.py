"""Runs whose process is gone: they cannot say so themselves."""

import os

import dagster as dg

_UNDERWAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs whose process is gone as failed, and return their ids.

    A process that was killed cannot say so; its run would hold up the queue and all that waits for its tables.
    """
    gone = [run for run in instance.get_runs(dg.RunsFilter(statuses=_UNDERWAY)) if not _is_alive(instance, run.run_id)]
    for run in gone:
        instance.report_run_failed(run, "Its process is gone; it was killed, or the machine was restarted.")
    return [run.run_id for run in gone]


def _is_alive(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the process that executes the run's steps, by the word of its log, still exists."""
    pids = [
        int(str(pid.value))
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if entry.dagster_event is not None
        and (pid := entry.dagster_event.engine_event_data.metadata.get("pid")) is not None
    ]
    return bool(pids) and all(_exists(pid) for pid in pids[-1:])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Runs that were told to stop, and go on."""

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

_CANCELLED = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


def stop_if_cancelled(context: dg.AssetExecutionContext) -> None:
    """Raise Dagster's own error of an interrupted run where the run of this step has been told to stop.

    Its process is told by a signal, which Dagster turns into an error wherever Python is; one that is raised in a
    destructor is lost, and the run would go on to its end.
    """
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is not None and run.status in _CANCELLED:
        raise DagsterExecutionInterruptedError(f"the run {run.run_id} has been told to stop")

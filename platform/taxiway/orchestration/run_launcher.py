"""Launching runs so that Dagster's monitoring sees when the process of one is gone, and that each can be stopped.

Named in a `dagster.yaml`. Dagster's own launcher, which has a code location start each run as a process, knows nothing
of it afterwards: the code location says when one ends badly and passes on that one is to stop, and nobody does once
that has been started anew.
"""

import signal
from typing import Any

import dagster as dg
import psutil
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from taxiway.orchestration.abandoned import is_gone, process_of


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher, for code locations whose processes this machine sees."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "WatchedRunLauncher":  # noqa: ARG003
        """The launcher that a dagster.yaml names; it takes no configuration."""
        return cls(inst_data=inst_data)

    def terminate(self, run_id: str) -> bool:
        """Tell a run to stop, by its code location or, where that does not know it, by a signal to its process.

        Returns whether it was told. Raises DagsterUserCodeUnreachableError where neither can be reached.
        """
        try:
            return super().terminate(run_id) or self._interrupt(run_id)
        except DagsterUserCodeUnreachableError:
            if not self._interrupt(run_id):
                raise
            return True

    def _interrupt(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        process = process_of(self._instance, run_id) if run is not None and not run.is_finished else None
        if process is None:
            return False
        try:
            # As the code location's own way of stopping a run does.
            process.send_signal(signal.SIGINT)
        except psutil.Error:
            return False
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Failed where the process that the run's log names does not exist any more."""
        if is_gone(self._instance, run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

"""Launching runs so that Dagster's monitoring sees when the process of one is gone.

Named in a `dagster.yaml`. Dagster's own launcher, which has a code location start each run as a process, knows nothing
of it afterwards: the code location says when one ends badly, and nobody does once that has been started anew.
"""

from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from taxiway.orchestration.abandoned import is_gone


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher, for code locations whose processes this machine sees."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "WatchedRunLauncher":  # noqa: ARG003
        """The launcher that a dagster.yaml names; it takes no configuration."""
        return cls(inst_data=inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Failed where the process that the run's log names does not exist any more."""
        if is_gone(self._instance, run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

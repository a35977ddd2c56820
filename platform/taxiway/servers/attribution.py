"""Noting of each run who asked for it, in Dagster's queue of runs and its record of backfills.

Named in a `dagster.yaml`. What a client itself says of that is replaced: a re-execution brings the tags of what it
repeats, and any tag can be typed into the launchpad.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.instance import InstanceRef
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.workspace.context import WorkspaceRequestContext

from taxiway.users import UNKNOWN, USER_HEADER, USER_TAG, account, asking

_KNOWN_BY, _HEADER, _ACCOUNT = "known_by", "header", "account"


class AttributingRunCoordinator(QueuedRunCoordinator):
    """Dagster's own queue; a run that a webserver is asked for is tagged with who asked.

    They are `known_by` the `header` of the proxy that they logged in to or, where there is none, as the `account` that
    the webserver runs as. Runs that the daemon submits, as those of backfills and those that are tried again, keep the
    tags that they have.
    """

    known_by: str = _HEADER

    @classmethod
    def config_type(cls) -> Any:
        """The configuration of Dagster's own, and how it is known who asks."""
        known_by = dg.Field(dg.Enum(_KNOWN_BY, [dg.EnumValue(_HEADER), dg.EnumValue(_ACCOUNT)]))
        own: Any = super().config_type()
        return {**own, _KNOWN_BY: known_by}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "AttributingRunCoordinator":
        """The coordinator that a dagster.yaml names."""
        made = super().from_config_value(inst_data, config_value)
        made.known_by = config_value[_KNOWN_BY]
        return made

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Put a run into the queue, with the name of who asked for it."""
        if _is_request(context):
            told = context.get_request_header(USER_HEADER) or UNKNOWN
            user = told if self.known_by == _HEADER else account()
            self._instance.add_run_tags(context.dagster_run.run_id, {USER_TAG: user})
        return super().submit_run(context)


def _is_request(context: SubmitRunContext) -> bool:
    """Whether a webserver is asked, which the daemon and the command line are not."""
    return isinstance(context.workspace, WorkspaceRequestContext) and context.workspace.source is not None


class AttributingInstance(dg.DagsterInstance):
    """Dagster's own; a backfill that a webserver is asked for is tagged with who asked, and so are its runs.

    The daemon, which submits those, knows of no request.
    """

    @classmethod
    def config_schema(cls) -> Mapping[str, dg.Field]:
        """It takes no configuration of its own."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Those of Dagster's own."""
        return InstanceRef.config_defaults(base_dir)

    def add_backfill(self, partition_backfill: PartitionBackfill) -> None:
        """Record a backfill, with the name of who asks for it."""
        user = asking.get(None)
        if user is not None:
            tags = {**partition_backfill.tags, USER_TAG: user}
            partition_backfill = partition_backfill._replace(tags=tags)
        super().add_backfill(partition_backfill)

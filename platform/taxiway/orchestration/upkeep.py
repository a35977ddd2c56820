"""The lake's upkeep as a Dagster job, every night."""

from datetime import timedelta

import dagster as dg

from taxiway.engines import OpenEngine
from taxiway.engines.open import IN_PROCESS
from taxiway.errors import LakeError
from taxiway.materialise import Workspace
from taxiway.upkeep import upkeep

UPKEEP = "upkeep"
_NIGHTLY = "30 3 * * *"


def upkeep_schedule(workspace: Workspace) -> dg.ScheduleDefinition:
    """Keeps the project's tables up, as `taxiway upkeep` does, every night on the clock of the deployment's zone."""
    settings = workspace.settings

    @dg.op(required_resource_keys={"workspace", "open_engine"})
    def keep_up(context: dg.OpExecutionContext) -> None:
        """What killed writers left, what only old versions need, many small files."""
        workspace: Workspace = context.resources.workspace
        open_engine: OpenEngine = context.resources.open_engine
        keep = timedelta(days=workspace.settings.keep_days)
        left = []
        tables = workspace.lake.own_tables()
        for chore in upkeep(workspace.lake, open_engine(IN_PROCESS), tables, run=context.run_id, keep=keep):
            context.log.info(f"{chore.address}: {chore.what}: {chore.files} ({chore.why})")
            left += [f"{chore.address}: {chore.why}"] * (not chore.files)
        if left:
            raise LakeError(f"left as they are: {'; '.join(left)}")

    @dg.job(name=UPKEEP, description="Keeps the lake small and quick, see: taxiway upkeep --help")
    def job() -> None:
        keep_up()

    return dg.ScheduleDefinition(
        name=UPKEEP,
        job=job,
        cron_schedule=_NIGHTLY,
        execution_timezone=settings.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )

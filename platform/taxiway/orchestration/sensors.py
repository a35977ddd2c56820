"""The sensors: one watches the landing zone and asks for raw tables, one asks for all that follows from them."""

import dagster as dg

from taxiway.materialise import Workspace
from taxiway.materialise.delivered import raw_tables
from taxiway.orchestration.keys import asset_key
from taxiway.orchestration.landing_look import look
from taxiway.orchestration.landing_memory import recalled, remembered
from taxiway.orchestration.quiet import quiet

LANDING_SENSOR = "landing_zone"
AUTOMATION_SENSOR = "follow_inputs"


def landing_sensor(workspace: Workspace) -> dg.SensorDefinition:
    """Looks at the landing zone; a new or changed file that has stopped growing asks for what is made from it.

    It reports each content once as a materialisation of the landing asset, and the checks of the landing
    zone whenever something changed. A file that cannot be read asks for nothing. Needs the resource `workspace`.
    """
    settings = workspace.settings

    @dg.sensor(
        name=LANDING_SENSOR,
        target=dg.AssetSelection.assets(*(asset_key(table) for table in raw_tables(workspace.project))),
        description="Looks at the landing zone: a new or changed file that has stopped growing asks for the raw "
        "partitions that are made from it. What it passed over, and why, is said by each of its ticks.",
        minimum_interval_seconds=max(1, round(settings.settle_seconds)),
        default_status=_status(workspace),
    )
    def landing_zone(context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]) -> dg.SensorResult:
        """A new or changed file asks for the raw partitions that are made from it."""
        before = recalled(context.instance, LANDING_SENSOR, context.cursor)
        seen = look(workspace, before)
        return dg.SensorResult(
            run_requests=list(seen.run_requests) or None,
            skip_reason=seen.skip_reason or None,
            cursor=remembered(context.instance, LANDING_SENSOR, seen.memory, before),
            asset_events=list(seen.asset_events),
        )

    return landing_zone


def automation_sensor(workspace: Workspace) -> dg.AutomationConditionSensorDefinition:
    """Evaluates the tables' conditions where the project's code runs, as they are the project's own."""
    with quiet("use_user_code_server"):
        return dg.AutomationConditionSensorDefinition(
            AUTOMATION_SENSOR,
            target=dg.AssetSelection.all(),
            description="What depends on something that has changed is asked for.",
            default_status=_status(workspace),
            minimum_interval_seconds=max(5, round(workspace.settings.settle_seconds)),
            use_user_code_server=True,
        )


def _status(workspace: Workspace) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if workspace.settings.automation else dg.DefaultSensorStatus.STOPPED

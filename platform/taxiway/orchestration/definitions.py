"""A project's definitions, assembled by one function; tests swap any resource by naming it."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from taxiway.errors import UsageError
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.orchestration.broken import broken_asset
from taxiway.orchestration.connectors import sink_assets, source_assets
from taxiway.orchestration.engines import engines_resource
from taxiway.orchestration.landing import landing_assets, landing_checks
from taxiway.orchestration.marts import marts_asset
from taxiway.orchestration.no_values import NoValues
from taxiway.orchestration.sensors import automation_sensor, landing_sensor
from taxiway.orchestration.table_asset import table_asset
from taxiway.orchestration.upkeep import upkeep_schedule
from taxiway.project_check import without_broken
from taxiway.project_loader import check_parameters
from taxiway.settings import Settings
from taxiway.spelling import nearest
from taxiway.tables import Project

# `dagster dev` sets it in the processes that it starts.
_DAGSTER_DEV = "DAGSTER_IS_DEV_CLI"


def build_definitions(project: Project, settings: Settings, *own: dg.Definitions, **overrides: Any) -> dg.Definitions:
    """Everything that Dagster needs of a project in a deployment; does no I/O.

    `own` is what the project has beside its tables: assets, checks, jobs, sensors and resources, which may need those
    of the platform.
    `overrides` replace resources by name: `workspace`, `open_engine`, `io_manager`. Raises UsageError for a name that
    none has, and SettingsError where the settings have a parameter that nothing of the project declares, or no keys for
    a bucket. A table that is declared wrongly, or would not be the same on every engine, or that dbt cannot make, and
    what is made from it, are assets that fail with the reason; all others are as they should be.
    """
    settings.see_that_buckets_can_be_used()
    check_parameters(project, settings)
    given = overrides.get("workspace")
    dbt = DbtProject.of(project, settings)
    if dbt is not None and os.environ.get(_DAGSTER_DEV):
        # Who edits SQL while `dagster dev` runs sees it after a reload.
        dbt.prepare()
    # What was compiled for it is not compiled again.
    workspace = without_broken(given if isinstance(given, Workspace) else Workspace(project, settings), compiled=True)
    project = workspace.project
    if isinstance(given, Workspace):
        overrides["workspace"] = workspace
    resources: Mapping[str, Any] = {
        "workspace": workspace,
        "open_engine": engines_resource(settings),
        "io_manager": NoValues(),
    }
    for name in overrides.keys() - resources.keys():
        raise UsageError(f"there is no resource '{name}'; {nearest(name, list(resources))}")
    assets = [table_asset(workspace, table) for table in project.tables if table.transform is not None]
    if dbt is not None and any(table.address.layer == "mart" for table in project.tables):
        assets.append(marts_asset(workspace, dbt))
    # Of two files with one address both are broken, and are one asset.
    broken = [broken_asset(table) for table in {table.at: table for table in project.broken}.values()]
    tables = dg.Definitions(
        assets=[*source_assets(workspace), *landing_assets(workspace), *assets, *sink_assets(workspace), *broken],
        asset_checks=landing_checks(workspace),
        sensors=[landing_sensor(workspace), automation_sensor(workspace)],
        schedules=[upkeep_schedule(workspace)],
        resources={**resources, **overrides},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(tables, *own) if own else tables

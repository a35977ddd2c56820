"""A project's definitions, assembled by one function; tests swap any resource by naming it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from taxiway.marts import DbtProject
from taxiway.materialise import Workspace, certify_table
from taxiway.orchestration.engines import engines_resource
from taxiway.orchestration.landing import landing_assets, landing_checks
from taxiway.orchestration.marts import marts_asset
from taxiway.orchestration.sensors import automation_sensor, landing_sensor
from taxiway.orchestration.table_asset import table_asset
from taxiway.project_loader import check_parameters
from taxiway.settings import Settings
from taxiway.tables import Project


def build_definitions(project: Project, settings: Settings, **overrides: Any) -> dg.Definitions:
    """Everything that Dagster needs of a project in a deployment; does no I/O.

    `overrides` replace resources by name: `workspace`, `open_engine`. Raises SettingsError where the settings have
    a parameter that nothing of the project declares, DefinitionError where a table would not be the same on
    every engine.
    """
    check_parameters(project, settings)
    given = overrides.get("workspace")
    # What was compiled for it is not compiled again.
    workspace = given if isinstance(given, Workspace) else Workspace(project, settings)
    for table in project.tables:
        certify_table(workspace, table)
    resources: Mapping[str, Any] = {
        "workspace": workspace,
        "open_engine": engines_resource(settings),
    } | overrides
    assets = [table_asset(workspace, table) for table in project.tables if table.transform is not None]
    if project.dbt is not None:
        assets.append(marts_asset(workspace, DbtProject(project.dbt, settings.dbt)))
    return dg.Definitions(
        assets=[*landing_assets(workspace), *assets],
        asset_checks=landing_checks(workspace),
        sensors=[landing_sensor(workspace), automation_sensor(workspace)],
        resources=dict(resources),
        executor=dg.in_process_executor,
    )

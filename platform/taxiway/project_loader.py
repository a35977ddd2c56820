"""From the settings to the project that they name."""

import importlib
import sys

from taxiway.errors import SettingsError
from taxiway.marts import DbtProject
from taxiway.settings import Settings
from taxiway.spelling import nearest
from taxiway.tables import Project
from taxiway.transforms import ArrowTransform


def load_project(settings: Settings) -> Project:
    """The project that the settings name as `module:attribute`.

    Raises SettingsError where there is none of that name, or where the settings have a parameter that nothing of
    it declares. A package in `assets/` that is not installed is found too.
    """
    module, _, attribute = settings.project.partition(":")
    assets = str(settings.root / "assets")
    if assets not in sys.path:
        sys.path.append(assets)
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise SettingsError(
            f"project '{settings.project}' of deployment '{settings.deployment}': there is no module {error.name} "
            f"on the path or in {assets}"
        ) from None
    if not isinstance(found, Project):
        raise SettingsError(
            f"project '{settings.project}' of deployment '{settings.deployment}' is not a taxiway Project: "
            "write it as module:attribute, e.g. flights.project:project"
        )
    check_parameters(found, settings)
    return found


def check_parameters(project: Project, settings: Settings) -> None:
    """Raise SettingsError where the settings have a parameter that no transform and no dbt variable declares."""
    declared = _declared_parameters(project, settings)
    unknown = {name: nearest(name, sorted(declared)) for name in settings.parameters if name not in declared}
    if unknown:
        told = "; ".join(
            f"parameters.{name} is declared by nothing in {project.name}; {names}" for name, names in unknown.items()
        )
        raise SettingsError(f"deployment '{settings.deployment}': {told}")


def _declared_parameters(project: Project, settings: Settings) -> set[str]:
    declared: set[str] = set()
    for table in project.tables:
        if table.transform is not None:
            declared.update(table.transform.parameters)
        if isinstance(table.transform, ArrowTransform):
            declared.update(*(prepare.parameters for prepare in table.transform.prepares.values()))
    if project.dbt is not None:
        declared.update(DbtProject(project.dbt, settings.dbt).variables)
    return declared

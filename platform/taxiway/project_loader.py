"""From the settings to the project that they name."""

import importlib
import sys

from taxiway.broken import located
from taxiway.errors import DbtProblem, DefinitionError, SettingsError
from taxiway.marts import DbtProject
from taxiway.project_check import without_clashes
from taxiway.settings import Settings
from taxiway.spelling import nearest
from taxiway.tables import Project
from taxiway.transforms import ArrowTransform


def load_project(settings: Settings) -> Project:
    """The project that the settings name as `module:attribute`.

    Raises SettingsError where there is none of that name, or where the settings have a parameter that nothing of
    it declares, DefinitionError with file and line where it cannot be imported. Tables that are broken are in its
    `broken`. A package in `assets/` that is not installed is found too.
    """
    module, _, attribute = settings.project.partition(":")
    assets = str(settings.root / "assets")
    if assets not in sys.path:
        sys.path.append(assets)
    where = f"project '{settings.project}' of deployment '{settings.deployment}'"
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # whatever the project's own files raise
        name = error.name if isinstance(error, ModuleNotFoundError) else None
        if name is not None and f"{module}.".startswith(f"{name}."):
            raise SettingsError(f"{where}: there is no module {name} on the path or in {assets}") from None
        raise DefinitionError(f"{where} cannot be loaded: {located(error)}") from error
    if not isinstance(found, Project):
        raise SettingsError(
            f"{where} is not a taxiway Project: write it as module:attribute, e.g. flights.project:project"
        )
    check_parameters(found, settings)
    return without_clashes(found)


def check_parameters(project: Project, settings: Settings) -> None:
    """Raise SettingsError where the settings have a parameter that no transform and no dbt variable declares."""
    if project.broken:
        # What a table declares whose file cannot be imported is not known.
        return
    try:
        declared = _declared_parameters(project, settings)
    except DbtProblem:  # nor what dbt's settings declare; its marts are broken
        return
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

"""From the settings to the project that they name."""

import importlib
import logging
import sys

from taxiway.broken import located
from taxiway.code_locations import FILE, code_locations
from taxiway.errors import DbtProblem, DefinitionError, SettingsError
from taxiway.marts import DbtProject
from taxiway.project_check import without_clashes
from taxiway.settings import Settings
from taxiway.spelling import near, nearest
from taxiway.tables import Project

_logger = logging.getLogger(__name__)


def load_project(settings: Settings) -> Project:
    """The project that the settings name as `module:attribute`.

    Raises SettingsError where there is none of that name, or where the settings have a parameter that nothing of
    it declares, DefinitionError with file and line where it cannot be imported. Tables that are broken are in its
    `broken`. A package that is not installed is found where Dagster finds it: in the folder that `workspace.yaml` names
    as the working directory of a code location.
    """
    module, _, attribute = settings.project.partition(":")
    folders = [str(settings.root / each.folder) for each in code_locations(settings.root) if each.folder is not None]
    sys.path += [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    where = f"project '{settings.project}' of deployment '{settings.deployment}'"
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # whatever the project's own files raise
        name = error.name if isinstance(error, ModuleNotFoundError) else None
        if name is not None and f"{module}.".startswith(f"{name}."):
            looked = "".join(f" or in {folder}" for folder in folders)
            raise SettingsError(
                f"{where}: there is no module {name} on the path{looked}; install the project, or name its folder as "
                f"working_directory in {settings.root / FILE}"
            ) from None
        raise DefinitionError(f"{where} cannot be loaded: {located(error)}") from error
    if not isinstance(found, Project):
        raise SettingsError(
            f"{where} is not a taxiway Project: write it as module:attribute, e.g. flights.project:project"
        )
    check_parameters(found, settings)
    return without_clashes(found)


def check_parameters(project: Project, settings: Settings) -> None:
    """Raise SettingsError where the settings have a parameter that no transform and no dbt variable declares.

    Where a file cannot be read, one that is near no declared name may be its own: that is told as a warning.
    """
    names, unread = _declared_parameters(project, settings)
    declared = sorted(names)
    unknown = {name: nearest(name, declared) for name in settings.parameters if name not in declared}
    if unread:
        for name in [name for name in unknown if not near(name, declared)]:
            _logger.warning(
                "deployment '%s': whether anything declares parameters.%s could not be checked, because %s is broken",
                *(settings.deployment, name, " and ".join(unread)),
            )
            del unknown[name]
    if unknown:
        told = "; ".join(
            f"parameters.{name} is declared by nothing in {project.name}; {names}" for name, names in unknown.items()
        )
        raise SettingsError(f"deployment '{settings.deployment}': {told}")


def _declared_parameters(project: Project, settings: Settings) -> tuple[set[str], list[str]]:
    """The names that are declared, and what cannot be read, which may declare others."""
    declared = set[str]().union(*(table.parameters or () for table in (*project.tables, *project.broken)))
    unread = list(dict.fromkeys(broken.at for broken in project.broken if broken.parameters is None))
    if (dbt := DbtProject.of(project, settings)) is not None:
        try:
            declared.update(dbt.variables)
        except DbtProblem:  # its marts are broken
            unread.append("the dbt project")
    return declared, unread

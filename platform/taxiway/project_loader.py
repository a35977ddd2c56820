"""From the settings to the project that they name."""

import importlib
import sys

from taxiway.errors import SettingsError
from taxiway.settings import Settings
from taxiway.tables import Project


def load_project(settings: Settings) -> Project:
    """The project that the settings name as `module:attribute`.

    Raises SettingsError where there is none of that name. A package in `assets/` that is not installed is found too.
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
    return found

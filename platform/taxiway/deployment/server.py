"""How a server of Dagster's is started for a deployment: this process finds its settings, and becomes it."""

import os
from collections.abc import Sequence
from typing import NoReturn

from taxiway.dagster_home import prepare_home
from taxiway.deployment.known_holes import see_that_none_is_open
from taxiway.settings import Settings


def become(settings: Settings, command: Sequence[str], *, compiled: bool) -> NoReturn:
    """Become a program that finds Dagster's storage of the deployment; dbt has `compiled` the project's models first.

    Raises SettingsError where the storage is not named, DeploymentError where Dagster is one with known holes.
    """
    see_that_none_is_open()
    prepare_home(settings)
    if compiled:
        _compile(settings)
    os.execv(command[0], list(command))


def _compile(settings: Settings) -> None:
    # Heavy, and only the code location's.
    from taxiway.marts import DbtProject
    from taxiway.project_loader import load_project

    if (dbt := DbtProject.of(load_project(settings), settings)) is not None:
        dbt.prepare()

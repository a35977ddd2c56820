"""Dagster's own storage of a deployment: one folder for the command line, the UI and the daemon."""

import sys

import dagster as dg
from sqlalchemy.exc import DBAPIError, OperationalError

from taxiway.dagster_home import prepare_home
from taxiway.errors import SettingsError
from taxiway.orchestration.abandoned import end_abandoned_runs
from taxiway.settings import Settings


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The deployment's Dagster instance, with the configuration of `deployments/<name>/dagster.yaml`.

    Runs that were killed are marked as failed, so that nothing waits for them. Raises SettingsError where the
    folder cannot be written, or the server of the storage cannot be used.
    """
    try:
        prepare_home(settings)
        instance = _open(settings)
        end_abandoned_runs(instance)
    except (OSError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise SettingsError(
            f"Dagster's storage in {settings.dagster} cannot be used ({reason}); make it writable, or make room there"
        ) from error
    return instance


def storage_errors() -> tuple[type[Exception], ...]:
    """What Dagster's storage raises while its server does not answer."""
    postgres = sys.modules.get("dagster_postgres.utils")
    return (DBAPIError, *((postgres.DagsterPostgresException,) if postgres is not None else ()))


def _open(settings: Settings) -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.from_config(str(settings.dagster))
    except Exception as error:  # whatever the storage of a server raises
        if settings.dagster_postgres is None:
            raise
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise SettingsError(
            f"Dagster's storage, which TAXIWAY_DAGSTER_STORAGE names, cannot be used ({reason}); see that the server "
            "runs, and that make setup-staging has installed what speaks to it"
        ) from error

"""Dagster's own storage of a deployment: one folder for the command line, the UI and the daemon."""

import os

import dagster as dg
from sqlalchemy.exc import OperationalError

from taxiway.errors import SettingsError
from taxiway.orchestration.abandoned import end_abandoned_runs
from taxiway.settings import Settings

# Nothing that runs here is reported to anybody.
_DEFAULT = b"telemetry:\n  enabled: false\nnux:\n  enabled: false\n"
# What Dagster tells of all months of a step at once is stored at once, up to that many events.
_BATCH_EVENTS = "1000"


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The deployment's Dagster instance, with the configuration of `deployments/<name>/dagster.yaml`.

    Runs that were killed are marked as failed, so that nothing waits for them. Raises SettingsError where the
    folder cannot be written.
    """
    try:
        prepare_home(settings)
        instance = dg.DagsterInstance.from_config(str(settings.dagster))
        end_abandoned_runs(instance)
    except (OSError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise SettingsError(
            f"Dagster's storage in {settings.dagster} cannot be used ({reason}); make it writable, or make room there"
        ) from error
    return instance


def prepare_home(settings: Settings) -> None:
    """Give Dagster's folder the deployment's configuration, and let this process and its children find and use it."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    configured = settings.root / "deployments" / settings.deployment / "dagster.yaml"
    wanted = configured.read_bytes() if configured.is_file() else _DEFAULT
    target = settings.dagster / "dagster.yaml"
    if not (target.is_file() and target.read_bytes() == wanted):
        staged = target.with_name(f".{target.name}.{os.getpid()}")
        staged.write_bytes(wanted)
        staged.replace(target)
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", _BATCH_EVENTS)

"""What Dagster's own programs find of a deployment: its configuration in its folder, and the URL of its storage.

Dagster is not imported here, as a program that is about to become one of Dagster's imports it itself.
"""

import os
from importlib.resources import files

from taxiway.errors import SettingsError
from taxiway.settings import Settings

_FILE, _WITH_SERVERS = "dagster.yaml", "dagster_with_servers.yaml"
# What Dagster tells of all partitions of a step at once is stored at once, up to that many events.
_BATCH_EVENTS = "1000"
# A backfill goes on once a code location is there again that was started anew meanwhile, instead of failing.
_WAITS_FOR_CODE = "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR"
_STORAGE = "TAXIWAY_DAGSTER_STORAGE"


def prepare_home(settings: Settings) -> None:
    """Give Dagster's folder the deployment's configuration, and let this process and its children find and use it.

    That is `dagster.yaml` in the deployment's folder or, where there is none, the platform's: for servers where runs
    are those of a queue, for one machine otherwise.

    Raises SettingsError where that wants a storage which no variable names.
    """
    settings.dagster.mkdir(parents=True, exist_ok=True)
    configured = settings.root / "deployments" / settings.deployment / _FILE
    own = files("taxiway") / (_WITH_SERVERS if settings.runs == "queue" else _FILE)
    wanted = (configured if configured.is_file() else own).read_bytes()
    if _STORAGE.encode() in wanted:
        _let_dagster_find_storage(settings)
    target = settings.dagster / _FILE
    if not (target.is_file() and target.read_bytes() == wanted):
        staged = target.with_name(f".{target.name}.{os.getpid()}")
        staged.write_bytes(wanted)
        staged.replace(target)
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", _BATCH_EVENTS)
    os.environ.setdefault(_WAITS_FOR_CODE, "1")


def _let_dagster_find_storage(settings: Settings) -> None:
    """Dagster itself reads the URL of its storage from this process's environment, and only there it is put."""
    if settings.dagster_postgres is None:
        raise SettingsError(
            f"deployment '{settings.deployment}': its dagster.yaml wants PostgreSQL; set {_STORAGE} to the URL of a "
            f"database, or {_STORAGE}_FILE to a file that holds it"
        )
    os.environ[_STORAGE] = settings.dagster_postgres.get_secret_value()
    # Whoever is started from here is given it once.
    os.environ.pop(f"{_STORAGE}_FILE", None)

"""Dagster's storage on a PostgreSQL that may be started anew while a run writes to it.

Dagster's own tries again to connect for some seconds, and nothing where the connection ends in the middle of a
statement: a step that has published its table would fail for want of a line in the log. Named in
`deployments/<name>/dagster.yaml`, this one is used by every process of the deployment.
"""

import inspect
import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage
from dagster._core.storage.schedules import ScheduleStorage
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import DagsterPostgresException, get_token_provider_from_config, pg_url_from_config
from sqlalchemy.exc import DBAPIError

PATIENCE_S = 120.0
"""For so long a server is waited for that has ended a connection."""

_LOOK_S = 0.5
# Of a connection that was not made the driver tells no code.
_REFUSED = re.compile(r"FATAL: .*(authentication failed|does not exist|not permitted to log in|no pg_hba\.conf entry)")
_REFUSED_CODES = ("28000", "28P01", "3D000")


class PatientPostgresStorage(DagsterPostgresStorage):
    """The same tables as `DagsterPostgresStorage`; what a lost connection has interrupted is done again.

    What had been written before the connection was lost is then written twice: an event is in the log two times, and
    a run that is added again is refused by its id.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        be_patient(self.run_storage, RunStorage)
        be_patient(self.event_log_storage, EventLogStorage)
        be_patient(self.schedule_storage, ScheduleStorage)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PatientPostgresStorage":
        """The storage that a dagster.yaml names, with the configuration of Dagster's own."""
        creates = config_value.get("should_autocreate_tables", True)
        return cls(pg_url_from_config(config_value), creates, inst_data, get_token_provider_from_config(config_value))


def be_patient(storage: Any, interface: type) -> None:
    """Let each method of an interface that a storage has try again where its connection was lost.

    The last error is raised after two minutes, any other at once, as that the server refuses the log-in or has no
    such database.
    """
    for name, _ in inspect.getmembers(interface, inspect.isfunction):
        if not name.startswith("_"):
            setattr(storage, name, _again(getattr(storage, name)))


def _again(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def patiently(*args: Any, **options: Any) -> Any:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return method(*args, **options)
            except (DBAPIError, DagsterPostgresException) as error:
                lost = isinstance(error, DagsterPostgresException) or error.connection_invalidated
                if not lost or _is_refused(error) or time.monotonic() > until:
                    raise
                time.sleep(_LOOK_S)

    return patiently


def _is_refused(error: Exception) -> bool:
    """Whether the server answers, and does not let this account or database in."""
    told = getattr(error.__cause__ or error, "orig", None)
    return getattr(told, "pgcode", None) in _REFUSED_CODES or _REFUSED.search(str(told)) is not None

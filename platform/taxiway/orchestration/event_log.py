"""Dagster's event log on SQLite with connections that stay open: a range of months tells hundreds of events.

Dagster's own storage opens two databases anew for every event and waits for the disk each time. Named in
`deployments/<name>/dagster.yaml`, this one is used by every process of the deployment.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import create_db_conn_string
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine

_OPEN_DATABASES = 8
_BUSY_SECONDS = 60


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """The same databases, tables and locks as `SqliteEventLogStorage`; each of the last used ones stays open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(*args, **options)

    @classmethod
    def config_type(cls) -> Any:
        """It takes no configuration."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PooledSqliteEventLogStorage":  # noqa: ARG003
        """The storage that a dagster.yaml names, where Dagster's own would keep it."""
        folder = Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"
        return cls(str(folder), inst_data=inst_data)

    def dispose(self) -> None:
        """Close all databases."""
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].dispose()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._opened(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _opened(self, shard: str) -> Engine:
        if shard not in self._open:
            engine = create_engine(
                create_db_conn_string(self._base_dir, shard), connect_args={"timeout": _BUSY_SECONDS}
            )
            event.listen(engine, "connect", _do_not_wait_for_the_disk)
            self._open[shard] = engine
            if len(self._open) > _OPEN_DATABASES:
                self._open.popitem(last=False)[1].dispose()
        self._open.move_to_end(shard)
        return self._open[shard]


def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    # With a write-ahead log a killed process loses nothing, and a power cut the last events but never the database.
    connection.execute("PRAGMA synchronous = NORMAL")

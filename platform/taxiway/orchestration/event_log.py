"""Dagster's event log on SQLite with connections that stay open: a range of partitions tells hundreds of events.

Dagster's own storage opens two databases anew for every event, looks whether their tables and columns are there,
and waits for the disk each time. Named in `deployments/<name>/dagster.yaml`, this one is used by every process of
the deployment.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable, SqliteEventLogStorage
from dagster._core.storage.sqlite import create_db_conn_string
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine

_OPEN_DATABASES = 8
_BUSY_SECONDS = 60


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """The same databases, tables and locks as `SqliteEventLogStorage`; each of the last used ones stays open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: OrderedDict[str, Engine] = OrderedDict()
        self._tables_seen: set[str] = set()
        self._has_index_columns = False
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

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; once it has, it keeps it."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store what Dagster tells of all partitions of a step, or plans for a run, in one transaction a database."""
        run_ids = {event.run_id for event in events}
        if len(run_ids) != 1 or not all(_is_of_assets(event) for event in events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_ids.pop()) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            insert = SqlEventLogStorageTable.insert()
            ids = [connection.execute(insert, row).lastrowid for row in rows]
            stored = list(zip(ids, events, strict=True))
            assets = [(id_, event) for id_, event in stored if event.dagster_event_type in ASSET_EVENTS]
            self._store_asset_event_tags(connection, [event for _, event in assets], [id_ for id_, _ in assets])
            # What the index says of an asset as a whole is what its last event says.
            last = {(event.dagster_event_type, _asset(event)): (id_, event) for id_, event in assets}
            for id_, event in last.values():
                self._store_asset_event(connection, event, id_)
        for id_, event in stored:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, id_)

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

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        if not self._has_index_columns:
            self._has_index_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns

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


def _is_of_assets(event: EventLogEntry) -> bool:
    return event.dagster_event_type in ASSET_EVENTS | ASSET_CHECK_EVENTS


def _asset(event: EventLogEntry) -> Any:
    return event.dagster_event.asset_key if event.dagster_event is not None else None


def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    # With a write-ahead log a killed process loses nothing, and a power cut the last events but never the database.
    connection.execute("PRAGMA synchronous = NORMAL")

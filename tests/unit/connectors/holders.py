"""What the suite of all sinks needs of each: a place of its own, and what its readers see there."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from tests.postgres import Database
from tests.s3 import Server
from tests.working import ROOT

from taxiway.addresses import Address
from taxiway.connectors import Outgoing, ParquetSink, PostgresSink, Sink, Written
from taxiway.settings import Settings, load_settings
from taxiway.storage import Store

KINDS = ("postgres", "parquet in a folder", "parquet in a bucket")
TABLE = Address("mart", "levels")
SCHEMA = pa.schema([pa.field("gauge", pa.string()), pa.field("level", pa.int64())])


@dataclass
class Holder:
    """A sink and how others see it."""

    sink: Sink
    home: Path
    url: str
    read: Callable[[], list[dict[str, Any]]]
    put_something_else: Callable[[], None]
    deployment: str = "local"

    @property
    def settings(self) -> Settings:
        return settings_of(self.home, bi=self.url).model_copy(update={"deployment": self.deployment})

    def publish(self, version: str, rows: pa.Table, key: Sequence[str] = ("gauge",)) -> Written:
        return self.publish_batches(version, rows.schema, rows.to_batches, key)

    def publish_batches(
        self,
        version: str,
        schema: pa.Schema,
        batches: Callable[[], Sequence[pa.RecordBatch] | Iterator[pa.RecordBatch]],
        key: Sequence[str] = ("gauge",),
    ) -> Written:
        outgoing = Outgoing(TABLE, schema, tuple(key), version, lambda: iter(batches()))
        return self.sink.publish(self.settings, outgoing)


def holder_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Holder:
    if kind == "postgres":
        database: Database = request.getfixturevalue("database")
        return in_postgres(database, tmp_path)
    if kind == "parquet in a folder":
        return _in_files(Store(str(tmp_path / "exports")), tmp_path)
    server: Server = request.getfixturevalue("s3")
    # For the whole test, as some publish from several threads at once.
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return _in_files(server.store(), tmp_path)


def in_postgres(database: Database, home: Path) -> Holder:
    def read() -> list[dict[str, Any]]:
        return read_postgres(database)

    def put() -> None:
        database.do("CREATE SCHEMA mart; CREATE TABLE mart.levels AS SELECT 7 AS theirs")

    return Holder(PostgresSink(connection="bi"), home, database.url, read, put)


def read_postgres(database: Database) -> list[dict[str, Any]]:
    with database.connected() as connection, connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute("SELECT * FROM mart.levels")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _in_files(store: Store, home: Path) -> Holder:
    def read() -> list[dict[str, Any]]:
        return pq.read_table(io.BytesIO(store.read("mart/levels.parquet"))).to_pylist()

    def put() -> None:
        if store.is_folder:
            Path(store.uri, "mart").mkdir(parents=True)
        store.write("mart/levels.parquet", b"theirs")

    return Holder(ParquetSink(connection="bi"), home, store.uri, read, put)


def settings_of(home: Path, **connections: str) -> Settings:
    urls = {name: SecretStr(url) for name, url in connections.items()}
    return load_settings("local", root=ROOT, home=home / "home", connections=urls)


def levels(version: int, rows: int = 10) -> pa.Table:
    """Rows that all have the number of their version, of which there are that many."""
    return pa.table({"gauge": [f"G{n:05d}" for n in range(rows)], "level": [version] * rows}, SCHEMA)

"""Publishing into a table of PostgreSQL: the rows are replaced by DELETE and COPY in one transaction.

So each reader sees the old rows or the new ones, in a transaction of any isolation and whenever it began, and none
waits. A table that is swapped in by its new name, or truncated, would be empty to a transaction that began before.
The table stays the same one: rights, and views of it, stay as they are. What is deleted is left to autovacuum.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute
from psycopg2 import extensions
from psycopg2.sql import SQL, Identifier
from pyarrow import csv as arrow_csv

from taxiway.connectors.base import Outgoing, Written
from taxiway.connectors.postgres import LONGEST_NAME, PostgresSink
from taxiway.connectors.postgres_session import connected, execute, lock
from taxiway.errors import ConnectorError
from taxiway.settings import Settings

VERSIONS = "taxiway_published"
"""The table, in the schema of what is published, that says which version each table holds, and whose it is."""

_TYPES: Mapping[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.large_string(): "text",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.timestamp("us"): "timestamp without time zone",
}


def publish(sink: PostgresSink, settings: Settings, table: Outgoing) -> Written:
    """Make the sink's table hold this version, in one transaction; nothing where it does already."""
    columns = {field.name: _column_type(table, field) for field in table.schema}
    with connected(settings, sink.connection) as connection:
        target = _Target(sink, settings.deployment, connection, table)
        target.prepare()
        connection.set_session("READ COMMITTED", autocommit=False)
        lock(connection, f"sink {target.name}", until_commit=True)
        held = target.held(columns)
        if held is not None:
            return Written(target.place, table.version, held, changed=False)
        target.shape(columns)
        rows = target.replace_rows(columns)
        # The old rows need not be unique by the new key.
        target.index_key()
        target.remember(columns, rows)
        connection.commit()
    return Written(target.place, table.version, rows, changed=True)


class _Target:
    """The table that is published into, in the words of SQL."""

    def __init__(self, sink: PostgresSink, deployment: str, connection: extensions.connection, table: Outgoing) -> None:
        self._connection, self._outgoing = connection, table
        self._schema, self._table = sink.schema or table.table.layer, sink.table or table.table.name
        self.name = f"{self._schema}.{self._table}"
        self.place = sink.target(table.table)
        self._source = table.made_by(deployment)
        self._relation, self._versions = Identifier(self._schema, self._table), Identifier(self._schema, VERSIONS)
        self._index = _index_name(self._table)

    def prepare(self) -> None:
        """See that the schema, and the table of versions in it, are there."""
        lock(self._connection, "schemas", until_commit=False)
        found = execute(self._connection, "SELECT FROM pg_namespace WHERE nspname = {}", self._schema)
        if not found.rowcount:
            execute(self._connection, "CREATE SCHEMA {}", Identifier(self._schema))
        if not self._is_there(VERSIONS):
            columns = SQL(
                "name text PRIMARY KEY, version text, layout text, rows bigint, published_at timestamptz, source text"
            )
            execute(self._connection, "CREATE TABLE {} ({})", self._versions, columns)
        execute(self._connection, "SELECT pg_advisory_unlock_all()")

    def held(self, columns: Mapping[str, str]) -> int | None:
        """How many rows the table has where it holds just this; None where it has to be written.

        Raises ConnectorError where a table is there that was not made here, or from another table or deployment.
        """
        query = "SELECT version, layout, rows, source FROM {} WHERE name = {}"
        known = execute(self._connection, query, self._versions, self._table).fetchone()
        if not self._is_there(self._table):
            return None
        if known is None:
            raise ConnectorError(
                f"{self.place} is there and was not made from {self._outgoing.table}: drop it, or publish into another "
                "with PostgresSink(table=...)"
            )
        version, layout, rows, source = known
        if source != self._source:
            raise ConnectorError(
                f"{self.place} was made from {source}, not from {self._source}: publish into another with "
                f"PostgresSink(table=...), or set the source in {self._schema}.{VERSIONS} if it is to be this one's"
            )
        return rows if (version, layout) == (self._outgoing.version, self._layout(columns)) else None

    def shape(self, columns: Mapping[str, str]) -> None:
        """Give the table these columns; others go, unless a view has one, and so does the index of another key.

        Only where they change do readers wait, until the rows are replaced.
        """
        if not self._is_there(self._table):
            execute(self._connection, "CREATE TABLE {} ()", self._relation)
        had, wanted = self._columns().items(), columns.items()
        for name, _ in had - wanted:
            execute(self._connection, "ALTER TABLE {} DROP COLUMN {}", self._relation, Identifier(name))
        for name, dtype in (column for column in wanted if column not in had):
            execute(self._connection, "ALTER TABLE {} ADD COLUMN {} {}", self._relation, Identifier(name), SQL(dtype))
        # The new rows need not be unique by the old key.
        if self._indexed() not in ((), self._outgoing.key):
            execute(self._connection, "DROP INDEX {}", Identifier(self._schema, self._index))

    def replace_rows(self, columns: Mapping[str, str]) -> int:
        """Put the rows in the place of those that are there, and say how many they are."""
        execute(self._connection, "DELETE FROM {}", self._relation)
        names = SQL(", ").join(map(Identifier, columns))
        copy = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(self._relation, names)
        rows = 0
        with self._connection.cursor() as cursor:
            for batch in self._outgoing.batches():
                cursor.copy_expert(copy, pa.BufferReader(_as_csv(self._outgoing, batch)))
                rows += batch.num_rows
        return rows

    def index_key(self) -> None:
        """Give the key an index where it has none."""
        if self._outgoing.key and not self._indexed():
            key = SQL(", ").join(map(Identifier, self._outgoing.key))
            execute(self._connection, "CREATE UNIQUE INDEX {} ON {} ({})", Identifier(self._index), self._relation, key)

    def remember(self, columns: Mapping[str, str], rows: int) -> None:
        """Say in the table of versions what is held now."""
        held = (self._table, self._outgoing.version, self._layout(columns), str(rows), self._source)
        execute(self._connection, "DELETE FROM {} WHERE name = {}", self._versions, self._table)
        names = SQL("name, version, layout, rows, source, published_at")
        execute(
            self._connection, "INSERT INTO {} ({}) VALUES ({}, {}, {}, {}, {}, now())", self._versions, names, *held
        )

    def _layout(self, columns: Mapping[str, str]) -> str:
        return json.dumps({"columns": columns, "key": self._outgoing.key})

    def _columns(self) -> dict[str, str]:
        query = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped"
        )
        return dict(execute(self._connection, query, self._relation.as_string(self._connection)).fetchall())

    def _indexed(self) -> tuple[str, ...]:
        """The columns of the key's index of this table, in their order; none where there is no index."""
        query = (
            "SELECT attname FROM pg_index JOIN pg_class ON indexrelid = pg_class.oid "
            "JOIN pg_attribute ON attrelid = indexrelid WHERE indrelid = {}::regclass AND relname = {} ORDER BY attnum"
        )
        relation = self._relation.as_string(self._connection)
        return tuple(name for (name,) in execute(self._connection, query, relation, self._index))

    def _is_there(self, table: str) -> bool:
        query = (
            "SELECT FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid "
            "WHERE relkind <> 'i' AND nspname = {} AND relname = {}"
        )
        return execute(self._connection, query, self._schema, table).rowcount > 0


def _index_name(table: str) -> str:
    """What the index of a table's key is called: by its name, cut where it is long, and what tells that from others."""
    end = f"_{sha256(table.encode()).hexdigest()[:8]}_key"
    return table.encode()[: LONGEST_NAME - len(end)].decode(errors="ignore") + end


def _column_type(table: Outgoing, field: pa.Field) -> str:
    """The type that keeps all values of a column; raises ConnectorError where there is none."""
    found = _TYPES.get(field.type)
    if pa.types.is_decimal(field.type):
        found = f"numeric({field.type.precision},{field.type.scale})"
    elif pa.types.is_list(field.type) and (item := _TYPES.get(field.type.value_type)) in ("text", "double precision"):
        found = f"{item}[]"
    if found is None or len(field.name.encode()) > LONGEST_NAME:
        raise ConnectorError(
            f"{table.table}: PostgreSQL cannot keep the column {field.name} ({field.type}); leave it out, or give it "
            "another type or a shorter name"
        )
    return found


def _as_csv(table: Outgoing, batch: pa.RecordBatch) -> pa.Buffer:
    """The rows as `COPY` reads them: texts in quotes, null without, floats by their shortest exact text."""
    columns = [_as_text(table, field, column) for field, column in zip(batch.schema, batch.columns, strict=True)]
    written = pa.BufferOutputStream()
    rows = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    arrow_csv.write_csv(rows, written, arrow_csv.WriteOptions(include_header=False))
    return written.getvalue()


def _as_text(table: Outgoing, field: pa.Field, column: pa.Array) -> pa.Array:
    texts = column.flatten() if pa.types.is_list(field.type) else column
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        # Its functions are made when it is imported, where no type checker sees them.
        compute = pyarrow.compute
        if compute.any(compute.match_substring(texts, "\0")).as_py():  # pyright: ignore[reportAttributeAccessIssue]
            raise ConnectorError(
                f"{table.table}: a text of the column {field.name} has a NUL character, which PostgreSQL cannot keep; "
                "take it out in the transform, or forbid it in the contract"
            )
    if pa.types.is_list(field.type):
        return pa.array([None if row is None else f"{{{','.join(_items(row))}}}" for row in column.to_pylist()])
    return column


def _items(row: list[str | float | None]) -> Iterator[str]:
    """The items of a list as PostgreSQL writes them in an array."""
    for item in row:
        if item is None:
            yield "NULL"
        elif isinstance(item, str):
            quoted = item.replace("\\", "\\\\").replace('"', '\\"')
            yield f'"{quoted}"'
        else:
            yield repr(item)

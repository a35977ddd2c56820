"""A table or query of a PostgreSQL database as the files of a raw table: what has changed is delivered, month by month.

Of each month one aggregate gives how many rows there are, the newest cursor, and a sum of hashes of key and cursor.
A month for which these differ from what was delivered is delivered again, whole. So a late update is found however
late its transaction commits and however old its cursor is, and so are a row that moved to another month, in both
months, and one that was deleted. The aggregate reads the key, the month and the cursor of all rows each time.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO

from psycopg2 import extensions
from psycopg2.sql import SQL, Composable, Identifier, Literal

from taxiway.connectors.base import Extract, Extraction
from taxiway.connectors.postgres import PostgresSource
from taxiway.connectors.postgres_session import connected, execute, lock
from taxiway.errors import ConnectorError
from taxiway.lake import WHOLE
from taxiway.partitions import in_words, shift_month
from taxiway.settings import Settings
from taxiway.spelling import nearest

_DATE, _TIMESTAMP, _INSTANT = 1082, 1114, 1184
_logger = logging.getLogger(__name__)


def changes(source: PostgresSource, settings: Settings, wanted: Extraction) -> Iterator[Extract]:
    """The partitions that differ from what is known of them, in one snapshot of the database."""
    with connected(settings, source.connection) as connection:
        # A transaction would take its snapshot before it waits.
        lock(connection, f"source {wanted.table}", until_commit=False)
        known = wanted.known()
        connection.set_session("REPEATABLE READ", readonly=True, autocommit=False)
        rows = _Rows(source, connection, wanted)
        found = rows.fingerprints()
        # What had rows, or may have had some, and has none now.
        gone = {partition: rows.fingerprint(0, None, None) for partition in known.keys() - found.keys()}
        for partition, fingerprint in sorted((found | gone).items()):
            is_wanted = wanted.only is None or partition in {WHOLE, *wanted.only}
            if is_wanted and known.get(partition) != fingerprint:
                data, count = rows.copy(partition)
                yield Extract(partition, fingerprint, data, count)


class _Rows:
    """What a source has in one snapshot, in the words of SQL."""

    def __init__(self, source: PostgresSource, connection: extensions.connection, wanted: Extraction) -> None:
        self._source, self._connection, self._wanted = source, connection, wanted
        named = Identifier(*source.table.split("."))
        self._relation = named if source.table else SQL("({}) AS source").format(SQL(source.query))
        self._types = self._column_types()
        self._key = [name for name in wanted.key if name in wanted.columns]

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each partition of the deployment that has rows; tells what belongs to none."""
        # A hash of the record, and a month that is no text yet, cost less than half of texts.
        query = SQL(
            "SELECT to_char(month, 'YYYY-MM'), count, newest::text, hashes::text FROM ("
            "SELECT {month} AS month, count(*), max({cursor}) AS newest, "
            "sum(hash_record_extended(ROW({hashed}), 0)::numeric) AS hashes FROM {relation} GROUP BY 1) AS months"
        ).format(
            month=self._month,
            cursor=Identifier(self._source.cursor),
            hashed=SQL(", ").join(map(Identifier, [*self._key, self._source.cursor])),
            relation=self._relation,
        )
        found: dict[str, str] = {}
        others: Counter[str | None] = Counter()
        months = frozenset(self._wanted.months.keys())
        for month, rows, newest, hashes in execute(self._connection, query):
            partition = month if self._source.month is not None else WHOLE
            if partition in {WHOLE, *months}:
                found[partition] = self.fingerprint(rows, newest, hashes)
            else:
                others[partition] += rows
        if others:
            self._tell_others(others)
        return found

    def fingerprint(self, rows: int, newest: str | None, hashes: str | None) -> str:
        """By what the content of a partition is known again; another where it is asked for in another way."""
        source, wanted = self._source, self._wanted
        asked = (source.connection, source.table, source.query, source.cursor, source.month, wanted.months.zone)
        text = repr((asked, tuple(wanted.columns.items()), wanted.key, rows, newest, hashes))
        return sha256(text.encode()).hexdigest()

    def copy(self, partition: str) -> tuple[bytes, int]:
        """The rows of a partition as CSV, and how many they are."""
        columns = SQL(", ").join(self._as_text(name, dtype) for name, dtype in self._wanted.columns.items())
        order = SQL(", ").join(map(Identifier, dict.fromkeys([*self._key, self._source.cursor])))
        query = SQL("COPY (SELECT {} FROM {} WHERE {} ORDER BY {}) TO STDOUT WITH (FORMAT csv, HEADER)").format(
            columns, self._relation, self._is_of(partition), order
        )
        written = BytesIO()
        with self._connection.cursor() as cursor:
            cursor.copy_expert(query, written)
            return written.getvalue(), cursor.rowcount

    @property
    def _month(self) -> Composable:
        """The first moment of a row's month on the clock of the deployment."""
        if self._source.month is None:
            return SQL("NULL::timestamp")
        clock = SQL("{}::timestamp").format(Identifier(self._source.month))
        if self._types[self._source.month] == _INSTANT:
            zone = Literal(self._wanted.months.zone)
            clock = SQL("{} AT TIME ZONE {}").format(Identifier(self._source.month), zone)
        return SQL("date_trunc('month', {})").format(clock)

    def _is_of(self, partition: str) -> Composable:
        """Whether a row is of a partition; an index on its date is used, with a day to spare on either side."""
        if self._source.month is None:
            return SQL("true")
        return SQL(
            "{month} = {first}::timestamp AND {date} >= {first}::timestamp - interval '1 day' "
            "AND {date} < {end}::timestamp + interval '1 day'"
        ).format(
            month=self._month,
            date=Identifier(self._source.month),
            first=Literal(f"{partition}-01"),
            end=Literal(f"{shift_month(partition, 1)}-01"),
        )

    def _as_text(self, name: str, dtype: str) -> Composable:
        """A column as a delivered file writes it.

        An instant that is infinite or before our era is written in PostgreSQL's own words, which the guard refuses: in
        the usual form it would be null, or lose its era.
        """
        if not dtype.startswith("timestamp"):
            return Identifier(name)
        if self._types[name] != _INSTANT:
            raise ConnectorError(
                f"{self._told}: {name} is to be an instant, and has no zone there; give it one in a query: "
                f"{name} AT TIME ZONE '{self._wanted.months.zone}' AS {name}"
            )
        text = (
            "CASE WHEN isfinite({name}) AND {name} >= '0001-01-01 00:00Z' THEN "
            "to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') ELSE {name}::text END AS {name}"
        )
        return SQL(text).format(name=Identifier(name))

    def _column_types(self) -> Mapping[str, int]:
        """The types by column, as PostgreSQL numbers them; raises ConnectorError where one is missing or no date."""
        described = execute(self._connection, "SELECT * FROM {} LIMIT 0", self._relation).description
        found: dict[str, int] = {column.name: column.type_code for column in described or ()}
        month = self._source.month
        for name in [*self._wanted.columns, self._source.cursor, *([month] if month is not None else [])]:
            if name not in found:
                raise ConnectorError(f"{self._told} has no column {name}; {nearest(name, found)}")
        if month is not None and found[month] not in (_DATE, _TIMESTAMP, _INSTANT):
            raise ConnectorError(f"{self._told}: {month} says of which month a row is, and is no date or timestamp")
        return found

    @property
    def _told(self) -> str:
        return f"connection '{self._source.connection}': {self._source.table or 'the query'}"

    def _tell_others(self, others: Mapping[str | None, int]) -> None:
        months = [key for key in others if key is not None]
        parts = [f"{others[None]:,} rows without {self._source.month}"] if None in others else []
        parts += [f"{sum(others[key] for key in months):,} rows of {in_words(months)}"] if months else []
        _logger.warning("%s has %s: of no month of the deployment, so not delivered", self._told, " and ".join(parts))

"""A table or query of a PostgreSQL database as the files of a raw table: what has changed is delivered, by partition.

Of each partition one aggregate gives how many rows there are, the newest cursor, and a sum of hashes of key and cursor.
One for which these differ from what was delivered is delivered again, whole. So a late update is found however late its
transaction commits and however old its cursor is, and so are a row that moved to another partition, in both, and one
that was deleted. The aggregate reads the key, the partition and the cursor of all rows each time.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO

from psycopg2 import extensions
from psycopg2.sql import SQL, Composable, Identifier, Literal

from taxiway.calendar import Grain
from taxiway.calendar.keys import first_day
from taxiway.connectors.base import Extract, Extraction
from taxiway.connectors.postgres import PostgresSource
from taxiway.connectors.postgres_session import connected, execute, lock
from taxiway.errors import ConnectorError
from taxiway.lake import WHOLE
from taxiway.settings import Settings
from taxiway.spelling import nearest

_DATE, _TIMESTAMP, _INSTANT = 1082, 1114, 1184
# How PostgreSQL writes the key of a partition that begins at a moment; an hour is that of UTC, which shows none twice.
_KEYS: Mapping[Grain, str] = {
    "hour": 'YYYY-MM-DD"T"HH24:00:00+00:00',
    "day": "YYYY-MM-DD",
    "week": 'IYYY-"W"IW',
    "month": "YYYY-MM",
}
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
        # A hash of the record, and a moment that is no text yet, cost less than half of texts.
        query = SQL(
            "SELECT to_char(start, {key}), count, newest::text, hashes::text FROM ("
            "SELECT {start} AS start, count(*), max({cursor}) AS newest, "
            "sum(hash_record_extended(ROW({hashed}), 0)::numeric) AS hashes FROM {relation} GROUP BY 1) AS partitions"
        ).format(
            key=Literal(_KEYS[self._grain]),
            start=self._start,
            cursor=Identifier(self._source.cursor),
            hashed=SQL(", ").join(map(Identifier, [*self._key, self._source.cursor])),
            relation=self._relation,
        )
        found: dict[str, str] = {}
        others: Counter[str | None] = Counter()
        known = {WHOLE, *self._wanted.partitions}
        for written, rows, newest, hashes in execute(self._connection, query):
            partition = self._partition(written)
            if partition in known:
                found[partition] = self.fingerprint(rows, newest, hashes)
            else:
                others[partition] += rows
        if others:
            self._tell_others(others)
        return found

    def fingerprint(self, rows: int, newest: str | None, hashes: str | None) -> str:
        """By what the content of a partition is known again; another where it is asked for in another way."""
        source, wanted = self._source, self._wanted
        asked = (source.connection, source.table, source.query, source.cursor, source.partition_by)
        asked += (wanted.grain, wanted.calendar.zone)
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
    def _grain(self) -> Grain:
        """That of the partitions; any where there are none, whose start is null."""
        return self._wanted.grain or "month"

    def _partition(self, written: str | None) -> str | None:
        """The key as the project writes it; None where a row does not say of which partition it is."""
        if self._source.partition_by is None:
            return WHOLE
        if self._grain != "hour" or written is None:
            return written
        try:
            return self._wanted.calendar.key("hour", datetime.fromisoformat(written))
        except (ValueError, OverflowError):  # PostgreSQL's years go on where Python's end
            return written

    @property
    def _start(self) -> Composable:
        """The first moment of a row's partition on the clock of the deployment, of an hour on that of UTC."""
        name = self._source.partition_by
        if name is None:
            return SQL("NULL::timestamp")
        clock = SQL("{}::timestamp").format(Identifier(name))
        if self._types[name] == _INSTANT:
            zone = "UTC" if self._grain == "hour" else self._wanted.calendar.zone
            clock = SQL("{} AT TIME ZONE {}").format(Identifier(name), Literal(zone))
        return SQL("date_trunc({}, {})").format(Literal(self._grain), clock)

    def _is_of(self, partition: str) -> Composable:
        """Whether a row is of a partition; an index on its date is used, with a day to spare on either side."""
        if self._source.partition_by is None:
            return SQL("true")
        span = self._wanted.calendar.span(partition)
        first, end = first_day(partition), first_day(self._wanted.calendar.following(partition)) + timedelta(days=1)
        start = span.start.replace(tzinfo=None) if self._grain == "hour" else first
        return SQL(
            "{start} = {own}::timestamp AND {date} >= {first}::timestamp - interval '1 day' "
            "AND {date} < {end}::timestamp"
        ).format(
            start=self._start,
            own=Literal(start.isoformat()),
            date=Identifier(self._source.partition_by),
            first=Literal(first.isoformat()),
            end=Literal(end.isoformat()),
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
                f"{name} AT TIME ZONE '{self._wanted.calendar.zone}' AS {name}"
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
        by = self._source.partition_by
        for name in [*self._wanted.columns, self._source.cursor, *([by] if by is not None else [])]:
            if name not in found:
                raise ConnectorError(f"{self._told} has no column {name}; {nearest(name, found)}")
        if by is not None and found[by] not in (_DATE, _TIMESTAMP, _INSTANT):
            raise ConnectorError(f"{self._told}: {by} says of which partition a row is, and is no date or timestamp")
        if by is not None and self._wanted.grain == "hour" and found[by] != _INSTANT:
            raise ConnectorError(
                f"{self._told}: {by} has no zone there, so it does not tell of which hour a row is where clocks go "
                f"back; give it one in a query: {by} AT TIME ZONE '{self._wanted.calendar.zone}' AS {by}"
            )
        return found

    @property
    def _told(self) -> str:
        return f"connection '{self._source.connection}': {self._source.table or 'the query'}"

    def _tell_others(self, others: Mapping[str | None, int]) -> None:
        keys = [key for key in others if key is not None]
        parts = [f"{others[None]:,} rows without {self._source.partition_by}"] if None in others else []
        told = self._wanted.calendar.in_words(keys)
        parts += [f"{sum(others[key] for key in keys):,} rows of {told}"] if keys else []
        _logger.warning(
            "%s has %s: of no %s that is over in the calendar, so not delivered",
            self._told,
            " and ".join(parts),
            self._grain,
        )

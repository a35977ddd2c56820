"""The comparison itself: both sides as relations, matched by key, counted in one aggregate, with a few examples."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from taxiway.comparison.csv_file import RECORD, Exact
from taxiway.comparison.given import Given, given, is_of_spark
from taxiway.comparison.outcome import Comparison, Difference, Side
from taxiway.comparison.values import GIVEN, TABLE, Compared
from taxiway.engines.duckdb import DuckDB, DuckDBSession, identifier, literal
from taxiway.errors import UsageError
from taxiway.materialise import kind_of
from taxiway.notebook import OpenLake, published_partitions
from taxiway.scratch import Scratch
from taxiway.settings import Settings
from taxiway.spelling import nearest
from taxiway.tables import Table

EXAMPLES = 3


def compare(
    lake: OpenLake,
    frame: Any,
    table: str,
    *,
    key: Sequence[str] = (),
    partition: str | None = None,
    version: int | None = None,
    within: float | None = None,
) -> Comparison:
    """Where a frame, or a file of Parquet or CSV, and a table of the lake differ.

    Rows are matched by `key`, by default that of the table's contract. Of a `partition`, the table's rows are compared
    with all that is given, or with its rows of that partition where it has the column. `within` lets floats pass that
    differ by no more than that share of the larger, by default the table's `float_tolerance`. Raises UsageError where
    a side lacks the key or has it twice, and for anything that cannot be compared, TableNotFound for what has not been
    made.
    """
    if within is not None and not 0 <= within < 1:
        raise UsageError(f"a tolerance lies between 0 and 1, {within} does not")
    made = _table(lake, table)
    if within is None and made is not None:
        within = kind_of(lake.workspace, made).float_tolerance or None
    snapshot = lake.snapshot(table, version)
    keys = None if partition is None else published_partitions(lake.settings, snapshot, [partition])
    with _folder(frame, lake.settings) as folder:
        (folder / "spill").mkdir()
        one = given(frame, folder)
        settings = lake.settings
        engine = DuckDB(settings.threads, settings.memory_limit, settings.scratch, settings.lake)
        with closing(engine.connect(folder / "spill", reads=[one.path] if one.path else [])) as connection:
            reading = lake.reading(snapshot, keys)
            DuckDBSession(connection).read(TABLE, reading)
            told = f"{snapshot.address} version {snapshot.version}" + (f" {partition}" if partition else "")
            sides = _Sides(connection, one, told, tuple(key or _key_of(made, table)))
            try:
                sides.read_given(snapshot.partition_column, keys)
                return sides.compared(within)
            except duckdb.Error as error:
                first = " ".join(str(error).strip().split("\n\n")[0].split())
                raise UsageError(f"{one.name} and {told} cannot be compared: {first}") from error


@contextmanager
def _folder(frame: Any, settings: Settings) -> Iterator[Path]:
    """A folder for what is put down meanwhile: where a lake is only read the system's, but Spark's workers write to
    the home that they share with this process.
    """
    if is_of_spark(frame):
        with Scratch.claim(settings.scratch) as folder:
            yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="taxiway-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def _table(lake: OpenLake, address: str) -> Table | None:
    return next((made for known, made in lake.workspace.project.by_address.items() if str(known) == address), None)


def _key_of(table: Table | None, address: str) -> Sequence[str]:
    if table is None:
        raise UsageError(f"{address} has no contract: name the columns of its key, --key a --key b")
    return table.rules.key


@dataclass(frozen=True)
class _Sides:
    """Both sides as views of one connection, `g` and `t`."""

    connection: duckdb.DuckDBPyConnection
    given: Given
    table_name: str
    key: tuple[str, ...]

    def read_given(self, column: str | None, partitions: Sequence[str] | None) -> None:
        """Make the view of what is given, with the types of the table where it has none, of these partitions only."""
        if self.given.rows is not None:
            self.connection.register("__given", self.given.rows)
        self.connection.execute(f"CREATE TEMP VIEW raw AS SELECT * FROM {self.given.source}")
        raw, typed = self._types("raw"), self._types(TABLE)
        exact = [Exact(name, typed[name]) for name in raw if name in typed] if self.given.have_no_types else []
        self._refuse_unreadable(exact)
        values = {column.name: column.value for column in exact}
        columns = [f"{values.get(name, identifier(name))} AS {identifier(name)}" for name in raw if name != RECORD]
        rows = f"SELECT {', '.join(columns)} FROM raw"
        if partitions is not None and column in raw:
            rows += f" WHERE {identifier(column)} IN ({', '.join(map(literal, partitions))})"
        self.connection.execute(f"CREATE TEMP VIEW {GIVEN} AS {rows}")

    def compared(self, within: float | None) -> Comparison:
        """Match the rows and say what differs."""
        types = self._types(GIVEN), self._types(TABLE)
        common = [Compared(name, types[0][name], types[1][name]) for name in types[1] if name in types[0]]
        self._refuse_keys(common, types)
        for side, name in ((GIVEN, self.given.name), (TABLE, self.table_name)):
            self._refuse_twice(side, name)
        valued = [column for column in common if column.name not in self.key and column.comparable]
        counts = self._counts(valued, within)
        sides = [
            Side(
                name,
                counts[f"rows_{side}"],
                counts[f"only_{side}"],
                self._only(side, other) if counts[f"only_{side}"] else (),
                tuple(column for column in types[place] if column not in types[1 - place]),
            )
            for place, (side, other, name) in enumerate(
                ((GIVEN, TABLE, self.given.name), (TABLE, GIVEN, self.table_name))
            )
        ]
        found = []
        for column in common:
            place = valued.index(column) if column in valued else None
            told = Difference(
                column.name, column.given_type.lower(), column.table_type.lower(), comparable=column.comparable
            )
            found.append(told if place is None else self._difference(told, column, counts, place, within))
        return Comparison(sides[0], sides[1], self.key, counts["common"], tuple(found), within)

    def _types(self, view: str) -> dict[str, str]:
        described = self.connection.execute(f"DESCRIBE {view}").fetchall()
        return {name: str(dtype) for name, dtype, *_ in described}

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _joined(self, kind: str = "FULL") -> str:
        sides = [f"(SELECT *, true AS __here FROM {side}) AS {side}" for side in (GIVEN, TABLE)]
        return f"{sides[0]} {kind} JOIN {sides[1]} ON {self._matched}"

    @cached_property
    def _matched(self) -> str:
        types = self._types(GIVEN), self._types(TABLE)
        keys = [Compared(name, types[0][name], types[1][name]) for name in self.key]
        return " AND ".join(f"{key.key(GIVEN)} IS NOT DISTINCT FROM {key.key(TABLE)}" for key in keys)

    def _counts(self, columns: Sequence[Compared], within: float | None) -> dict[str, Any]:
        both = "g.__here AND t.__here"
        asked = [
            "count(g.__here) AS rows_g",
            "count(t.__here) AS rows_t",
            "count(*) FILTER (t.__here IS NULL) AS only_g",
            "count(*) FILTER (g.__here IS NULL) AS only_t",
            f"count(*) FILTER ({both}) AS common",
        ]
        for place, column in enumerate(columns):
            given, table = _pair(column)
            differs = f"{both} AND NOT {column.same(given, table)}"
            asked += [
                f"count(*) FILTER ({differs}) AS differ_{place}",
                f"count(*) FILTER ({differs} AND {column.passes(given, table, within)}) AS within_{place}",
                f"count(*) FILTER ({both} AND {given} IS NULL AND {table} IS NOT NULL) AS null_given_{place}",
                f"count(*) FILTER ({both} AND {table} IS NULL AND {given} IS NOT NULL) AS null_table_{place}",
            ]
        return self._rows(f"SELECT {', '.join(asked)} FROM {self._joined()}")[0]

    def _difference(
        self, told: Difference, column: Compared, counts: dict[str, Any], place: int, within: float | None
    ) -> Difference:
        names = ("differ", "within", "null_given", "null_table")
        told = replace(told, **{name: counts[f"{name}_{place}"] for name in names})
        if not told.differ:
            return told
        given, table = _pair(column)
        differing = f"FROM {self._joined('INNER')} WHERE NOT {column.same(given, table)}"
        keys = [f"t.{identifier(name)} AS {identifier(name)}" for name in self.key]
        order = ", ".join(str(number + 1) for number in range(len(keys)))
        # What the tolerance does not let pass is shown first.
        first = f"{column.passes(given, table, within)}, {order}"
        shown = f'{", ".join(keys)}, {given} AS given, {table} AS "table"'
        examples = self._rows(f"SELECT {shown} {differing} ORDER BY {first} LIMIT {EXAMPLES}")
        told = replace(told, examples=tuple(examples))
        if not column.measured:
            return told
        size = column.size(given, table)
        relative = f"max({size} / nullif({column.larger(given, table)}, 0))" if column.numeric else "NULL"
        measured = self._rows(
            f"SELECT max({size}) AS max_absolute, median({size}) AS median_absolute, {relative} AS max_relative "
            f"{differing}"
        )
        return replace(told, **measured[0])

    def _only(self, side: str, other: str) -> tuple[dict[str, Any], ...]:
        keys = ", ".join(f"{side}.{identifier(name)} AS {identifier(name)}" for name in self.key)
        lacking = f"SELECT {keys} FROM {self._joined()} WHERE {other}.__here IS NULL"
        return tuple(self._rows(f"{lacking} ORDER BY ALL LIMIT {EXAMPLES}"))

    def _refuse_keys(self, common: Sequence[Compared], types: tuple[dict[str, str], dict[str, str]]) -> None:
        known = {column.name: column for column in common}
        for name in self.key:
            for place, side in ((0, self.given.name), (1, self.table_name)):
                if name not in types[place]:
                    raise UsageError(f"{side} has no column {name}, which is of the key; {nearest(name, types[place])}")
            if not known[name].comparable:
                raise UsageError(
                    f"{name} is {known[name].given_type} in {self.given.name} and {known[name].table_type} in "
                    f"{self.table_name}: rows cannot be matched by it"
                )

    def _refuse_twice(self, side: str, name: str) -> None:
        keys = ", ".join(map(identifier, self.key))
        twice = self._rows(
            f"SELECT {keys}, count(*) AS __rows FROM {side} GROUP BY {keys} HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
        )
        if twice:
            rows = twice[0].pop("__rows")
            example = ", ".join(f"{column}={value}" for column, value in twice[0].items())
            raise UsageError(
                f"{', '.join(self.key)} is no key of {name}: {example} has {rows} rows; name more columns, --key"
            )

    def _refuse_unreadable(self, columns: Sequence[Exact]) -> None:
        """Refuse a CSV with a text that is not exactly a value of the table's type: it would pass for another one."""
        for column in columns:
            if not column.has_form:
                raise UsageError(
                    f"{self.given.name}: {column.name} is {column.dtype.lower()}, which CSV has no one form for; "
                    "give a file of Parquet, which has types"
                )
            text = identifier(column.name)
            unread = f"SELECT {text}, {RECORD} FROM raw WHERE {column.unread} ORDER BY 2 LIMIT 1"
            found = self.connection.execute(unread).fetchone()
            if found is None and column.long_texts is not None:
                long = self.connection.execute(column.long_texts).fetchall()
                found = next((row for row in long if not column.holds(row[0])), None)
            if found is not None:
                raise UsageError(
                    f"{self.given.name}: {column.name} has {found[0]!r}, which is no {column.dtype.lower()}, in record "
                    f"{found[1]}; mend what wrote it, or give a file of Parquet, which has types"
                )


def _pair(column: Compared) -> tuple[str, str]:
    return f"g.{identifier(column.name)}", f"t.{identifier(column.name)}"

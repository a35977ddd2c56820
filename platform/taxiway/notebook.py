"""The lake in a notebook: every table as a DuckDB relation, SQL over all of them, a transform tried without publishing.

Nothing here writes to the lake.
"""

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb
import pyarrow as pa

from taxiway.addresses import QUARANTINE, REFUSED, Address
from taxiway.engines.base import Reading
from taxiway.engines.duckdb import DuckDB, DuckDBSession, identifier
from taxiway.errors import EngineError, LakeError, TableNotFound, TaxiwayError, UsageError
from taxiway.lake import WHOLE, Lake, Snapshot
from taxiway.lake.elsewhere import contract_of, pinned
from taxiway.settings import Settings
from taxiway.spelling import near

if TYPE_CHECKING:
    import pandas as pd

    from taxiway.contracts import Contract, Verdict
    from taxiway.materialise import Workspace
    from taxiway.tables import Table
    from taxiway.transforms import ArrowTransform, Transform

_SHOWN_ROWS = 10
_PREVIEW = "preview"
_WORDS = re.compile(r"[a-z0-9_]+")


class OpenLake:
    """The tables of a lake, to read. A relation stays at the versions that it was made from."""

    def __init__(self, settings: Settings) -> None:
        """The lake of these settings; nothing is opened yet."""
        self.settings = settings
        self.lake = Lake(settings.lake, settings.deployment, settings.package)

    @cached_property
    def workspace(self) -> "Workspace":
        """The project of the deployment, with the lake."""
        from taxiway.materialise import Workspace
        from taxiway.project_loader import load_project

        return Workspace(load_project(self.settings), self.settings)

    def tables(self) -> tuple[str, ...]:
        """The addresses of all tables that have been made, quarantine included."""
        return tuple(map(str, self.lake.tables()))

    def read(
        self, table: str, *, partition: str | Sequence[str] | None = None, version: int | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The rows of a table (`.df()`, `.arrow()`, `.pl()`): of some partitions or all, at a version or the latest.

        Raises UsageError for a table or partition that cannot be, TableNotFound for one that has not been made.
        """
        snapshot = self.snapshot(table, version)
        if version is not None and version != self.snapshot(table).version:
            snapshot.check_not_vacuumed()
        partitions = [partition] if isinstance(partition, str) else partition
        if partitions is not None:
            partitions = published_partitions(self.settings, snapshot, partitions)
        connection = self._connect()
        reading = self.reading(snapshot, partitions)
        DuckDBSession(connection).read(snapshot.address.relation, reading)
        return connection.table(snapshot.address.relation)

    def reading(self, snapshot: Snapshot, partitions: Sequence[str] | None = None) -> Reading:
        """All of a table, or these partitions of it; of one that somebody else writes, the pinned version."""
        elsewhere = pinned(snapshot, self.settings.place_of)
        schema = snapshot.schema if elsewhere is None else contract_of(snapshot)
        return Reading(snapshot, schema, None if partitions is None else tuple(partitions), elsewhere=elsewhere)

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """The result of one SELECT over the tables as `layer.name`, each at the version that is its latest now.

        Raises UsageError for anything but one SELECT and for wrong SQL, TableNotFound for a table that is not there.
        """
        connection = self._connect()
        _refuse_all_but_select(connection, query)
        session = DuckDBSession(connection)
        words = set(_WORDS.findall(query.lower()))
        for address in self._mentioned(query):
            # Who asks what there is, with SHOW TABLES, sees the view's name: it is what a query may write.
            written = f"{address.layer}.{address.name}"
            try:
                snapshot = self.lake.open(address)
                session.read(written, self.reading(snapshot))
            except (LakeError, EngineError):
                # One that is not asked for does not stop the others.
                if {address.layer, address.name} <= words:
                    raise
                continue
            schema, name, view = map(identifier, (address.layer, address.name, written))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(f"CREATE VIEW {schema}.{name} AS FROM {view}")
        try:
            return connection.sql(query)
        except duckdb.Error as error:
            raise self._refused(query, error) from None

    def preview(
        self,
        what: "str | Table | Transform | ArrowTransform",
        *,
        partition: str | None = None,
        contract: "type[Contract] | None" = None,
    ) -> "Preview":
        """Run a transform on the lake as it is and guard the result; publishes nothing.

        `what` is a table, its address, or a transform, which needs a `contract` where it belongs to no
        table. Raises UsageError where that or the partition is missing, and what the transform raises.
        """
        from taxiway.engines import engines
        from taxiway.materialise import try_out

        table = self._table(what, contract)
        if table.is_partitioned != (partition is not None):
            example = f"name one, e.g. partition='{self.workspace.first_partition(table)}'"
            needs = example if table.is_partitioned else "leave out the partition"
            raise UsageError(f"{table.at} is {table.partitioning}: {needs}")
        with engines(self.settings) as open_engine:
            trial = try_out(self.workspace, table, partition or WHOLE, open_engine(table.engine))
        return Preview(table.at, trial.verdict, self._connect().from_arrow(trial.rows), trial.samples)

    def address(self, table: str) -> Address:
        """The address that is written `layer/name` or `layer.name`.

        Raises UsageError, with the tables that may have been meant, for anything else.
        """
        if "/" not in table and "." not in table:
            meant = near(table, map(str, self.workspace.project.by_address))
            told = f"did you mean {' or '.join(meant)}?" if meant else "taxiway tables lists them"
            raise UsageError(f"'{table}' is not a table address: write layer/name; {told}")
        return Address.parse(table)

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """The table at a version, or the latest.

        Raises UsageError for a table that is neither made nor of the project, TableNotFound for one not made yet.
        """
        address = self.address(table)
        found = self.lake.find(address, version)
        if found is None and address.layer == QUARANTINE:
            raise TableNotFound(f"{address} does not exist: no row of that table has been rejected")
        if found is None and address.layer == REFUSED:
            raise TableNotFound(f"{address} does not exist: no partition of that table has been refused")
        if found is None:
            self.workspace.project.table(address)
        return found or self.lake.open(address, version)

    def _table(self, what: "str | Table | Transform | ArrowTransform", contract: "type[Contract] | None") -> "Table":
        from taxiway.tables import Table

        project = self.workspace.project
        if isinstance(what, str):
            table = project.table(what)
        elif isinstance(what, Table):
            table = what
        else:
            table = next((table for table in project.tables if table.transform is what), None)
            if table is None and contract is None:
                raise UsageError(
                    f"{what.name} belongs to no table of {project.name}: say what it must be, contract=..."
                )
            table = table or Table(f"{_PREVIEW}/candidate", cast("type[Contract]", contract), what)
        return replace(table, contract=contract) if contract is not None else table

    def _mentioned(self, query: str) -> Iterable[Address]:
        """The tables whose name occurs in a query; all where none does, so that it can ask what there is."""
        words = set(_WORDS.findall(query.lower()))
        made = self.lake.tables()
        return [address for address in made if address.name in words] or made

    def _refused(self, query: str, error: duckdb.Error) -> TaxiwayError:
        """Why the SQL cannot be: where it asks for a table of the project that is not made yet, that is why."""
        words = set(_WORDS.findall(query.lower()))
        if isinstance(error, duckdb.CatalogException):
            for address in self.workspace.project.by_address:
                if {address.layer, address.name} <= words and self.lake.find(address) is None:
                    return TableNotFound(
                        f"{address} has not been published yet; make it with: taxiway run {address} --upstream"
                    )
        return wrong_sql(error)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for each relation, so that nothing changes under one that is already made."""
        folder = Path(tempfile.mkdtemp(dir=_spill().name))
        engine = DuckDB(self.settings.threads, self.settings.memory_limit, self.settings.scratch, self.settings.lake)
        return engine.connect(folder)


@dataclass(frozen=True)
class Preview:
    """A table as it would be published: its rows, and what its contract says of them. Nothing was published."""

    table: str
    verdict: "Verdict"
    rows: duckdb.DuckDBPyRelation
    samples: Mapping[str, pa.Table]

    def df(self) -> "pd.DataFrame":
        """The rows as a pandas frame."""
        return self.rows.df()

    def __repr__(self) -> str:
        """The verdict, rows that broke a rule, and the first rows."""
        return "\n".join([f"{self.table}: {self.verdict.message}", *self._broken(), str(self.rows.limit(_SHOWN_ROWS))])

    def _repr_html_(self) -> str:
        color = "#2a7d2a" if self.verdict.published else "#b00020"
        told = f'<p style="color:{color}"><b>{escape(self.table)}</b>: {escape(self.verdict.message)}</p>'
        samples = "".join(
            f"<p>{escape(rule)}</p>{rows.to_pandas().to_html(index=False)}" for rule, rows in self.samples.items()
        )
        return told + samples + self.rows.limit(_SHOWN_ROWS).df().to_html(index=False)

    def _broken(self) -> list[str]:
        return [f"{rule}: {row}" for rule, rows in self.samples.items() for row in rows.to_pylist()]


def wrong_sql(error: duckdb.Error) -> UsageError:
    """DuckDB's complaint about a query in one line."""
    first, *_ = str(error).strip().split("\n\n")
    return UsageError(" ".join(first.split()))


def _refuse_all_but_select(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise wrong_sql(error) from None
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise UsageError("the lake is read here: write one SELECT, e.g. select * from feature.flights limit 5")


def published_partitions(settings: Settings, snapshot: Snapshot, asked: Sequence[str]) -> list[str]:
    """The partitions of a table that are asked for by their keys, or by those of longer or shorter ones.

    Raises UsageError for what is no key, or lies outside the calendar, TableNotFound where the table has no partition
    of that time.
    """
    if snapshot.partition_column is None:
        raise UsageError(f"{snapshot.address} has no partitions: leave out the partition")
    published = {*snapshot.partitions, *(file.partition for file in snapshot.files)}
    calendar, found = settings.calendar, {}
    for key in asked:
        span = calendar.span(key)
        if not span.overlaps(calendar.bounds):
            raise UsageError(f"{key} lies outside the calendar of this deployment ({calendar})")
        own = [key] if key in published else calendar.among(published, span)
        if not own:
            raise TableNotFound(
                f"{snapshot.address} version {snapshot.version} has no {key}; "
                f"make it with: taxiway run {snapshot.address} --upstream --partition {key}"
            )
        found |= dict.fromkeys(own)
    return list(found)


@cache
def _spill() -> tempfile.TemporaryDirectory[str]:
    """Where what is too large for memory goes; it is removed when this process ends.

    It is not the deployment's scratch, whose clean-up would wait for as long as a notebook is open.
    """
    return tempfile.TemporaryDirectory(prefix="taxiway-", ignore_cleanup_errors=True)

"""The protocol between a materialisation and what executes it. An engine knows tables and SQL, nothing else."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from taxiway.errors import LakeError
from taxiway.lake import DataFile, Snapshot
from taxiway.lake.elsewhere import Elsewhere, is_pin

OfRows = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class Reading:
    """What of a table is read: these partitions of a snapshot, all of them for None.

    A `snapshot` of None is a table that does not exist yet and reads as empty. Where `since` is given, only rows of
    which one of the `since_columns` is not before it are read, and all rows of the partitions in `own`. With `only`
    just these of its files are read. `elsewhere` is where the rows are of a table that somebody else writes.
    """

    snapshot: Snapshot | None
    schema: pa.Schema
    partitions: tuple[str, ...] | None = None
    own: tuple[str, ...] = ()
    since_columns: tuple[str, ...] = ()
    since: datetime | None = None
    only: tuple[DataFile, ...] | None = None
    elsewhere: Elsewhere | None = None

    def __post_init__(self) -> None:
        """Refuse to read a pin as the table that it stands for."""
        if self.snapshot is not None and self.elsewhere is None and is_pin(self.snapshot):
            raise LakeError(f"{self.snapshot.address} is written elsewhere, and is not read here")

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The data files that are read."""
        if self.only is not None or self.snapshot is None:
            return self.only or ()
        return self.snapshot.selected(self.partitions)

    @property
    def known_rows(self) -> int | None:
        """How many rows are read, where that is all rows of these partitions and the table's log says it."""
        if self.elsewhere is not None:
            return None
        if self.snapshot is None:
            return 0
        return self.snapshot.rows(self.partitions) if self.since is None and self.only is None else None


class Session(Protocol):
    """One connection of an engine. Its relations live until it closes."""

    dialect: str

    def read(self, relation: str, reading: Reading) -> None:
        """Give what is read of a table in the lake the name `relation`."""
        ...

    def load(self, relation: str, rows: pa.Table) -> None:
        """Add rows to `relation`, which the first call makes; columns are matched by name."""
        ...

    def define(self, relation: str, sql: str) -> None:
        """Give the result of SQL the name `relation`; it is computed when it is read."""
        ...

    def stage(self, relation: str, sql: str, schema: pa.Schema, *, more: bool = False) -> None:
        """Execute SQL once and keep the result with this schema, on disk where it is large, as `relation`; with `more`
        beside what was kept as such before."""
        ...

    def stage_batches(
        self, relation: str, sql: str, function: OfRows, *, by: Sequence[str] = (), schema: pa.Schema
    ) -> None:
        """Add what the function makes of the rows of SQL to `relation`, which the first call makes, with this schema.

        The function gets any number of rows, in any order and perhaps in another process, to which it is pickled;
        where `by` names columns, all rows with equal values in them, and null is equal to null. It never gets none.
        Raises TransformFailed where it does.
        """
        ...

    def query(self, sql: str) -> pa.Table:
        """The result of SQL, in memory."""
        ...

    def count(self, relation: str) -> int:
        """How many rows a relation has."""
        ...

    def write(self, folder: str, sql: str, schema: pa.Schema, by: str | None) -> None:
        """Write the rows of SQL with this schema as Parquet files into a new folder of the lake; where `by` names a
        column, those of each key into a folder `by=key` in it, without the column.

        Raises OSError where the lake refuses.
        """
        ...


class Engine(Protocol):
    """What executes transforms: DuckDB or Spark."""

    name: str
    version: str

    def session(self) -> AbstractContextManager[Session]:
        """A new session, closed at the end of the block."""
        ...

    def close(self) -> None:
        """End what the sessions shared."""
        ...

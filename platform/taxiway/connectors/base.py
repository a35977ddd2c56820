"""The two protocols: what a source is asked for and gives, what a sink is given and says."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from taxiway.addresses import Address
from taxiway.calendar import Calendar, Grain

if TYPE_CHECKING:
    from taxiway.settings import Settings


@dataclass(frozen=True)
class Extraction:
    """What a raw table wants of a source: its `columns` with their types, in the order of its `key`, by `partitions` of
    its `grain` (None where it has none) in the `calendar`. `only` are those that are asked for, all for None.

    `known` says, by partition, with which fingerprint it was delivered last, empty where nobody knows. It is asked
    when no other extraction of the same table is under way.
    """

    table: Address
    columns: Mapping[str, str]
    key: tuple[str, ...]
    grain: Grain | None
    calendar: Calendar
    partitions: tuple[str, ...]
    known: Callable[[], Mapping[str, str]]
    only: Collection[str] | None = None


@dataclass(frozen=True)
class Extract:
    """A partition that is to be delivered anew: its rows as a CSV file, and by what it is known again."""

    partition: str
    fingerprint: str
    data: bytes
    rows: int


class Source(Protocol):
    """Where the file of a raw table comes from. `format` is how its files are understood, `schedule` the cron line
    by which Dagster asks it, on the clock of the deployment."""

    @property
    def kind(self) -> str:
        """What it is, as Dagster shows it: `postgres`."""
        ...

    @property
    def schedule(self) -> str:
        """When it is asked, as a cron line."""
        ...

    @property
    def format(self) -> Mapping[str, Any]:
        """How its files are understood: arguments of CSV."""
        ...

    @property
    def is_partitioned(self) -> bool:
        """Whether it gives a file for each partition."""
        ...

    def changes(self, settings: "Settings", wanted: Extraction) -> Iterator[Extract]:
        """The partitions that differ from what is known of them, all of one moment, each whole.

        Raises ConnectorError, without any secret, where the source cannot be read.
        """
        ...


@dataclass(frozen=True)
class Outgoing:
    """A published table on its way out: its columns, key and data version. `batches` reads its rows, in the order of
    the key, when it is called."""

    table: Address
    schema: pa.Schema
    key: tuple[str, ...]
    version: str
    batches: Callable[[], Iterator[pa.RecordBatch]]

    def made_by(self, deployment: str) -> str:
        """What a sink notes of where its rows came from, so that no other table or deployment replaces them."""
        return f"{self.table} of deployment {deployment}"


@dataclass(frozen=True)
class Written:
    """What a sink holds now: where, which data version, how many rows; whether it had to be written for that."""

    place: str
    version: str
    rows: int
    changed: bool


class Sink(Protocol):
    """Where a published table goes. It holds one version of it, and readers see that or the next, never a mixture."""

    @property
    def kind(self) -> str:
        """What it is, as Dagster shows it: `postgres`, `parquet`."""
        ...

    @property
    def name(self) -> str:
        """What tells it from the other sinks of a table, in lower-case letters, digits and underscores."""
        ...

    def target(self, table: Address) -> str:
        """The place that a table goes to, by the name of the connection: no two tables may have the same."""
        ...

    def publish(self, settings: "Settings", table: Outgoing) -> Written:
        """Make the sink hold this version; nothing is read or written where it does already.

        Raises ConnectorError, without any secret, where it refuses, as what another table or deployment put there; it
        then holds what it held.
        """
        ...

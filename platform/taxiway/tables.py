"""What a table is to the platform: an address, a contract, and what computes it. Plain data, no I/O, no Dagster."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import pyarrow as pa

from taxiway.addresses import Address, is_address
from taxiway.broken import BrokenTable
from taxiway.connectors import Sink, Source
from taxiway.contracts import Contract, TableContract, compile_contract
from taxiway.errors import BrokenInput, DefinitionError, UsageError
from taxiway.landing import CsvFormat
from taxiway.spelling import nearest
from taxiway.transforms import ArrowTransform, Reach, Transform

Portable = Literal["required", "preferred"]
"""Whether a table has to be the same on every engine, or may be bound to one where it is not."""

Figures = Callable[[pa.Table], Mapping[str, bytes]]


@dataclass(frozen=True)
class Delivered:
    """The CSV file that a raw table is made from: its name, with `{month}` where there is one a month.

    It has the columns of the table's contract without those that the transform derives, and the
    `dropped` ones, with their types, that the table does not keep. `format` says what of its fields is trimmed, and
    what stands for a missing value, for all columns or for one. Where a `source` delivers it, that says how its files
    are to be understood, unless `format` does.
    """

    name: str
    dropped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    derived: tuple[str, ...] = ()
    format: CsvFormat = field(default_factory=CsvFormat)
    # Where a file came from is not how it is read.
    source: Source | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Understand the files of a source as it writes them."""
        if self.source is not None and self.format == CsvFormat():
            object.__setattr__(self, "format", self.source.format)


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a project.

    `transform` computes it from the tables that its parameters name. A table of the raw layer has one
    input, the `delivered` file: the transform sees its columns typed, `source_file`, `source_row` and
    `_month`, the month that the file was delivered for. A table without a transform (a mart) is
    published by who builds it. `engine` overrides the deployment's. `figures` draws pictures of the
    published rows of a partition, PNG by name, for the UI. `sinks` are where it goes beside the lake.
    `portable` overrides the project's. `float_tolerance` is the relative difference of floats that is no news when it
    is published again: by default 0, the bits, and 1e-9 of a table that is bound to one engine.
    """

    at: str
    contract: type[Contract]
    transform: Transform | ArrowTransform | None = None
    delivered: Delivered | None = None
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    engine: str | None = None
    figures: Figures | None = None
    sinks: tuple[Sink, ...] = ()
    portable: Portable | None = None
    float_tolerance: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be materialised."""
        _see_that_is_portable(self.portable or "preferred", self.at)
        if self.float_tolerance is not None and not 0 <= self.float_tolerance < 1:
            raise DefinitionError(f"{self.at}: float_tolerance={self.float_tolerance} is no share from 0 to below 1")
        names = [sink.name for sink in self.sinks]
        for name in names:
            if not is_address("sink", name) or names.count(name) > 1:
                raise DefinitionError(
                    f"{self.at}: '{name}' is no name for one of its sinks: give each its own, in lower-case letters, "
                    "digits and single underscores"
                )
        if self.delivered is None:
            return
        if not isinstance(self.transform, Transform) or len(self.transform.inputs) != 1:
            raise DefinitionError(f"{self.at}: a table of a delivered file has a transform with one input, the file")
        if ("{month}" in self.delivered.name) != self.monthly:
            wanted = "needs {month} in its name, or all months would be made from one file"
            told = wanted if self.monthly else "has {month} in its name, but the table is not partitioned by month"
            raise DefinitionError(f"{self.at}: the delivered file {self.delivered.name} {told}")
        source = self.delivered.source
        if source is not None and source.monthly != self.monthly:
            told = "its source has to name the column of the month" if self.monthly else "its source names a month"
            raise DefinitionError(
                f"{self.at}: {told}, but the table is {'' if self.monthly else 'not '}partitioned by it"
            )

    @cached_property
    def address(self) -> Address:
        """Where it lives."""
        return Address.parse(self.at)

    @cached_property
    def rules(self) -> TableContract:
        """Its contract, compiled."""
        return compile_contract(self.contract)

    @property
    def monthly(self) -> bool:
        """Whether it is partitioned by month."""
        return self.rules.partition is not None

    @cached_property
    def inputs(self) -> Mapping[str, Reach | None]:
        """What it reads beyond the same partition, by input relation; None where nothing."""
        if self.transform is None:
            return {}
        transforms = (
            self.transform.prepares.values() if isinstance(self.transform, ArrowTransform) else [self.transform]
        )
        reaches: dict[str, Reach | None] = {}
        for transform in transforms:
            for name in transform.inputs:
                reach = transform.reach.get(name)
                if reaches.setdefault(name, reach) != reach:
                    raise DefinitionError(f"{self.at}: its transforms read {name} with different reach")
        return reaches

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters that its transform declares."""
        if self.transform is None:
            return frozenset()
        prepares = self.transform.prepares.values() if isinstance(self.transform, ArrowTransform) else ()
        return frozenset(self.transform.parameters).union(*(prepare.parameters for prepare in prepares))

    def file_name(self, partition: str) -> str:
        """The name of the delivered file of a partition."""
        return self._delivery.name.format(month=partition)

    @cached_property
    def file_columns(self) -> Mapping[str, str]:
        """The columns of the delivered file and the types that their texts must fit."""
        delivery = self._delivery
        own = {"source_file", "source_row", self.rules.partition, *delivery.derived}
        kept = {name: str(dtype) for name, dtype in self.rules.ibis_schema.items() if name not in own}
        columns = dict(delivery.dropped) | kept
        for name in delivery.format.fields:
            if name not in columns:
                raise DefinitionError(f"{self.at}: its format has the field {name}; {nearest(name, columns)}")
        return columns

    @property
    def _delivery(self) -> Delivered:
        if self.delivered is None:
            raise DefinitionError(f"{self.at} is not made from a delivered file")
        return self.delivered


@dataclass(frozen=True, eq=False)
class Project:
    """A project: its tables, in any order, who delivers its files, its dbt project, its benchmarks, what to try.

    `deliveries(months)` yields name and bytes of each file that the publisher delivers for these
    months; `spoil(kind, name, data)` returns a delivery with that fault, or as it is where it is a file of
    another kind, and `faults` says what each kind is. `benchmarks` is the folder of the package that says
    what `taxiway bench` measures. `tour` holds commands to paste, by what each shows. `owners` own the
    tables that name none of their own. `broken` are tables that are left out, those that `collect` finds among them.
    With `portable="required"` a table that is not the same on every engine is refused; else it is bound to one.
    """

    name: str
    tables: tuple[Table, ...]
    deliveries: Callable[[Sequence[str]], Iterator[tuple[str, bytes]]] | None = None
    spoil: Callable[[str, str, bytes], bytes] | None = None
    faults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    dbt: Path | None = None
    benchmarks: Path | None = None
    tour: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    owners: tuple[str, ...] = ()
    broken: tuple[BrokenTable, ...] = ()
    portable: Portable = "preferred"

    def __post_init__(self) -> None:
        """Set aside what `collect` could not import."""
        _see_that_is_portable(self.portable, f"project {self.name}")
        broken = tuple(table for table in self.tables if isinstance(table, BrokenTable))
        if broken:
            object.__setattr__(self, "tables", tuple(table for table in self.tables if isinstance(table, Table)))
            object.__setattr__(self, "broken", (*self.broken, *broken))

    @cached_property
    def by_address(self) -> Mapping[Address, Table]:
        """The tables by address; raises DefinitionError where two share one."""
        found: dict[Address, Table] = {}
        for table in self.tables:
            if found.setdefault(table.address, table) is not table:
                raise DefinitionError(f"{table.at} is defined twice")
        return found

    @cached_property
    def by_relation(self) -> Mapping[str, Table]:
        """The tables by the name under which transforms know them; raises DefinitionError where two share one."""
        found: dict[str, Table] = {}
        for table in self.tables:
            other = found.setdefault(table.address.relation, table)
            if other is not table:
                raise DefinitionError(f"{other.at} and {table.at} are both {table.address.relation} to a transform")
        return found

    @cached_property
    def in_order(self) -> tuple[Table, ...]:
        """The tables that have a transform, each after those that it is computed from."""
        sources = {table: tuple(self.inputs(table)) for table in self.tables if table.transform is not None}
        return tuple(TopologicalSorter(sources).static_order())

    def table(self, address: str | Address) -> Table:
        """The table at an address.

        Raises UsageError, with the nearest names, where there is none, DefinitionError for one that is broken.
        """
        parsed = Address.parse(address)
        if parsed in self.by_address:
            return self.by_address[parsed]
        for broken in self.broken:
            if broken.at == str(parsed):
                raise DefinitionError(str(broken))
        raise UsageError(f"there is no table {parsed}; {nearest(str(parsed), map(str, self.by_address))}")

    def inputs(self, table: Table) -> Mapping[Table, Reach | None]:
        """The tables that a table is computed from; raises DefinitionError where one is not of the project."""
        if table.delivered is not None:
            return {}
        found = {}
        for relation, reach in table.inputs.items():
            if relation not in self.by_relation:
                for broken in self.broken:
                    if broken.at.replace("/", "_") == relation:
                        raise BrokenInput(f"{table.at}: it is made from {broken.at}, which is broken", broken.at)
                raise DefinitionError(f"{table.at}: its transform reads '{relation}', which is no table of {self.name}")
            found[self.by_relation[relation]] = reach
        return found


def _see_that_is_portable(given: str, where: str) -> None:
    if given not in get_args(Portable):
        raise DefinitionError(f"{where}: portable={given!r}: {nearest(given, get_args(Portable))}")


def collect(*packages: str) -> tuple[Any, ...]:
    """The tables of these packages: the `table` of every module that has one, in the order of packages and names.

    In place of the tables of a file that cannot be imported come `BrokenTable`s that say why; others are not harmed.
    """
    found: list[Table | BrokenTable] = []
    for package in packages:
        for module in pkgutil.iter_modules(import_module(package).__path__):
            name = f"{package}.{module.name}"
            try:
                table = getattr(import_module(name), "table", None)
            except Exception as error:  # whatever a project's own file raises
                spec = find_spec(name)
                file = Path(spec.origin) if spec is not None and spec.origin else Path(name)
                found += BrokenTable.of_file(name, file, error)
            else:
                found += [table] if isinstance(table, Table) else []
    return tuple(found)

"""What a table is to the platform: an address, a contract, and what computes it. Plain data, no I/O, no Dagster."""

import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from taxiway.addresses import Address, is_address
from taxiway.broken import BrokenTable
from taxiway.calendar import GRAINS, Grain
from taxiway.calendar.keys import PATTERNS
from taxiway.connectors import Sink, Source
from taxiway.contracts import Contract, TableContract, compile_contract
from taxiway.errors import BrokenInput, DefinitionError, UsageError
from taxiway.lake import WHOLE
from taxiway.landing import CsvFormat
from taxiway.spelling import nearest
from taxiway.transforms import ArrowTransform, Reach, Transform

Figures = Callable[[pa.Table], Mapping[str, bytes]]


@dataclass(frozen=True)
class Delivered:
    """The CSV file that a raw table is made from: its name, with `{hour}`, `{day}`, `{week}` or `{month}` where there
    is one for each.

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
    `_partition`, the key of the partition that the file was delivered for. A table without a transform (a mart) is
    published by who builds it. `engine` overrides the deployment's. `figures` draws pictures of the
    published rows of a partition, PNG by name, for the UI. `sinks` are where it goes beside the lake.
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

    def __post_init__(self) -> None:
        """Refuse what could not be materialised."""
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
        self._see_that_names_tell_partitions(self.delivered)

    def _see_that_names_tell_partitions(self, delivered: Delivered) -> None:
        for grain in GRAINS:
            if (f"{{{grain}}}" in delivered.name) != (grain == self.grain):
                wanted = f"needs {{{grain}}} in its name, or all {grain}s would be made from one file"
                other = f"has {{{grain}}} in its name, but the table is {self.partitioning}"
                told = wanted if grain == self.grain else other
                raise DefinitionError(f"{self.at}: the delivered file {delivered.name} {told}")
        source = delivered.source
        if source is not None and source.is_partitioned != self.is_partitioned:
            told = "has to name" if self.is_partitioned else "names"
            raise DefinitionError(
                f"{self.at}: its source {told} the column that tells a row's partition, but the table is "
                f"{self.partitioning}"
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
    def grain(self) -> Grain | None:
        """How long a partition is; None where it has none."""
        return self.rules.grain

    @property
    def is_partitioned(self) -> bool:
        """Whether it has partitions."""
        return self.grain is not None

    @property
    def partitioning(self) -> str:
        """By what it is partitioned, in words."""
        return f"partitioned by {self.grain}" if self.is_partitioned else "not partitioned"

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
        return self._delivery.name.replace(f"{{{self.grain}}}", partition)

    def partition_of_file(self, name: str) -> str | None:
        """The partition that a file of this name is for, in the calendar or not; None where it is no file of the
        table."""
        found = self._file_names.fullmatch(name)
        return None if found is None else found["key"] if self.is_partitioned else WHOLE

    @cached_property
    def _file_names(self) -> re.Pattern[str]:
        if self.grain is None:
            return re.compile(re.escape(self.file_name(WHOLE)))
        first, *others = map(re.escape, self._delivery.name.split(f"{{{self.grain}}}"))
        return re.compile(f"{first}(?P<key>{PATTERNS[self.grain]})" + "(?P=key)".join(others))

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

    `deliveries(partitions)` yields name and bytes of each file that the publisher delivers for these
    partitions, which are of all grains that raw tables have; `spoil(kind, name, data)` returns a delivery with that
    fault, or as it is where it is a file of another kind, and `faults` says what each kind is. `benchmarks` is the
    folder of the package that says what `taxiway bench` measures. `tour` holds commands to paste, by what each shows.
    `owners` own the tables that name none of their own. `broken` are tables that are left out,
    those that `collect` finds among them.
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

    def __post_init__(self) -> None:
        """Set aside what `collect` could not import."""
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

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
from typing import Any, Literal, get_args

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from taxiway.addresses import Address, is_address
from taxiway.broken import BrokenTable
from taxiway.calendar import GRAINS, Grain
from taxiway.calendar.keys import PATTERNS
from taxiway.connectors import External, Sink, Source
from taxiway.contracts import Contract, TableContract, compile_contract
from taxiway.errors import BrokenInput, DefinitionError, UsageError
from taxiway.lake import WHOLE
from taxiway.landing import CSV, Files
from taxiway.spelling import nearest
from taxiway.transforms import ArrowTransform, Reach, Transform
from taxiway.transforms import transform as as_transform

# What `*` stands for in a file's name.
_ANY = "[A-Za-z0-9._+-]*?"
# What of their files may be said beside what a source says.
_OF_ANY_SOURCE = ("dropped", "derived", "null", "trim", "quoted_is_value", "true", "false", "fields")


@as_transform
def _as_it_is(elsewhere: ir.Table) -> ir.Table:
    """What somebody else writes."""
    return elsewhere


Portable = Literal["required", "preferred"]
"""Whether a table has to be the same on every engine, or may be bound to one where it is not."""

Figures = Callable[[pa.Table], Mapping[str, bytes]]


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a project.

    `transform` computes it from the tables that its parameters name. A table of the raw layer has one
    input, the `files` that are delivered: the transform sees their columns typed, `source_file`, `source_row` and
    `_partition`, the key of the partition that a file was delivered for. A `source` delivers them, and says how they
    are to be understood where `files` do not. A table without a transform (a mart) is published by who builds it. One
    that is `external` is written by somebody else, and checked here. `engine` overrides the deployment's. `figures`
    draws pictures of the published rows of a partition, PNG by name, for the UI. `sinks` are where it goes beside the
    lake. `portable` overrides the project's. `float_tolerance` is the relative difference of floats that is no news
    when it is published again: by default 0, the bits, and 1e-9 of a table that is bound to one engine.
    """

    at: str
    contract: type[Contract]
    transform: Transform | ArrowTransform | None = None
    files: Files | None = None
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    engine: str | None = None
    figures: Figures | None = None
    sinks: tuple[Sink, ...] = ()
    source: Source | None = None
    external: External | None = None
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
        if isinstance(self.transform, Transform) and "partition" in self.transform.parameters:
            raise DefinitionError(
                f"{self.at}: only a function of rows, and a transform that prepares them, is given its partition: "
                "leave out the parameter partition, and find a row's own with partition_of(instant, grain, zone)"
            )
        if self.external is not None:
            self._see_that_it_is_only_read()
        if self.files is not None:
            self._see_that_files_can_be()
        elif self.source is not None:
            raise DefinitionError(f"{self.at}: a source delivers files: say what they are called, files=CSV(...)")

    def _see_that_it_is_only_read(self) -> None:
        if self.transform not in (None, _as_it_is) or self.files is not None or self.source is not None:
            raise DefinitionError(f"{self.at}: somebody else writes it: leave out its transform, files and source")
        if self.rules.partition is not None or self.rules.tolerance:
            raise DefinitionError(
                f"{self.at}: somebody else writes it, so that it is right as a whole or not at all: leave out "
                "partition and tolerance"
            )
        object.__setattr__(self, "transform", _as_it_is)

    def _see_that_files_can_be(self) -> None:
        files, source = self._files, self.source
        if not isinstance(self.transform, Transform) or len(self.transform.inputs) != 1:
            raise DefinitionError(f"{self.at}: a table of delivered files has a transform with one input, the files")
        for grain in GRAINS:
            if (f"{{{grain}}}" in files.name) != (grain == self.grain):
                wanted = f"need {{{grain}}} in their name, or all {grain}s would be made from the same"
                other = f"have {{{grain}}} in their name, but the table is {self.partitioning}"
                told = wanted if grain == self.grain else other
                raise DefinitionError(f"{self.at}: the delivered files {files.name} {told}")
        if source is None:
            return
        if not isinstance(files, CSV) or files != CSV(files.name, **{n: getattr(files, n) for n in _OF_ANY_SOURCE}):
            raise DefinitionError(f"{self.at}: a source delivers plain CSV, one file at a time: leave out how it looks")
        if files.packed or files.several:
            raise DefinitionError(f"{self.at}: a source delivers plain CSV, one file at a time: name it name.csv")
        object.__setattr__(self, "files", files.or_as(source.format))
        if source.is_partitioned != self.is_partitioned:
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
        """The name of the delivered file of a partition, or, with `*`, of its files."""
        return self._files.name.replace(f"{{{self.grain}}}", partition)

    def keys_of_file(self, name: str) -> tuple[str, ...]:
        """The partition that a file of this name is for, in the calendar or not; none for what is no file of the table.

        Where `*` follows an hour, four digits may be its offset from UTC or not: then both hours, the longer key first.
        """
        found = [pattern.fullmatch(name) for pattern in self._file_names]
        return tuple(dict.fromkeys(each["key"] if self.is_partitioned else WHOLE for each in found if each))

    @cached_property
    def _file_names(self) -> Sequence[re.Pattern[str]]:
        parts = self._files.name.split(f"{{{self.grain}}}")
        first, *others = (_ANY.join(map(re.escape, part.split("*"))) for part in parts)
        keys = [PATTERNS[self.grain]] if self.grain is not None else [""]
        if self.grain == "hour" and self._files.several:
            keys.append(f"{PATTERNS['hour']}?")  # the offset at its end only where it must be one
        return [re.compile(first + (f"(?P<key>{key})" if others else "") + "(?P=key)".join(others)) for key in keys]

    @cached_property
    def file_columns(self) -> Mapping[str, str]:
        """The columns of the delivered files and the types that their values must fit."""
        files = self._files
        own = {"source_file", "source_row", self.rules.partition, *files.derived}
        kept = {name: str(dtype) for name, dtype in self.rules.ibis_schema.items() if name not in own}
        columns = dict(files.dropped) | kept
        for name in getattr(files, "fields", ()):
            if name not in columns:
                raise DefinitionError(f"{self.at}: its files have the field {name}; {nearest(name, columns)}")
        return columns

    @cached_property
    def file_schema(self) -> ibis.Schema:
        """The columns of the delivered files as their reader gives them: as text, or of their types."""
        files, types = self._files, {name: ibis.dtype(dtype) for name, dtype in self.file_columns.items()}
        return ibis.schema({n: "string" if files.gives_text(dtype) else dtype for n, dtype in types.items()})

    @property
    def _files(self) -> Files:
        if self.files is None:
            raise DefinitionError(f"{self.at} is not made from delivered files")
        return self.files


@dataclass(frozen=True, eq=False)
class Project:
    """A project: its tables, in any order, who delivers its files, its dbt project, its benchmarks, what to try.

    `deliveries(partitions)` yields name and bytes of each file that the publisher delivers for these
    partitions, which are of all grains that raw tables have; `spoil(kind, name, data)` returns a delivery with that
    fault, or as it is where it is a file of another kind, and `faults` says what each kind is. `dbt` is the folder of
    the dbt project, and `benchmarks` that of the package that says what `taxiway bench` measures, both below the
    project's root. `tour` holds commands to paste, by what each shows. `owners` own the tables that name none of their
    own. `broken` are tables that are left out, those that `collect` finds among them. With `portable="required"` a
    table that is not the same on every engine is refused; else it is bound to one.
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
        if table.files is not None or table.external is not None:
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
    """The tables of these packages and those below: the `table` of every module that has one, in the order of packages
    and names.

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
                found += collect(name) if module.ispkg else []
    return tuple(found)

"""A new table of a project: one file with a contract, a transform and a test, which runs as it is."""

import importlib
import inspect
import json
import keyword
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template

import duckdb

from taxiway.addresses import Address
from taxiway.calendar import GRAINS, Calendar, Grain
from taxiway.calendar.keys import EXAMPLES, PATTERNS
from taxiway.errors import DefinitionError, UsageError
from taxiway.landing import CSV
from taxiway.materialise import Workspace
from taxiway.tables import Project, Table

_DERIVED = Template('''"""$address: how many rows $source has by $column."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Int64, Text, column
from taxiway.tables import Table
from taxiway.transforms import transform


class $model(Contract):
    """One $column of $source."""

    $column: Text = column("The $column, as in $source")
    row_count: Int64 = column("Rows of $source", unit="rows", ge=1)

    class Config:
        """Its key and how it is partitioned."""

        unique = ["$column"]
        metadata = contracts.table($partition)


@transform
def $name($relation: ir.Table) -> ir.Table:
    """The rows of $source, counted."""
    return $relation.group_by("$column").aggregate(row_count=$relation.count())


table = Table("$address", contract=$model, transform=$name)


def test_$name() -> None:
    """Two rows of one $column are counted together."""
    import pyarrow as pa

    from taxiway.testing import run_transform

    rows = pa.table({"$column": ["$one", "$other", "$other"]})
    found = run_transform($name, {"$relation": rows}).sort_by("$column").to_pylist()
    assert found == [{"$column": "$one", "row_count": 1}, {"$column": "$other", "row_count": 2}]
''')
_DELIVERED = Template('''"""$address: what $file holds, as delivered, typed."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, $types, column
from taxiway.landing import CSV
from taxiway.tables import Table
from taxiway.transforms import transform


class $model(Contract):
    """One record of $file."""

$columns
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in it, from 1", ge=1)$partition_column

    class Config:
        """Its key and how it is partitioned."""

        unique = [$key]
        metadata = contracts.table($partition)


@transform
def $name(landing_$name: ir.Table) -> ir.Table:
    """As delivered$with_partition."""
    return landing_$name$mutated


table = Table("$address", contract=$model, transform=$name, files=CSV($declared))


def test_$name() -> None:
    """Nothing is lost of what is delivered."""
    import pyarrow as pa

    from taxiway.testing import run_transform

    rows = pa.table({"source_file": ["$file"], "source_row": [1]$rows})
    assert run_transform($name, {"landing_$name": rows}).num_rows == 1
''')
# By type, how its values are written where a file's declaration says nothing of that, and what they have to be then.
_INT = "0|-?[1-9][0-9]*"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TYPES = {
    "Int64": (_INT, "BIGINT"),
    "Float64": (rf"({_INT}|-0)([.][0-9]+)?([eE][+-]?[0-9]+)?", "DOUBLE"),
    "Date": (_DATE, "DATE"),
    "Instant": (f"{_DATE}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?Z", "TIMESTAMP"),
}
# Of a longer key a shorter one is the beginning, so that hours are looked for first.
_KEYS = {grain: re.compile(rf"(?<!\d){PATTERNS[grain]}(?!\d)") for grain in GRAINS}


@dataclass(frozen=True)
class NewTable:
    """The file that was written, what it was made from, and whether the project finds the table by itself."""

    file: Path
    source: str
    is_found: bool


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    nullable: bool
    unique: bool


def write_table(workspace: Workspace, at: Address, *, reads: str | None = None, like: Path | None = None) -> NewTable:
    """Write the file of a table that counts the rows of the table `reads` or, of the layer raw, that is delivered as
    files `like` this one.

    Raises UsageError for a table that there is, or that has to be written in another way.
    """
    project = workspace.project
    if at in project.by_address:
        raise UsageError(f"there is a table {at} already, in {_file_of(project.table(at))}")
    if not at.name.isidentifier() or keyword.iskeyword(at.name):
        raise UsageError(f"'{at.name}' is a word of Python, which a transform cannot be called")
    if at.layer == "mart":
        raise UsageError(
            f"{at} would be a mart, which dbt makes: write a model {at.name}.sql, and its contract in Python"
        )
    if at.layer == "raw":
        if reads is not None:
            raise UsageError(f"{at} is made from a delivered file, and reads no table: leave out --reads")
        source, text = _delivered(at, like)
    else:
        if like is not None:
            raise UsageError(f"{at} is made from tables: only a table of the layer raw is like a file")
        read = project.table(reads) if reads else _start(project)
        source, text = f"the rows of {read.at}", _derived(at, read)
    folder = _folder(workspace, at)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    file = folder / f"{at.name}.py"
    try:
        with file.open("x") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{file} exists already; it is left as it is") from None
    return NewTable(file, source, _is_found(workspace, at))


def _folder(workspace: Workspace, at: Address) -> Path:
    """The folder of the layer's tables or, for the first of a layer, one that is called as it beside the others."""
    own = [table for table in workspace.project.tables if getattr(_module(table), "table", None) is table]
    for table in own:
        if table.address.layer == at.layer:
            return _file_of(table).parent
    beside = [_file_of(table).parent.parent for table in own]
    if beside:
        return beside[0] / at.layer
    if workspace.project.tables:
        raise UsageError(
            f"{workspace.project.name} has no folder of tables, a file each: give it one, and collect(...) in Project"
        )
    module = sys.modules[workspace.settings.project.partition(":")[0]]
    return Path(inspect.getfile(module)).parent / "tables" / at.layer


def _is_found(workspace: Workspace, at: Address) -> bool:
    """Whether the project has the table, once its module is loaded anew."""
    module, _, attribute = workspace.settings.project.partition(":")
    importlib.invalidate_caches()
    return at in getattr(importlib.reload(sys.modules[module]), attribute).by_address


def _start(project: Project) -> Table:
    """What a new table reads unless another is named: the partitioned table that most others read, or any."""
    readers = {table: 0 for table in project.tables if table.address.layer != "mart"}
    for table in project.tables:
        for source in project.inputs(table):
            if source in readers:
                readers[source] += 1
    if not readers:
        raise UsageError(f"{project.name} has no table to start from: make one of the layer raw, as raw/{project.name}")
    return max(readers, key=lambda table: (table.is_partitioned, readers[table]))


def _derived(at: Address, source: Table) -> str:
    named = [*([source.rules.partition] if source.rules.partition else []), *source.rules.key, *source.rules.columns]
    texts = [name for name in named if str(source.rules.schema.field(name).type) == "string"]
    if not texts:
        raise UsageError(f"{source.at} has no column of text to count by: name another with --reads")
    return _DERIVED.substitute(
        address=at,
        name=at.name,
        model=_class_name(at),
        source=source.at,
        relation=source.address.relation,
        column=texts[0],
        partition=_declared(source),
        one=EXAMPLES[source.grain] if source.grain is not None else "one",
        other=Calendar(EXAMPLES[source.grain]).following(EXAMPLES[source.grain]) if source.grain is not None else "two",
    )


def _declared(source: Table) -> str:
    """How a contract says that it has the partitions of a table."""
    if source.grain is None:
        return ""
    named = f', partition="{source.rules.partition}"' if source.rules.partition != source.grain else ""
    return f'grain="{source.grain}"{named}'


def _delivered(at: Address, like: Path | None) -> tuple[str, str]:
    """What the table is made from, in words, and its file."""
    name = like.name if like is not None else f"{at.name}.csv"
    grain = _grain_told(name)
    file = _KEYS[grain].sub(f"{{{grain}}}", name, count=1) if grain is not None else name
    delimiter = _delimiter(like) if like is not None else ","
    try:
        CSV(file, delimiter=delimiter)
    except DefinitionError as error:
        raise UsageError(f"no table can be like {name}: {error}") from None
    columns = _columns(like, delimiter) if like is not None else [_Column("id", "Text", nullable=False, unique=True)]
    key = next(([column.name] for column in columns if column.unique), ["source_file", "source_row"])
    own = [
        f'    {c.name}: {c.type} = column("{c.name}, as delivered"{", nullable=True" if c.nullable else ""})'
        for c in columns
    ]
    partition = f"{grain}_of_file" if grain in {column.name for column in columns} else grain
    named = f', partition="{partition}"' if partition != grain else ""
    of_partition = f'column("The {grain} that the file was delivered for")'
    return file, _DELIVERED.substitute(
        address=at,
        name=at.name,
        model=_class_name(at),
        file=file,
        declared=f'"{file}"' + (f", delimiter={json.dumps(delimiter)}" if delimiter != "," else ""),
        types=", ".join(sorted({"Int64", "Text", *(column.type for column in columns)})),
        columns="\n".join(own),
        partition_column=f"\n    {partition}: Text = {of_partition}" if grain else "",
        key=", ".join(f'"{column}"' for column in key),
        partition=f'grain="{grain}"{named}' if grain else "",
        with_partition=f", with the {grain} of the file" if grain else "",
        mutated=f'.mutate({partition}=landing_{at.name}["_partition"])' if grain else "",
        rows=f', "_partition": ["{EXAMPLES[grain]}"]' if grain else "",
    )


def _grain_told(name: str) -> Grain | None:
    """The grain of the key that a file's name holds."""
    return next((grain for grain in GRAINS if _KEYS[grain].search(name)), None)


def _delimiter(file: Path) -> str:
    """What separates the fields of a CSV file."""
    with duckdb.connect() as connection:
        try:
            found = connection.execute("SELECT Delimiter FROM sniff_csv(?, all_varchar=true, skip=0)", [str(file)])
            return str((found.fetchone() or (",",))[0])
        except duckdb.Error as error:
            raise _not_csv(file, error) from None


def _columns(file: Path, delimiter: str) -> list[_Column]:
    """The columns of a CSV file with a header, with the types that fit all its values."""
    with duckdb.connect() as connection:
        read = partial(connection.read_csv, str(file), delimiter=delimiter, quotechar='"', all_varchar=True)
        try:
            # With a header, DuckDB gives other names to those that are there twice.
            header = [name or "" for name in read(header=False).fetchone() or ()]
            wrong = [name for name in header if not name.isidentifier() or keyword.iskeyword(name)]
            if wrong:
                raise UsageError(f"{file}: '{wrong[0]}' is no name for a column of a contract: rename it in the header")
            if len({name.casefold() for name in header}) < len(header):
                raise UsageError(f"{file} has two columns of one name: rename one of {', '.join(header)} in the header")
            rows = read(header=True, null_padding=False, na_values=list(CSV("x.csv").null))
            return [_column(rows, name) for name in header]
        except duckdb.Error as error:
            raise _not_csv(file, error) from None


def _column(rows: duckdb.DuckDBPyRelation, name: str) -> _Column:
    """A column with the first type that all its values are written as, whether it lacks some, and has all once."""
    fits = [
        f'bool_and(regexp_full_match("{name}", \'{pattern}\') AND TRY_CAST("{name}" AS {kind}) IS NOT NULL) '
        f'FILTER ("{name}" IS NOT NULL)'
        for pattern, kind in _TYPES.values()
    ]
    facts = [f'count("{name}")', f'count(DISTINCT "{name}")', "count(*)", *fits]
    known, distinct, total, *fitting = rows.aggregate(", ".join(facts)).fetchone() or (0, 0, 0)
    kind = next((kind for kind, fit in zip(_TYPES, fitting, strict=False) if fit), "Text")
    return _Column(name, kind, nullable=known < total, unique=known == distinct == total)


def _not_csv(file: Path, error: duckdb.Error) -> UsageError:
    return UsageError(f"{file} cannot be read as CSV: {' '.join(str(error).split())}")


def _class_name(at: Address) -> str:
    return "".join(word.capitalize() for word in at.name.split("_"))


def _module(table: Table) -> object:
    return sys.modules[table.contract.__module__]


def _file_of(table: Table) -> Path:
    return Path(inspect.getfile(table.contract))

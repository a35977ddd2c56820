"""`taxiway new table`: one file with a contract, a transform and a test, which runs as it is."""

import inspect
import keyword
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from taxiway.addresses import Address
from taxiway.cli.options import open_workspace
from taxiway.cli.output import console
from taxiway.cli.program import called, near
from taxiway.errors import UsageError

if TYPE_CHECKING:
    from taxiway.materialise import Workspace
    from taxiway.tables import Project, Table

new = typer.Typer(help="Write a new part of the project, which runs as it is.", no_args_is_help=True)

_FILE = Template('''"""$address: how many rows $source has by $column."""

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

    rows = pa.table({"$column": ["2013-01", "2013-02", "2013-02"]})
    found = run_transform($name, {"$relation": rows}).sort_by("$column").to_pylist()
    assert found == [{"$column": "2013-01", "row_count": 1}, {"$column": "2013-02", "row_count": 2}]
''')


@new.command("table")
def new_table(
    address: Annotated[str, typer.Argument(metavar="LAYER/NAME", help="Where it will live, e.g. feature/busy_months.")],
    reads: Annotated[
        str | None, typer.Option("--reads", metavar="LAYER/NAME", help="The table that it starts from.")
    ] = None,
) -> None:
    """Write one file: a contract, a transform and a test. It is a table of the project from then on."""
    workspace = open_workspace()
    project = workspace.project
    at = Address.parse(address)
    if at in project.by_address:
        raise UsageError(f"there is a table {at} already, in {_file_of(project.table(at))}")
    folder = _folder(project, at)
    source = project.table(reads) if reads else _start(project)
    file = folder / f"{at.name}.py"
    text = _text(at, source)
    try:
        with file.open("x") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{near(file)} exists already; it is left as it is") from None
    out = console()
    typed = escape(str(near(file)))
    out.print(
        f"wrote [bold]{typed}[/], which counts the rows of {source.at}; change it to what you need", soft_wrap=True
    )
    for what, command in _next(workspace, at, file).items():
        out.print(f"  {what + ':':<9} {escape(command)}", soft_wrap=True)


def _next(workspace: "Workspace", at: Address, file: Path) -> dict[str, str]:
    """What to do with the new file, in commands that can be pasted here as they are."""
    program, tester = called("taxiway"), called("pytest")
    if find_spec("pytest") is None:
        # It comes into this environment, whatever else the shell finds now.
        has_make = (Path.cwd() / "Makefile").is_file()
        install = "make setup-dev" if has_make else f"{near(Path(sys.executable))} -m pip install pytest"
        tester = f"{install} && {near(Path(sys.executable).with_name('pytest'))}"
    landing = "" if workspace.landing.listing().files else f"{program} land && "
    return {
        "test it": f"{tester} {shlex.quote(str(near(file)))}",
        "make it": f"{landing}{program} run {at} --upstream",
        "look": f"{program} show {at}",
    }


def _folder(project: "Project", at: Address) -> Path:
    """The folder of the layer's tables, where every file that has a `table` is one of the project."""
    if not at.name.isidentifier() or keyword.iskeyword(at.name):
        raise UsageError(f"'{at.name}' is a word of Python, which a transform cannot be called")
    if at.layer == "mart":
        raise UsageError(
            f"{at} would be a mart, which dbt makes: write a model {at.name}.sql, and its contract in Python"
        )
    if at.layer == "raw":
        raise UsageError(f"{at} would be made from a delivered file: copy the file of another raw table")
    found = (table for table in project.tables if table.address.layer == at.layer)
    folders = [_file_of(table).parent for table in found if getattr(_module(table), "table", None) is table]
    if not folders:
        layers = {table.address.layer for table in project.tables if getattr(_module(table), "table", None) is table}
        raise UsageError(
            f"{project.name} has no folder of {at.layer} tables; it has one for: {', '.join(sorted(layers)) or 'none'}"
        )
    return folders[0]


def _start(project: "Project") -> "Table":
    """What a new table reads unless another is named: the feature with partitions that most others read."""
    readers = {table: 0 for table in project.tables if table.is_partitioned}
    for table in project.tables:
        for source in project.inputs(table):
            if source in readers:
                readers[source] += 1
    if not readers:
        raise UsageError(f"{project.name} has no table with partitions to start from: name one with --reads")
    return max(readers, key=lambda table: readers[table])


def _text(at: Address, source: "Table") -> str:
    column = source.rules.partition or source.rules.key[0]
    if str(source.rules.schema.field(column).type) != "string":
        raise UsageError(f"{source.at} has neither partitions nor a key that is text: name another with --reads")
    return _FILE.substitute(
        address=at,
        name=at.name,
        model="".join(word.capitalize() for word in at.name.split("_")),
        source=source.at,
        relation=source.address.relation,
        column=column,
        partition=_declared(source),
    )


def _declared(source: "Table") -> str:
    """How a contract says that it has the partitions of a table."""
    if source.grain is None:
        return ""
    named = f', partition="{source.rules.partition}"' if source.rules.partition != source.grain else ""
    return f'grain="{source.grain}"{named}'


def _module(table: "Table") -> object:
    return sys.modules[table.contract.__module__]


def _file_of(table: "Table") -> Path:
    return Path(inspect.getfile(table.contract))

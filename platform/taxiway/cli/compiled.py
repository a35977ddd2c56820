"""`taxiway compile`: a table's SQL, to be run without Taxiway."""

from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.options import Partition, open_lake
from taxiway.errors import UsageError
from taxiway.spelling import nearest

if TYPE_CHECKING:
    from taxiway.materialise import Workspace
    from taxiway.tables import Table


def compile_table(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="ENGINE", help="duckdb or spark; by default the table's engine.")
    ] = None,
    partition: Partition = None,
) -> None:
    """Print a table's SQL: of one partition or the whole table, with the functions and views that it needs.

    It runs in DuckDB or Spark alone. Printing it needs neither Spark nor Java.
    """
    from taxiway.engines.dialects import DIALECTS
    from taxiway.materialise import make_script

    lake = open_lake()
    workspace = lake.workspace
    chosen = workspace.project.table(lake.address(table))
    spoken = engine or chosen.engine or workspace.settings.engine
    if spoken not in DIALECTS:
        raise UsageError(f"there is no engine '{spoken}'; {nearest(spoken, DIALECTS)}")
    if chosen.transform is None:
        raise UsageError(f"{chosen.at} is made by dbt, which has its SQL: {_model(workspace, chosen)}")
    typer.echo(str(make_script(workspace, chosen, DIALECTS[spoken], partition)))


def _model(workspace: "Workspace", table: "Table") -> str:
    """Where the SQL of a mart is, as one would type it here."""
    from taxiway.cli.program import near

    folder = workspace.project.dbt
    files = (workspace.settings.root / folder).glob(f"models/**/{table.address.name}.sql") if folder is not None else []
    found = sorted(files)
    return str(near(found[0])) if found else f"a model {table.address.name}"

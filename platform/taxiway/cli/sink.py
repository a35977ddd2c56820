"""`taxiway sink`: what was published goes where others read it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.cli.options import Json, open_workspace
from taxiway.cli.output import complain, counted, hint, print_json, print_rows
from taxiway.cli.run import choose
from taxiway.errors import TaxiwayError, UsageError

if TYPE_CHECKING:
    from taxiway.connectors import Sink
    from taxiway.materialise import Workspace
    from taxiway.tables import Table


def sink(
    selection: Annotated[
        list[str] | None, typer.Argument(metavar="[SELECTION]...", help="layer/name, layer/* or layer; all by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish tables into their sinks, each as it is in the lake; one that holds this version already is left alone.

    A sink that refuses does not stop the others, and the command exits with 1 then.
    """
    workspace = open_workspace()
    tables = [workspace.project.table(address) for address in choose(workspace.project, selection or [])]
    sinks = [(table, each) for table in tables for each in table.sinks]
    if not sinks:
        raise UsageError(
            f"{' '.join(selection or [workspace.project.name])} has no sinks: declare them with Table(sinks=...)"
        )
    found = [_published(workspace, table, each) for table, each in sinks]
    rows = [row for row in found if row is not None]
    if as_json:
        print_json(rows)
    else:
        shown = [row | {"sink": "written" if row["changed"] else "as it was"} for row in rows]
        print_rows(shown, ("table", "place", "rows", "version", "sink"))
    hint(f"{counted(sum(row['changed'] for row in rows), 'sink')} of {len(sinks)} written")
    if len(rows) < len(sinks):
        raise typer.Exit(1)


def _published(workspace: "Workspace", table: "Table", sink: "Sink") -> dict[str, Any] | None:
    """What the sink holds now; None, told on stderr, where it refused."""
    from taxiway.materialise.sinks import publish_to_sink

    try:
        return {"table": table.at} | asdict(publish_to_sink(workspace, table, sink))
    except TaxiwayError as error:
        complain(str(error))
        return None

"""`taxiway compare`: where a notebook's result and a table differ."""

from pathlib import Path
from typing import Annotated

import typer

from taxiway.cli.options import Json, Partition, open_lake
from taxiway.cli.output import print_json, say

DIFFERENT = 10


def compare(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet, a folder of Parquet, or CSV.")],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN", help="A column of the key; once for each. By default the contract's."),
    ] = None,
    partition: Partition = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, metavar="N", help="A version; the latest by default.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option("--within", metavar="X", help="Let floats pass that differ by that share of the larger."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where a file and a table differ: rows, columns, types, values.

    Exits with 0 where they are equal, 10 where they differ.
    """
    from taxiway.comparison import compare as compared

    found = compared(open_lake(), file, table, key=key or (), partition=partition, version=version, within=within)
    if as_json:
        print_json(found.as_dict())
    else:
        say(repr(found))
    if not found.equal:
        raise typer.Exit(DIFFERENT)

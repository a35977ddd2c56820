"""`taxiway show` and `taxiway sql`: the rows of a table, and the answer to a question in SQL. Both only read."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.options import Json, Limit, Month, open_lake
from taxiway.cli.output import hint, print_data, print_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

_SHOWN = 20
_COARSER_IN_PYTHON = re.compile(r"TIMESTAMP_NS|TIME_NS|INTERVAL")


def show(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    month: Month = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, metavar="N", help="A version; the latest by default.")
    ] = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show rows of a table, of one month or all, as they are now or were at a version."""
    _answer(open_lake().read(table, month=month, version=version).order("ALL"), limit, as_json)


def sql(
    query: Annotated[str, typer.Argument(metavar="SELECT", help='e.g. "select * from feature.flights limit 5".')],
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Ask one SELECT of the lake: tables are layer.name, all at the versions of the moment; nothing can be written."""
    _answer(open_lake().sql(query), limit, as_json)


def _answer(relation: "DuckDBPyRelation", limit: int | None, as_json: bool) -> None:
    import duckdb

    from taxiway.notebook import wrong_sql

    wanted = (None if as_json else _SHOWN) if limit is None else limit
    try:
        columns = _distinct(relation.columns)
        relation = _exact(relation)
        found = relation.fetchall() if wanted is None else relation.fetchmany(wanted + 1)
    except duckdb.Error as error:
        raise wrong_sql(error) from None
    rows = [dict(zip(columns, row, strict=True)) for row in found[:wanted]]
    if as_json:
        print_json(rows)
        return
    print_data(rows, columns)
    if wanted is not None and len(found) > wanted:
        hint(f"the first {wanted} rows; --limit N shows more")


def _exact(relation: "DuckDBPyRelation") -> "DuckDBPyRelation":
    """The rows with what Python holds less exactly, nanoseconds and months as such, as DuckDB's texts."""
    columns = [
        f"CAST(#{place} AS VARCHAR)" if _COARSER_IN_PYTHON.search(str(dtype)) else f"#{place}"
        for place, dtype in enumerate(relation.types, 1)
    ]
    return relation.project(", ".join(columns)) if any(column.startswith("CAST") for column in columns) else relation


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number where one comes again."""
    found: list[str] = []
    for name in names:
        number = sum(other == name for other in names[: len(found)])
        found.append(f"{name}_{number + 1}" if number else name)
    return found

"""`taxiway show` and `taxiway sql`: the rows of a table, and the answer to a question in SQL. Both only read."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from taxiway.cli.options import Json, Limit, Partition, open_lake
from taxiway.cli.output import hint, print_data, print_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from duckdb.sqltypes import DuckDBPyType

_SHOWN = 20
_COARSER_IN_PYTHON = re.compile(r"TIMESTAMP_NS|TIME_NS|INTERVAL")
_TIMES = ("date", "timestamp", "timestamp with time zone", "timestamp_s", "timestamp_ms")
_QUOTE = "'"


def show(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    partition: Partition = None,
    version: Annotated[
        int | None, typer.Option("--version", min=0, metavar="N", help="A version; the latest by default.")
    ] = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show rows of a table, of one partition or all, as they are now or were at a version."""
    _answer(open_lake().read(table, partition=partition, version=version).order("ALL"), limit, as_json)


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
        found = _exact_rows(relation, None if wanted is None else wanted + 1)
    except duckdb.Error as error:
        raise wrong_sql(error) from None
    rows = [dict(zip(columns, row, strict=True)) for row in found[:wanted]]
    if as_json:
        print_json(rows)
        return
    print_data(rows, columns)
    if wanted is not None and len(found) > wanted:
        hint(f"the first {wanted} rows; --limit N shows more")


def _exact_rows(relation: "DuckDBPyRelation", most: int | None) -> list[tuple[Any, ...]]:
    """At most so many rows, with what Python holds less exactly, nanoseconds, months as such and values with an
    infinite time in them, as DuckDB's texts."""
    columns = [f"#{place}" for place in range(1, len(relation.types) + 1)]
    texts: dict[int, str] = {}
    for place, (column, dtype) in enumerate(zip(list(columns), relation.types, strict=True)):
        if _COARSER_IN_PYTHON.search(str(dtype)):
            columns[place] = f"CAST({column} AS VARCHAR)"
        elif endless := _is_endless(column, dtype):
            texts[place] = f"CASE WHEN {endless} THEN CAST({column} AS VARCHAR) END"
    exact = relation.project(", ".join([*columns, *texts.values()]))
    rows: list[tuple[Any, ...]] = exact.fetchall() if most is None else exact.fetchmany(most)
    own = len(columns)
    return [_with_texts(row[:own], dict(zip(texts, row[own:], strict=True))) for row in rows] if texts else rows


def _is_endless(value: str, dtype: "DuckDBPyType", depth: int = 0) -> str:
    """The SQL of whether there is an infinite time in a value; empty where its type has no times."""
    if dtype.id in _TIMES:
        return f"isinf({value})"
    if dtype.id not in ("struct", "map", "list", "array"):
        return ""
    children = cast("list[tuple[str, DuckDBPyType]]", dtype.children)
    if dtype.id == "struct":
        # A struct without names knows its fields by their numbers.
        fields = [
            (f"'{name.replace(_QUOTE, 2 * _QUOTE)}'" if name else place, child)
            for place, (name, child) in enumerate(children, 1)
        ]
        found = [_is_endless(f"struct_extract({value}, {field})", child, depth) for field, child in fields]
    elif dtype.id == "map":
        found = [_any_is_endless(f"map_{name}s({value})", child, depth) for name, child in children]
    else:
        found = [_any_is_endless(value, children[0][1], depth)]
    return " OR ".join(f"({each})" for each in found if each)


def _any_is_endless(values: str, dtype: "DuckDBPyType", depth: int) -> str:
    found = _is_endless(f"v{depth}", dtype, depth + 1)
    return f"len(list_filter({values}, lambda v{depth}: {found})) > 0" if found else ""


def _with_texts(row: tuple[Any, ...], texts: Mapping[int, str | None]) -> tuple[Any, ...]:
    """The row with the texts that there are in place of its values."""
    return tuple(value if texts.get(place) is None else texts[place] for place, value in enumerate(row))


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number where one comes again."""
    found: list[str] = []
    for name in names:
        number = sum(other == name for other in names[: len(found)])
        found.append(f"{name}_{number + 1}" if number else name)
    return found

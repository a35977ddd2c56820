"""`taxiway quarantine`: the rows that were rejected, with the reason, as they were delivered, and from where."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.addresses import QUARANTINE, REFUSED, Address
from taxiway.cli.options import Json, Limit, Partition, open_lake
from taxiway.cli.output import hint, print_json, print_rows
from taxiway.errors import DeliveryRefused

if TYPE_CHECKING:
    from taxiway.notebook import OpenLake
    from taxiway.tables import Table

_SHOWN = 20
_SHOWN_REASONS = 10


def quarantine(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="layer/name; all tables by default.")] = None,
    partition: Partition = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="All rows of partitions that were refused and not published.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show rejected rows: why, from which file and record, and the row as it was delivered.

    They are those of published partitions; with --refused all rows of partitions that were last refused as a whole,
    those with a reason first.
    """
    lake = open_lake()
    if partition is not None:
        lake.settings.calendar.span(partition)
    wanted = (None if as_json else _SHOWN) if limit is None else limit
    shown, total = [], 0
    for address in _kept(lake, table, REFUSED if refused else QUARANTINE):
        left = None if wanted is None else wanted - len(shown)
        found, count = _rejected(lake, address, partition, left)
        shown += found
        total += count
    if refused:
        for told in _unread(lake, table, partition):
            hint(told)
    if as_json:
        print_json(shown)
        return
    print_rows(
        [row | {"row": ", ".join(f"{k}={v}" for k, v in row["row"].items())} for row in shown],
        ("table", "partition", "reasons", "source_file", "source_row", "row"),
        empty="no rows of a refused partition are kept" if refused else "nothing is in quarantine",
    )
    if len(shown) < total:
        hint(f"{len(shown)} of {total:,} rows; --limit N shows more")


def reasons(lake: "OpenLake", table: str, partitions: Sequence[str]) -> list[dict[str, Any]]:
    """How many rows of these partitions are in quarantine for each reason: `partition`, `rows`, `reason`.

    Of each partition the most frequent ones, and then a row that counts the rest.
    """
    counts: dict[tuple[str, str], int] = {}
    for row in _rejected(lake, Address.parse(table).quarantine)[0]:
        if row["partition"] in partitions:
            key = (row["partition"], "; ".join(row["reasons"]))
            counts[key] = counts.get(key, 0) + 1
    found = []
    for partition in sorted({partition for partition, _ in counts}):
        own = sorted(((count, why) for (key, why), count in counts.items() if key == partition), key=_most_first)
        found += [{"partition": partition, "rows": count, "reason": why} for count, why in own[:_SHOWN_REASONS]]
        if len(own) > _SHOWN_REASONS:
            rest = sum(count for count, _ in own[_SHOWN_REASONS:])
            more = f"{len(own) - _SHOWN_REASONS} other reasons, see: taxiway quarantine {table} --partition {partition}"
            found.append({"partition": partition, "rows": rest, "reason": more})
    return found


def _most_first(counted: tuple[int, str]) -> tuple[int, str]:
    return -counted[0], counted[1]


def _kept(lake: "OpenLake", table: str | None, layer: str) -> list[Address]:
    """Where such rows of a table are kept, or those of all tables; raises UsageError for an unknown table."""
    made = [address for address in lake.lake.tables() if address.layer == layer]
    if table is None:
        return made
    address = lake.address(table)
    kept = address if address.layer == layer else Address(layer, f"{address.layer}__{address.name}")
    if kept not in made:
        lake.workspace.project.table(kept.name.replace("__", "/", 1))
    return [kept] if kept in made else []


def _rejected(
    lake: "OpenLake", kept: Address, partition: str | None = None, limit: int | None = None
) -> tuple[list[dict[str, Any]], int]:
    """The rows that are kept at an address, of a partition or all, at most so many, and how many there are."""
    from taxiway.engines.duckdb import identifier

    snapshot = lake.lake.find(kept)
    if snapshot is None:
        return [], 0
    span = lake.settings.calendar.span(partition) if partition is not None else None
    keys = lake.settings.calendar.among(snapshot.partitions, span) if span is not None else None
    if keys == []:
        return [], 0
    column = snapshot.partition_column
    rows = lake.read(str(kept), partition=keys)
    ordered = rows.order(", ".join(["len(reasons) = 0", *map(identifier, rows.columns)]))
    found = (ordered if limit is None else ordered.limit(limit)).to_arrow_table().to_pylist()
    (count,) = rows.count("*").fetchone() or (0,)
    return [
        {
            "table": kept.name.replace("__", "/", 1),
            "partition": row[column] if column else "*",
            "reasons": row["reasons"],
            "source_file": row["source_file"],
            "source_row": row["source_row"],
            "row": _as_columns(row["delivered"]),
        }
        for row in found
    ], count


def _unread(lake: "OpenLake", table: str | None, partition: str | None) -> Iterator[str]:
    """Of a delivered table, or of all, which files are refused as they lie there, so that there are no rows of them."""
    from taxiway.materialise.delivered import raw_tables

    wanted = str(lake.address(table)) if table is not None else None
    for known in raw_tables(lake.workspace.project):
        if wanted in (None, str(known.address)):
            yield from _unread_of(lake, known, partition)


def _unread_of(lake: "OpenLake", table: "Table", partition: str | None) -> Iterator[str]:
    from taxiway.lake import WHOLE
    from taxiway.lake.inputs import LANDING
    from taxiway.materialise.reading import read_for

    workspace = lake.workspace
    made = lake.lake.find(table.address)
    keys = workspace.partitions(table)
    if partition is not None:
        keys = workspace.calendar.among(keys, workspace.calendar.span(partition))
    lying = workspace.expected_files.by_partition(workspace.landing.listing().found)
    digest = cache(workspace.landing.digest)
    for key in keys:
        published = made.partitions.get(key) if made is not None else None
        made_of = published.inputs.get(LANDING, {}) if published is not None else {}
        for name in lying.get((table, key), ()):
            try:
                if made_of.get(name) != digest(name):
                    read_for(table, name, workspace.landing.read(name))
            except DeliveryRefused as error:
                where = workspace.landing.address(name)
                yield f"{table.at}{'' if key == WHOLE else f' {key}'}: no row was read of {where}: {error}"


def _as_columns(delivered: str) -> dict[str, Any]:
    """The values by column; of a record with too many or too few fields its own text, as `record`."""
    try:
        values = json.loads(delivered)
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {"record": delivered}

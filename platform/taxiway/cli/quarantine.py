"""`taxiway quarantine`: the rows that were rejected, with the reason, as they were delivered, and from where."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.addresses import Address
from taxiway.cli.options import Json, Limit, Month, open_lake
from taxiway.cli.output import hint, print_json, print_rows

if TYPE_CHECKING:
    from taxiway.notebook import OpenLake

_SHOWN = 20
_SHOWN_REASONS = 10


def quarantine(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="layer/name; all tables by default.")] = None,
    month: Month = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show rejected rows: why, from which file and record, and the row as it was delivered."""
    lake = open_lake()
    if month is not None:
        lake.settings.months.between(month, month)
    rows = [row for address in _kept(lake, table) for row in _rejected(lake, address, month)]
    shown = rows if limit is None and as_json else rows[: _SHOWN if limit is None else limit]
    if as_json:
        print_json(shown)
        return
    print_rows(
        [row | {"row": ", ".join(f"{k}={v}" for k, v in row["row"].items())} for row in shown],
        ("table", "partition", "reasons", "source_file", "source_row", "row"),
        empty="nothing is in quarantine",
    )
    if len(shown) < len(rows):
        hint(f"{len(shown)} of {len(rows):,} rows; --limit N shows more")


def reasons(lake: "OpenLake", table: str, partitions: Sequence[str]) -> list[dict[str, Any]]:
    """How many rows of these partitions are in quarantine for each reason: `partition`, `rows`, `reason`.

    Of each partition the most frequent ones, and then a row that counts the rest.
    """
    counts: dict[tuple[str, str], int] = {}
    for row in _rejected(lake, Address.parse(table).quarantine):
        if row["partition"] in partitions:
            key = (row["partition"], "; ".join(row["reasons"]))
            counts[key] = counts.get(key, 0) + 1
    found = []
    for partition in sorted({partition for partition, _ in counts}):
        own = sorted(((count, why) for (key, why), count in counts.items() if key == partition), key=_most_first)
        found += [{"partition": partition, "rows": count, "reason": why} for count, why in own[:_SHOWN_REASONS]]
        if len(own) > _SHOWN_REASONS:
            rest = sum(count for count, _ in own[_SHOWN_REASONS:])
            more = f"{len(own) - _SHOWN_REASONS} other reasons, see: taxiway quarantine {table} --month {partition}"
            found.append({"partition": partition, "rows": rest, "reason": more})
    return found


def _most_first(counted: tuple[int, str]) -> tuple[int, str]:
    return -counted[0], counted[1]


def _kept(lake: "OpenLake", table: str | None) -> list[Address]:
    """Where the rejected rows of a table are kept, or those of all tables; raises UsageError for an unknown table."""
    made = [address for address in lake.lake.tables() if address.layer == "quarantine"]
    if table is None:
        return made
    address = lake.address(table)
    kept = address if address.layer == "quarantine" else address.quarantine
    if kept not in made:
        lake.workspace.project.table(kept.name.replace("__", "/", 1))
    return [kept] if kept in made else []


def _rejected(lake: "OpenLake", kept: Address, month: str | None = None) -> list[dict[str, Any]]:
    if lake.lake.find(kept) is None:
        return []
    column = lake.snapshot(str(kept)).partition_column
    if month is not None and column is None:
        return []
    rows = lake.read(str(kept)).order("ALL").to_arrow_table().to_pylist()
    found = (row | {"partition": row[column] if column else "*"} for row in rows)
    return [
        {
            "table": kept.name.replace("__", "/", 1),
            "partition": row["partition"],
            "reasons": row["reasons"],
            "source_file": row["source_file"],
            "source_row": row["source_row"],
            "row": _as_columns(row["delivered"]),
        }
        for row in found
        if month in (None, row["partition"])
    ]


def _as_columns(delivered: str) -> dict[str, Any]:
    """The values by column; of a record with too many or too few fields its own text, as `record`."""
    try:
        values = json.loads(delivered)
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {"record": delivered}

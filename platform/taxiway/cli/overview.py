"""`taxiway tables` and `taxiway history`: what there is, how current it is, and how it came to be."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.cli.options import Json, Limit, in_words, open_lake
from taxiway.cli.output import complain, hint, print_json, print_rows, size
from taxiway.errors import LakeError

if TYPE_CHECKING:
    from taxiway.lake import PartitionState, Snapshot
    from taxiway.materialise import Workspace
    from taxiway.tables import Table


def tables(as_json: Json = False) -> None:
    """List every table: rows, partitions, version, bytes, when it last changed, and what is not up to date."""
    workspace = open_lake().workspace
    known = sorted(workspace.project.tables, key=lambda table: table.address)
    found, unreadable = [], []
    for table in known:
        try:
            found.append(_described(workspace, table))
        except LakeError as error:
            unreadable.append(str(error))
    _print_tables(found, as_json=as_json)
    for error in unreadable:
        complain(error)
    if unreadable:
        raise typer.Exit(1)


def _print_tables(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(list(found))
        return
    shown = [
        {
            **row,
            "bytes": size(row["bytes"]) if row["bytes"] is not None else None,
            "changed": row["changed"] and f"{row['changed']:%Y-%m-%d %H:%M:%S} UTC",
            "stale": "not made yet" if row["version"] is None else _staleness(row["stale"]),
        }
        for row in found
    ]
    print_rows(shown, ("table", "rows", "partitions", "version", "bytes", "changed", "stale"), counts=True)
    made = sum(row["version"] is not None for row in found)
    hint(f"{made} of {len(found)} tables made; stale: partitions whose inputs or code changed since, see: taxiway run")


def history(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List a table's versions, the newest first: when, by which run and engine, which partitions, and from what."""
    from taxiway.lake.provenance import of_commit

    commits = islice(open_lake().snapshot(table).commits(), limit)
    found: list[dict[str, Any]] = []
    for commit in commits:
        provenance = of_commit(commit)
        states = provenance.partitions if provenance else {}
        found.append(
            {
                "version": commit["version"],
                "at": _instant(commit),
                "operation": commit.get("operation"),
                "run": provenance.run if provenance else None,
                "engine": provenance.engine if provenance else None,
                "partitions": {key: _partition(state) for key, state in states.items()},
            }
        )
    if as_json:
        print_json(found)
        return
    shown = [
        {
            "version": row["version"],
            "at": f"{row['at']:%Y-%m-%d %H:%M:%S} UTC",
            "run": (row["run"] or "another program")[:8],
            "engine": row["engine"],
            "partitions": _in_words(list(row["partitions"])),
            "rows": sum(part["rows"] or 0 for part in row["partitions"].values()),
            "rejected": sum(part["rejected"] for part in row["partitions"].values()),
            "from": ", ".join(sorted({source for part in row["partitions"].values() for source in part["inputs"]})),
        }
        for row in found
    ]
    print_rows(shown, list(shown[0]) if shown else [], counts=True)


def _described(workspace: "Workspace", table: "Table") -> dict[str, Any]:
    snapshot = workspace.lake.find(table.address)
    described: dict[str, Any] = {"table": table.at, "layer": table.address.layer}
    if snapshot is None:
        nothing = dict.fromkeys(("rows", "partitions", "version", "bytes", "changed", "run"))
        return described | nothing | {"stale": None}
    return described | {
        "rows": snapshot.rows(),
        "partitions": len({file.partition for file in snapshot.files}),
        "version": snapshot.version,
        "bytes": sum(file.bytes for file in snapshot.files),
        "changed": _instant(snapshot.history[0]),
        "run": _last_run(snapshot),
        "stale": _stale(workspace, table, snapshot),
    }


def _stale(workspace: "Workspace", table: "Table", snapshot: "Snapshot") -> list[str] | None:
    """The published partitions that were made by other code or from other inputs than there are now.

    None where that cannot be told, because dbt has not compiled the present files.
    """
    from taxiway.lake import WHOLE
    from taxiway.marts import DbtProject
    from taxiway.marts.publish import plan_marts
    from taxiway.materialise import make_plan

    if table.transform is not None:
        months = set(workspace.settings.months.keys()) if table.monthly else {WHOLE}
        plan = make_plan(workspace, table, sorted(months & snapshot.partitions.keys()))
    else:
        folder = workspace.project.dbt
        dbt = DbtProject(folder, workspace.settings.dbt) if folder is not None else None
        if dbt is None or not dbt.is_prepared:
            return None
        (plan,) = plan_marts(workspace, dbt, [table])
    return [partition.partition for partition in plan.to_compute]


def _staleness(stale: Sequence[str] | None) -> str:
    from taxiway.lake import WHOLE

    if stale is None:
        return "unknown, dbt has not compiled"
    return (_in_words(stale) if stale != [WHOLE] else "yes") if stale else "-"


def _last_run(snapshot: "Snapshot") -> str | None:
    from taxiway.lake.provenance import of_commit

    provenance = of_commit(snapshot.history[0])
    return provenance.run if provenance else None


def _instant(commit: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)


def _partition(state: "PartitionState") -> dict[str, Any]:
    return {
        "rows": state.rows,
        "rejected": state.rejected,
        "data_version": state.data_version,
        "fingerprint": state.fingerprint,
        "inputs": state.inputs,
    }


def _in_words(partitions: Sequence[str]) -> str:
    return "whole" if list(partitions) == ["*"] else in_words(partitions)

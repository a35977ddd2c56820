"""`taxiway tables` and `taxiway history`: what there is, how current it is, and how it came to be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.addresses import Address
from taxiway.cli.options import Json, Limit, open_lake
from taxiway.cli.output import complain, hint, print_json, print_rows, size, warn
from taxiway.errors import LakeError

if TYPE_CHECKING:
    from taxiway.calendar import Calendar
    from taxiway.lake import PartitionState, Snapshot
    from taxiway.landed_partitions import LandedPartitions
    from taxiway.materialise import Workspace
    from taxiway.tables import Table


def tables(as_json: Json = False) -> None:
    """List every table: rows, partitions, version, bytes, when it last changed, what is missing and what is stale.

    Then, what was made without landed partitions of other tables.

    Exits with 1 where a table is broken or cannot be read; the others are shown all the same.
    """
    from taxiway.landed_partitions import LandedPartitions
    from taxiway.project_check import without_broken

    workspace = without_broken(open_lake().workspace)
    project, landed = workspace.project, LandedPartitions(workspace)
    found = [_described(workspace, landed, table) for table in project.tables]
    found += [_nothing(broken.at) | {"problem": broken.problem} for broken in project.broken]
    found += [_described_orphan(workspace, address) for address in _orphans(workspace)]
    unknown = [broken.at for broken in project.broken if not broken.has_address]
    advice = (
        f"that can be loaded; it may be of a file that is broken: {', '.join(unknown)}"
        if unknown
        else "any more; remove it with: taxiway drop {table}"
    )
    found.sort(key=lambda row: row["table"])
    _print_tables(workspace.calendar, found, as_json=as_json)
    for line in _made_without(workspace.calendar, found):
        warn(line)
    for row in found:
        if row["bound_because"] is not None:
            hint(f"{row['table']} is bound to {row['bound_to']}: {row['bound_because']}")
        if row["problem"] is not None and row["in_project"]:
            told = row["problem"] if row["problem"].startswith(row["table"]) else f"{row['table']}: {row['problem']}"
            complain(told)
        if row["foreign"]:
            hint(f"{row['table']}: {', '.join(row['foreign'])}, of another program, is no partition that is over")
        if not row["in_project"]:
            hint(f"{row['table']} is no table of {project.name} {advice.format(table=row['table'])}")
    problems = [row["problem"] for row in found if row["problem"] is not None]
    for problem in dict.fromkeys(row["input_problem"] for row in found if row["input_problem"] is not None):
        if problem not in problems:
            problems.append(problem)
            complain(problem)
    if problems:
        raise typer.Exit(1)


def _print_tables(calendar: "Calendar", found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(list(found))
        return
    shown = [
        {
            **row,
            "bytes": size(row["bytes"]) if row["bytes"] is not None else None,
            "changed": _at(row["changed"]),
            "missing": _in_words(calendar, row["missing"]) if row["missing"] else "-",
            "stale": _state(calendar, row),
            "warnings": _in_words(calendar, [each["partition"] for each in row["warnings"] or ()]) or "-",
        }
        for row in found
    ]
    columns = ("table", "kind", "rows", "partitions", "version", "bytes", "changed", "missing", "stale", "warnings")
    print_rows(shown, columns, counts=True)
    own = [row for row in found if row["in_project"]]
    made = sum(row["version"] is not None and not row["missing"] for row in own)
    lacking = sum(row["version"] is not None and bool(row["missing"]) for row in own)
    hint(
        f"{made} of {len(own)} tables made"
        + (f", {lacking} of the others in part" if lacking else "")
        + "; missing: landed partitions that it lacks, stale: partitions whose inputs or code changed, see: taxiway run"
    )


def history(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List a table's versions, the newest first: when, by whose run on which engine, which partitions, from what."""
    lake = open_lake()
    calendar, commits = lake.settings.calendar, islice(lake.snapshot(table).commits(), limit)
    found: list[dict[str, Any]] = []
    for commit in commits:
        provenance = commit.provenance
        states = provenance.partitions if provenance else {}
        found.append(
            {
                "version": commit.version,
                "at": commit.at,
                "operation": commit.info.get("operation"),
                "run": provenance.run if provenance else None,
                "user": provenance.user or None if provenance else None,
                "engine": provenance.engine if provenance else None,
                "partitions": {key: _partition(state) for key, state in states.items()},
                "unchanged": sorted(provenance.unchanged) if provenance else [],
            }
        )
    if as_json:
        print_json(found)
        return
    shown = [
        {
            "version": row["version"],
            "at": _at(row["at"]),
            "run": (row["run"] or "another program")[:8],
            "user": row["user"] or "",
            "engine": row["engine"],
            "partitions": _told_partitions(calendar, row),
            "rows": sum(part["rows"] or 0 for part in row["partitions"].values()),
            "rejected": sum(part["rejected"] for part in row["partitions"].values()),
            "accepted fewer": _in_words(
                calendar, [key for key, part in row["partitions"].items() if part["accepted_fewer"]]
            ),
            "from": ", ".join(sorted({source for part in row["partitions"].values() for source in part["inputs"]})),
        }
        for row in found
    ]
    print_rows(shown, list(shown[0]) if shown else [], counts=True)


def _made_without(calendar: "Calendar", found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from taxiway.landed_partitions import Incomplete, made_without

    yield from made_without((Incomplete(**each) for row in found for each in row["incomplete"] or ()), calendar)


def _nothing(table: str) -> dict[str, Any]:
    """What is told of a table of which nothing is known yet."""
    nothing = dict.fromkeys(
        (
            *("rows", "partitions", "version", "bytes", "changed", "run"),
            *("missing", "stale", "incomplete", "warnings", "problem", "input_problem"),
            *("kind", "bound_to", "bound_because"),
        )
    )
    return {"table": table, "layer": table.split("/", maxsplit=1)[0], **nothing, "foreign": [], "in_project": True}


def _described(workspace: "Workspace", landed: "LandedPartitions", table: "Table") -> dict[str, Any]:
    from taxiway.materialise import kind_of

    kind = kind_of(workspace, table)
    described = _nothing(table.at) | {"kind": kind.word, "bound_to": kind.engine}
    described["bound_because"] = kind.reason if kind.reason and table.transform is not None else None
    try:
        snapshot = workspace.lake.find(table.address)
        if snapshot is not None:
            described |= _published(snapshot)
            described["warnings"] = _warnings(snapshot)
            described["foreign"] = _foreign(workspace, table, snapshot)
        described["missing"] = landed.missing(table)
        described["incomplete"] = [asdict(each) for each in landed.incomplete(table)]
    except LakeError as error:
        return described | {"problem": str(error)}
    try:
        described["stale"] = _stale(workspace, table, snapshot) if snapshot is not None else None
    except LakeError as error:
        # What it is made from cannot be read, or its quarantine.
        described["input_problem"] = str(error)
    return described


def _foreign(workspace: "Workspace", table: "Table", snapshot: "Snapshot") -> list[str]:
    """The partitions of another program that no run makes or reads: none that is over."""
    if not table.is_partitioned:
        return []
    known = frozenset(workspace.partitions(table))
    live = {file.partition for file in snapshot.files}
    return sorted(key for key in live if key not in known and not snapshot.partitions[key].fingerprint)


def _orphans(workspace: "Workspace") -> list[Address]:
    """The tables of the lake that the project does not make any more; what is kept of a table belongs to it."""
    known = {*map(str, workspace.project.by_address), *(broken.at for broken in workspace.project.broken)}
    made = workspace.lake.tables()
    owners = known | {str(address) for address in made if address.owner == str(address)}
    return [a for a in made if str(a) not in known and (a.owner == str(a) or a.owner not in owners)]


def _described_orphan(workspace: "Workspace", address: Address) -> dict[str, Any]:
    described = _nothing(str(address)) | {"in_project": False}
    try:
        return described | _published(workspace.lake.open(address))
    except LakeError as error:
        return described | {"problem": str(error)}


def _published(snapshot: "Snapshot") -> dict[str, Any]:
    # The entries of a log may have been removed, where a checkpoint holds all that they said.
    newest = next(snapshot.commits(), None)
    provenance = newest.provenance if newest is not None else None
    changed = max((state.at_ms for state in snapshot.partitions.values()), default=0)
    return {
        "rows": snapshot.rows(),
        "partitions": len({file.partition for file in snapshot.files}),
        "version": snapshot.version,
        "bytes": sum(file.bytes for file in snapshot.files),
        "changed": datetime.fromtimestamp(changed / 1000, UTC) if changed else None,
        "run": provenance.run if provenance else None,
    }


def _warnings(snapshot: "Snapshot") -> list[dict[str, Any]]:
    """The published partitions with rows in quarantine, or with rules that warn, and what was found of each."""
    known = snapshot.partitions
    return [
        {"partition": key, "rejected": state.rejected, "findings": [asdict(finding) for finding in state.findings]}
        for key, state in sorted(known.items())
        if state.findings or state.rejected
    ]


def _stale(workspace: "Workspace", table: "Table", snapshot: "Snapshot") -> list[str] | None:
    """The published partitions that were made by other code or from other inputs than there are now.

    None where that cannot be told, because dbt has not compiled the present files.
    """
    from taxiway.marts import DbtProject
    from taxiway.marts.publish import plan_marts
    from taxiway.materialise import make_plan

    if table.transform is not None:
        plan = make_plan(workspace, table, sorted(snapshot.partitions.keys() & set(workspace.partitions(table))))
    else:
        dbt = DbtProject.of(workspace.project, workspace.settings)
        if dbt is None or not dbt.is_prepared:
            return None
        (plan,) = plan_marts(workspace, dbt, [table])
    return [partition.partition for partition in plan.to_compute]


def _state(calendar: "Calendar", row: Mapping[str, Any]) -> str:
    from taxiway.lake import WHOLE

    if row["problem"] is not None:
        return "broken"
    if not row["in_project"]:
        return "not of the project"
    if row["version"] is None:
        return "not made yet"
    stale = row["stale"]
    if stale is None:
        return "unknown" if row["input_problem"] is not None else "unknown, dbt has not compiled"
    return (_in_words(calendar, stale) if stale != [WHOLE] else "yes") if stale else "-"


def _at(instant: datetime | None) -> str | None:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant is not None else None


def _partition(state: "PartitionState") -> dict[str, Any]:
    return {
        "rows": state.rows,
        "rejected": state.rejected,
        "accepted_fewer": state.accepted_fewer,
        "data_version": state.data_version,
        "fingerprint": state.fingerprint,
        "inputs": state.inputs,
        "findings": [asdict(finding) for finding in state.findings],
    }


def _told_partitions(calendar: "Calendar", row: Mapping[str, Any]) -> str:
    """The partitions of a commit, and of which of them the rows came out as they were."""
    changed = [key for key in row["partitions"] if key not in row["unchanged"]]
    told = [_in_words(calendar, changed)] if changed else []
    return "; ".join([*told, *([f"{_in_words(calendar, row['unchanged'])} unchanged"] if row["unchanged"] else [])])


def _in_words(calendar: "Calendar", partitions: Sequence[str]) -> str:
    return "whole" if list(partitions) == ["*"] else calendar.in_words(partitions)

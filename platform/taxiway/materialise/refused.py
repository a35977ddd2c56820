"""Rows of partitions that the guard refused: kept whole, each with its reasons, until the partition is judged again.

They are a table of the lake like the quarantine, at an address of their own, as nothing of them is published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import ibis

from taxiway.contracts import Verdict, all_rows, as_kept, kept_schema
from taxiway.engines import Session
from taxiway.lake import PartitionState, Provenance, Publication
from taxiway.materialise.outcome import PartitionResult
from taxiway.materialise.plan import Plan
from taxiway.materialise.publish import Rows, publish_changes
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql

_REFUSED = "refused"


def keep_refused(
    workspace: Workspace,
    plan: Plan,
    session: Session,
    inputs: Mapping[str, Mapping[str, Mapping[str, str | None]]],
    judged: Mapping[str, Verdict],
    origin: Mapping[str, Any],
) -> None:
    """Keep all rows of the partitions that are refused, in place of what is kept of them.

    The engine writes them, so a partition may be larger than memory. Raises as `Lake.publish`.
    """
    contract, address = plan.table.rules, plan.table.address.refused
    states = {
        key: PartitionState("", plan.compiled.fingerprint, inputs[key], verdict.rows)
        for key, verdict in judged.items()
        if _is_kept(verdict)
    }
    if states:
        schema = kept_schema(contract.partition)
        found = Rows(address, schema, contract.partition, all_rows(contract, plan.compiled.staged))
        session.stage_batches(_REFUSED, to_sql(found.of(list(states)), session.dialect), as_kept, schema=schema)
        written = replace(found, expression=ibis.table(ibis.Schema.from_pyarrow(schema), name=_REFUSED))
        publish_changes(workspace.lake, session, written, states, origin, base=workspace.lake.find(address))


def forget_refused(
    workspace: Workspace, table: Table, results: Iterable[PartitionResult], *, run: str, user: str
) -> None:
    """Keep no rows any longer of those partitions of which none were refused this time.

    Raises as `Lake.publish`.
    """
    base = workspace.lake.find(table.address.refused)
    kept = {key for key, state in base.partitions.items() if state.rows} if base is not None else set()
    states = {
        result.partition: PartitionState("", rows=0)
        for result in results
        if result.partition in kept and not _is_kept(result.verdict)
    }
    if states:
        column = table.rules.partition
        provenance = Provenance.of(run=run, user=user, engine="none", libraries={}, partitions=states)
        publication = Publication(table.address.refused, provenance, base, column)
        workspace.lake.publish(publication, kept_schema(column), _no_rows)


def _no_rows(folder: str) -> None:
    """What there is to write of no rows."""


def _is_kept(verdict: Verdict | None) -> bool:
    return verdict is not None and not verdict.published and verdict.rows > 0


def where_kept(table: Table, verdict: Verdict) -> str:
    """The command that shows the rows of a refused partition, after a semicolon; empty where it has none."""
    if not _is_kept(verdict):
        return ""
    partition = f" --partition {verdict.partition}" if verdict.partition else ""
    return f"; see all its rows: taxiway quarantine {table.at} --refused{partition}"

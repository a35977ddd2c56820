"""Rows of partitions that the guard refused: kept whole, each with its reasons, until the partition is judged again.

They are a table of the lake like the quarantine, at an address of their own, as nothing of them is published.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from taxiway.contracts import Verdict, all_rows, as_kept, kept_schema
from taxiway.engines import Session
from taxiway.lake import ArrowWriter, PartitionState, Provenance, Publication
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
    """Replace what is kept of the partitions that were judged: all rows of those that are refused, none of the others.

    The engine writes them, so a partition may be larger than memory. Raises as `Lake.publish`.
    """
    contract, address = plan.table.rules, plan.table.address.refused
    rows = {key: 0 if verdict.published else verdict.rows for key, verdict in judged.items()}
    base = workspace.lake.find(address)
    kept = base.partitions if base is not None else {}
    states = {
        key: PartitionState("", plan.compiled.fingerprint, inputs[key], count)
        for key, count in rows.items()
        if count or (key in kept and kept[key].rows)
    }
    if not states:
        return
    schema = kept_schema(contract.partition)
    found = Rows(address, schema, contract.partition, all_rows(contract, plan.compiled.staged))
    refused = [key for key in states if rows[key]]
    if refused:
        session.stage_batches(_REFUSED, to_sql(found.of(refused), session.dialect), as_kept, schema=schema)
    else:
        session.load(_REFUSED, schema.empty_table())
    written = Rows(address, schema, contract.partition, ibis.table(ibis.Schema.from_pyarrow(schema), name=_REFUSED))
    publish_changes(workspace.lake, session, written, states, origin, base=base)


def forget_refused(workspace: Workspace, table: Table, partitions: Sequence[str], *, run: str) -> None:
    """Keep no rows of these partitions any longer: what they came from is no more what was last tried.

    Raises as `Lake.publish`.
    """
    base = workspace.lake.find(table.address.refused)
    kept = base.partitions if base is not None else {}
    states = {key: PartitionState("", rows=0) for key in partitions if key in kept and kept[key].rows}
    if states:
        column = table.rules.partition
        provenance = Provenance.of(run=run, engine="none", libraries={}, partitions=states)
        none = kept_schema(column).empty_table()
        workspace.lake.publish(
            Publication(table.address.refused, provenance, base, column), ArrowWriter(none.schema, none.to_reader)
        )


def where_kept(table: Table, verdict: Verdict) -> str:
    """The command that shows the rows of a refused partition, after a semicolon; empty where it has none."""
    if not verdict.rows:
        return ""
    month = f" --month {verdict.partition}" if verdict.partition else ""
    return f"; see all its rows: taxiway quarantine {table.at} --refused{month}"

"""The key of a table held over all of its partitions: those of a run, and those that are published beside them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.contracts import SharedKeys, Verdict, key_columns, shared_keys, shared_rows, shares_a_key, sharing
from taxiway.engines import Reading, Session
from taxiway.lake import Snapshot
from taxiway.lake.schema import same_type
from taxiway.materialise.plan import Plan
from taxiway.transforms.compile import to_sql

_PUBLISHED_KEYS = "published_keys"


def held_over_the_table(
    plan: Plan, session: Session, judged: Mapping[str, Verdict], *, repeated: bool
) -> Mapping[str, Verdict]:
    """The verdicts with the keys that other partitions have too; `repeated` is whether several staged rows have one.

    What is published of a partition counts unless this run replaces it. Nothing is looked for where the contract
    says that the key is within the partition.
    """
    contract, staged = plan.table.rules, plan.compiled.staged
    passed = {key for key, verdict in judged.items() if verdict.published}
    if contract.key_within_partition or not passed:
        return judged
    published = sorted(_published(plan, plan.base))
    others = [key for key in published if key not in passed]
    if not repeated and not (others and _shares_a_key(plan, session, plan.base, others)):
        return judged
    rows = _read(plan, session, plan.base, published)
    found = session.query(to_sql(shared_keys(contract, staged, rows), session.dialect)).to_pylist()
    pairs = [(row["partition"], SharedKeys(row["other"], row["is_published"], row["keys"])) for row in found]
    refused = sharing(passed, pairs)
    return {key: replace(verdict, shared_keys=refused.get(key, ())) for key, verdict in judged.items()}


def samples_of_shared_keys(plan: Plan, session: Session, judged: Mapping[str, Verdict]) -> dict[str, pa.Table]:
    """By partition that was refused for them up to five keys, each with the partition in which it stands too."""
    contract = plan.table.rules
    shared = {key: verdict.shared_keys for key, verdict in judged.items() if verdict.shared_keys}
    if not shared:
        return {}
    rows = _read(plan, session, plan.base, sorted(_published(plan, plan.base)))
    found = session.query(to_sql(shared_rows(contract, plan.compiled.staged, rows, shared), session.dialect))
    return {key: found.filter(pc.field(contract.partition) == key) for key in shared}


def still_holds(plan: Plan, session: Session, passed: Collection[str], latest: Snapshot) -> bool:
    """Whether what was found of the partitions that passed holds at a later version of the table: they and the columns
    are as they were, and those that another writer has published since have none of their keys."""
    before = plan.base.partitions if plan.base is not None else {}
    now = latest.partitions
    changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    if changed & set(passed) or (plan.base is not None and plan.base.schema != latest.schema):
        return False
    comparable = _published(plan, latest)
    others = sorted(changed & comparable)
    return bool(comparable) and not (others and _shares_a_key(plan, session, latest, others))


def _shares_a_key(plan: Plan, session: Session, snapshot: Snapshot | None, others: list[str]) -> bool:
    rows = _read(plan, session, snapshot, others)
    found = shares_a_key(plan.table.rules, plan.compiled.staged, rows)
    return session.query(to_sql(found, session.dialect)).num_rows > 0


def _published(plan: Plan, base: Snapshot | None) -> set[str]:
    """The published partitions whose keys can be compared: a table that is rebuilt may have had another key."""
    contract = plan.table.rules
    if base is None or base.partition_column != contract.partition:
        return set()
    schema = contract.schema
    comparable = all(
        name in base.schema.names and same_type(base.schema.field(name).type, schema.field(name).type)
        for name in contract.key
    )
    return {file.partition for file in base.files} if comparable else set()


def _read(plan: Plan, session: Session, snapshot: Snapshot | None, partitions: list[str]) -> ir.Table:
    contract = plan.table.rules
    schema = pa.schema([contract.schema.field(name) for name in key_columns(contract)])
    session.read(_PUBLISHED_KEYS, Reading(snapshot if partitions else None, schema, tuple(partitions)))
    return ibis.table(ibis.Schema.from_pyarrow(schema), name=_PUBLISHED_KEYS)

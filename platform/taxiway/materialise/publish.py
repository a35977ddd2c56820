"""Publishing what changed: partitions whose rows are equal to what is published make no commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from taxiway.addresses import Address
from taxiway.contracts.rules import VOLUME
from taxiway.engines import Reading, Session
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot, StillHolds
from taxiway.materialise.equality import unequal_rows
from taxiway.transforms.compile import to_sql

_PUBLISHED = "published"


@dataclass(frozen=True)
class Rows:
    """Rows for a table: where they go, their schema, and the expression over staged relations that gives them."""

    address: Address
    schema: pa.Schema
    partition_column: str | None
    expression: ir.Table

    def of(self, partitions: list[str]) -> ir.Table:
        """The rows of these partitions."""
        if self.partition_column is None:
            return self.expression
        return self.expression.filter(
            self.expression[self.partition_column].isin([ibis.literal(key) for key in partitions])
        )


@dataclass(frozen=True)
class Published:
    """By partition: whether new rows were published, what is now known of it, and its bytes."""

    changed: Mapping[str, bool]
    states: Mapping[str, PartitionState]
    bytes: Mapping[str, int] = field(default_factory=dict)


def publish_changes(
    lake: Lake,
    session: Session,
    rows: Rows,
    states: Mapping[str, PartitionState],
    origin: Mapping[str, Any],
    *,
    base: Snapshot | None,
    rebuild: bool = False,
    holds: StillHolds | None = None,
    float_tolerance: float = 0.0,
) -> Published:
    """Publish the partitions named by `states` whose rows differ from `base`, in one commit.

    Floats that differ by no more than the share `float_tolerance` of the larger are equal. It says of the others too
    what they were computed from, if that is new. `origin` holds run, user, engine and
    libraries of the provenance; `rebuild` and `holds` are those of `Publication`. Raises as `Lake.publish`.
    """
    if not states:
        return Published({}, {})
    known = {} if base is None or rebuild else {key: base.partitions[key] for key in states if key in base.partitions}
    differing = _differing(session, rows, list(known), base, float_tolerance)
    changed = {key: state for key, state in states.items() if key not in known or key in differing}
    stand = {key: _unchanged(state, states[key]) for key, state in known.items() if key not in changed}
    provenance = Provenance.of(partitions=changed, **origin)
    news = {key: state for key, state in stand.items() if state != known[key]}
    publication = Publication(
        rows.address,
        replace(provenance, partitions={**provenance.partitions, **news}),
        base,
        rows.partition_column,
        rebuild,
        holds,
    )
    if changed:
        sql = to_sql(rows.of(list(changed)), session.dialect)
        lake.publish(
            publication, rows.schema, lambda folder: session.write(folder, sql, rows.schema, rows.partition_column)
        )
    elif news:
        lake.note(publication)
    sizes = lake.open(rows.address).bytes_by_partition
    return Published({key: key in changed for key in states}, {**stand, **provenance.partitions}, sizes)


def _unchanged(published: PartitionState, computed: PartitionState) -> PartitionState:
    """What is known of a partition whose rows came out as they are published: how many they are was judged by what was
    published before them, and whether that was accepted stays."""
    volume = tuple(finding for finding in published.findings if finding.rule == VOLUME)
    others = tuple(finding for finding in computed.findings if finding.rule != VOLUME)
    return replace(
        computed,
        data_version=published.data_version,
        accepted_fewer=published.accepted_fewer,
        at_ms=published.at_ms,
        findings=(*others, *volume),
    )


def _differing(
    session: Session, rows: Rows, partitions: list[str], base: Snapshot | None, float_tolerance: float
) -> set[str]:
    """The partitions whose staged rows are not, as a bag, the published ones."""
    if base is None or not partitions:
        return set()
    keys = None if rows.partition_column is None else tuple(partitions)
    session.read(_PUBLISHED, Reading(base, rows.schema, keys))
    staged = rows.of(partitions).select(*rows.schema.names)
    published = ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=_PUBLISHED)
    unequal = unequal_rows(staged, published)
    if float_tolerance:
        unequal = _not_near(unequal, float_tolerance)
    key = ibis.literal(WHOLE) if rows.partition_column is None else unequal[rows.partition_column]
    found = session.query(to_sql(unequal.select(partition=key).distinct(), session.dialect))
    return set(found["partition"].to_pylist())


@ibis.udf.scalar.builtin(signature=((dt.float64, dt.float64, dt.float64), dt.boolean))
def near(one: Any, other: Any, share: Any) -> Any:
    """Whether floats are the same, or differ by no more than that share of the larger; every session defines it."""


def _not_near(unequal: ir.Table, tolerance: float) -> ir.Table:
    """The rows of either side that have none on the other with equal values and near floats, in any order.

    Rows with equal values beside the floats are matched in the order of these.
    """
    floats = [name for name, dtype in unequal.schema().items() if dtype.is_floating()]
    if not floats:
        return unequal
    surplus: Any = unequal["_surplus"]
    alike = [name for name in unequal.columns if name not in (*floats, "_surplus")]
    sided = unequal.mutate(_side=ibis.ifelse(surplus > 0, 1, -1), _rows=surplus.abs())
    place = ibis.row_number().over(ibis.window(group_by=[*alike, "_rows", "_side"], order_by=floats))
    placed = sided.mutate(_place=place)

    def of(name: str, side: int) -> Any:
        value: Any = placed[name]
        return value.max(where=placed["_side"] == side)

    pairs = {f"_{side}_{name}": of(name, side) for name in floats for side in (1, -1)}
    matched: Any = placed.group_by(*alike, "_rows", "_place").aggregate(_matched=placed.count(), **pairs)
    is_near = [near(matched[f"_1_{name}"], matched[f"_-1_{name}"], tolerance) for name in floats]
    return matched.filter(~reduce(and_, is_near, matched["_matched"] == 2))

"""Publishing what changed: partitions whose rows are equal to what is published make no commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from taxiway.addresses import Address
from taxiway.contracts.rules import VOLUME
from taxiway.engines import Reading, Session
from taxiway.errors import PublishConflict
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot
from taxiway.transforms.compile import to_sql

_PUBLISHED = "published"
_QUICKER_WRITERS = 10
"""So many others may publish between the look at their rows and the commit."""

StillHolds: TypeAlias = Callable[[Snapshot], bool]
"""Whether what was found of rows holds at a later version too."""


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
    against_all: StillHolds | None = None,
) -> Published:
    """Publish the partitions named by `states` whose rows differ from `base`, in one commit.

    For the others what was compared is remembered. `origin` holds run, engine and libraries of the provenance,
    `rebuild` is that of `Publication`. Rows that were held against all others of `base` come with the question
    `against_all`: where another writer was quicker, they are published on a version of which it is true. Raises as
    `Lake.publish`.
    """
    if not states:
        return Published({}, {})
    known = {} if base is None or rebuild else {key: base.partitions[key] for key in states if key in base.partitions}
    differing = _differing(session, rows, list(known), base)
    changed = {key: state for key, state in states.items() if key not in known or key in differing}
    if changed:
        provenance = Provenance.of(partitions=changed, **origin)
        publication = Publication(
            rows.address, provenance, base, rows.partition_column, rebuild, against_all=against_all is not None
        )
        sql = to_sql(rows.of(list(changed)), session.dialect)
        _publish(lake, session, publication, sql, rows.schema, against_all)
        stand = dict(provenance.partitions)
    else:
        stand = {}
    for key, state in known.items():
        if key not in changed:
            stand[key] = _unchanged(state, states[key])
            lake.confirm(rows.address, key, stand[key])
    sizes: dict[str, int] = {}
    for file in lake.open(rows.address).files:
        sizes[file.partition] = sizes.get(file.partition, 0) + file.bytes
    return Published({key: key in changed for key in states}, stand, sizes)


def _publish(
    lake: Lake,
    session: Session,
    publication: Publication,
    sql: str,
    schema: pa.Schema,
    against_all: StillHolds | None,
) -> None:
    """Publish, where need be on the version of another writer that was quicker with other partitions."""
    for _ in range(_QUICKER_WRITERS):
        try:
            session.publish(lake, publication, sql, schema)
        except PublishConflict:
            latest = lake.open(publication.address)
            if publication.rebuild or against_all is None or not against_all(latest):
                raise
            publication = replace(publication, base=latest)
        else:
            return
    session.publish(lake, publication, sql, schema)


def _unchanged(published: PartitionState, computed: PartitionState) -> PartitionState:
    """What is known of a partition whose rows came out as they are published: how many they are was judged by what was
    published before them, and whether that was accepted stays."""
    volume = tuple(finding for finding in published.findings if finding.rule == VOLUME)
    others = tuple(finding for finding in computed.findings if finding.rule != VOLUME)
    return replace(
        computed,
        data_version=published.data_version,
        accepted_fewer=published.accepted_fewer,
        findings=(*others, *volume),
    )


def _differing(session: Session, rows: Rows, partitions: list[str], base: Snapshot | None) -> set[str]:
    """The partitions whose staged rows are not, as a bag, the published ones."""
    if base is None or not partitions:
        return set()
    keys = None if rows.partition_column is None else tuple(partitions)
    session.read(_PUBLISHED, Reading(base, rows.schema, keys))
    staged = rows.of(partitions).select(*rows.schema.names)
    published = ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=_PUBLISHED)
    # Equal rows on either side cancel out: one aggregate, where EXCEPT ALL both ways numbers the rows four times.
    both = staged.mutate(_side=ibis.literal(1)).union(published.mutate(_side=ibis.literal(-1)), distinct=False)
    side: Any = both["_side"]
    counted = both.group_by(rows.schema.names).aggregate(_surplus=side.sum())
    unequal = counted.filter(counted["_surplus"] != 0)
    key = ibis.literal(WHOLE) if rows.partition_column is None else unequal[rows.partition_column]
    found = session.query(to_sql(unequal.select(partition=key).distinct(), session.dialect))
    return set(found["partition"].to_pylist())

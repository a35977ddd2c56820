"""Publishing what changed: partitions whose rows are equal to what is published make no commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from taxiway.addresses import Address
from taxiway.engines import Reading, Session
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot
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
    """By partition: whether new rows were published, the data version that now stands, and its bytes."""

    changed: Mapping[str, bool]
    versions: Mapping[str, str]
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
    against_all: bool = False,
) -> Published:
    """Publish the partitions named by `states` whose rows differ from `base`, in one commit.

    For the others what was compared is remembered. `origin` holds run, engine and libraries of the
    provenance, `rebuild` and `against_all` are those of `Publication`. Raises as `Lake.publish`.
    """
    if not states:
        return Published({}, {})
    known = {} if base is None or rebuild else {key: base.partitions[key] for key in states if key in base.partitions}
    differing = _differing(session, rows, list(known), base)
    changed = {key: state for key, state in states.items() if key not in known or key in differing}
    if changed:
        provenance = Provenance.of(partitions=changed, **origin)
        publication = Publication(rows.address, provenance, base, rows.partition_column, rebuild, against_all)
        session.publish(lake, publication, to_sql(rows.of(list(changed)), session.dialect), rows.schema)
        versions = dict.fromkeys(changed, provenance.data_version)
    else:
        versions = {}
    for key, state in known.items():
        if key not in changed:
            versions[key] = state.data_version
            lake.confirm(rows.address, key, replace(states[key], data_version=state.data_version))
    sizes: dict[str, int] = {}
    for file in lake.open(rows.address).files:
        sizes[file.partition] = sizes.get(file.partition, 0) + file.bytes
    return Published({key: key in changed for key in states}, versions, sizes)


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

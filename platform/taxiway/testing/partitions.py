# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Proof that a transform gives the same of many partitions at once and of one at a time."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.calendar import Calendar
from taxiway.contracts import Contract
from taxiway.errors import UsageError
from taxiway.materialise.plan import needed_partitions, partitions_in_reach, read_since
from taxiway.tables import Table
from taxiway.testing.bits import identical
from taxiway.testing.running import run_transform
from taxiway.transforms import Lookback, Parameter, Reach, Transform


def assert_partitions_independent(
    transform: Transform,
    tables: Mapping[str, pa.Table],
    contracts: Mapping[str, type[Contract]],
    *,
    result: type[Contract],
    zone: str = "UTC",
    parameters: Mapping[str, Parameter] | None = None,
) -> int:
    """Prove that each partition comes out the same, to the bit, from what it may read alone as from all rows at once;
    returns the rows compared.

    `tables` and `contracts` are the inputs by relation name, of several partitions; `result` is the contract of the
    transform's result, `zone` that of the project's clock. Raises AssertionError naming the partition and the first
    row that differs, UsageError where the result or the inputs have no partitions.
    """
    made = Table("tested/result", result)
    sources = {name: Table(f"tested/{name}", contract) for name, contract in contracts.items()}
    keys = sorted({key for name in transform.inputs for key in _partitions(sources[name], tables[name])})
    if made.grain is None or not keys:
        raise UsageError(f"{transform.name}: its result or its inputs have no partitions, so there is nothing to prove")
    clock = Calendar(keys[0], zone=zone)
    first, last = (pick(keys, key=lambda key: clock.span(key).start) for pick in (min, max))
    calendar = Calendar(first, clock.following(last), zone)
    own = {key: None for read in keys for key in calendar.overlapping(made.grain, clock.span(read))}
    full = _in_order(run_transform(transform, tables, parameters), made)
    compared = 0
    for key in own:
        alone = {
            name: _read(calendar, made, sources[name], tables[name], transform.reach.get(name), key)
            for name in transform.inputs
        }
        found = _of(_in_order(run_transform(transform, alone, parameters), made), made, key)
        _compare(transform.name, made, key, _of(full, made, key), found)
        compared += found.num_rows
    return compared


def _partitions(source: Table, rows: pa.Table) -> list[str]:
    column = source.rules.partition
    return [] if column is None else [key for key in rows[column].unique().to_pylist() if key is not None]


def _read(calendar: Calendar, made: Table, source: Table, rows: pa.Table, reach: Reach | None, key: str) -> pa.Table:
    """What a partition reads of an input."""
    column = source.rules.partition
    if column is None:
        return rows
    read = pc.is_in(rows[column], pa.array(partitions_in_reach(calendar, made, source, reach, key), pa.string()))
    since = read_since(calendar, source, reach, key)
    if since is not None and isinstance(reach, Lookback):
        needed = needed_partitions(calendar, made, source, reach, key)
        recent = pc.is_in(rows[column], pa.array(needed, pa.string()))
        for event_time in reach.columns:
            recent = pc.or_(recent, pc.fill_null(pc.greater_equal(rows[event_time], since), False))
        read = pc.and_(read, recent)
    return rows.filter(read)


def _in_order(rows: pa.Table, made: Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in made.rules.key])


def _of(rows: pa.Table, made: Table, key: str) -> pa.Table:
    return rows.filter(pc.equal(rows[made.rules.partition], key))


def _compare(name: str, made: Table, key: str, at_once: pa.Table, alone: pa.Table) -> None:
    if at_once.num_rows != alone.num_rows:
        raise AssertionError(
            f"{name}: {key} has {at_once.num_rows} rows where all partitions are computed at once, and "
            f"{alone.num_rows} from what it reads alone"
        )
    for column in at_once.column_names:
        same = identical(at_once[column], alone[column])
        if not same.all():
            row = int(np.argmin(same))
            which = ", ".join(f"{part} {at_once[part][row]}" for part in made.rules.key)
            raise AssertionError(
                f"{name}: {column} of {which} in {key} is {at_once[column][row]} where all partitions are computed at "
                f"once, and {alone[column][row]} from what {key} reads alone: it sees beyond its partition's reach"
            )

"""What has to be computed: for each partition its inputs at pinned versions, and whether it can be skipped.

A plan is plain data: it can be printed and tested without an engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from taxiway.contracts import MaxLag
from taxiway.errors import DeliveryRefused, UsageError
from taxiway.lake import WHOLE, PartitionState, Snapshot
from taxiway.lake.inputs import LANDING
from taxiway.materialise.compiled import CompiledTable, compile_table
from taxiway.materialise.external import version_now
from taxiway.materialise.workspace import Workspace
from taxiway.partitions import Months, months_back, shift_month
from taxiway.tables import Table
from taxiway.transforms import History, Lookback, Reach, Whole


@dataclass(frozen=True)
class PartitionPlan:
    """One partition: the data version of every input partition in reach (None where it is absent),
    what is published of it, and whether that was made by the same code from the same inputs."""

    partition: str
    inputs: Mapping[str, Mapping[str, str | None]]
    published: PartitionState | None
    current: bool


@dataclass(frozen=True)
class Plan:
    """What materialising some partitions of a table comes to; all inputs are pinned at their versions."""

    table: Table
    compiled: CompiledTable
    base: Snapshot | None
    snapshots: Mapping[str, Snapshot | None]
    partitions: tuple[PartitionPlan, ...]
    force: bool = False

    @property
    def to_compute(self) -> tuple[PartitionPlan, ...]:
        """The partitions that cannot be skipped."""
        return tuple(p for p in self.partitions if self.force or not p.current)


def make_plan(workspace: Workspace, table: Table, partitions: Sequence[str], *, force: bool = False) -> Plan:
    """The plan for these partitions of a table (`[WHOLE]` where it has none), with every input pinned now.

    Raises UsageError for a partition that the table cannot have, LakeError where a table cannot be read.
    """
    if table.transform is None:
        raise UsageError(f"{table.at} has no transform of its own; it is made by dbt: taxiway run {table.at}")
    _check_partitions(workspace, table, partitions)
    compiled = compile_table(workspace, table)
    base = workspace.lake.find(table.address)
    quarantine = workspace.lake.find(table.address.quarantine)
    inputs = workspace.project.inputs(table)
    snapshots = {source.address.relation: workspace.lake.find(source.address) for source in inputs}
    files = workspace.delivered(table, partitions) if table.files is not None else {}
    plans: list[PartitionPlan] = []
    read: Mapping[str, Mapping[str, str | None]]
    for partition in partitions:
        if table.external is not None:
            read = version_now(workspace, table)
        elif table.files is not None:
            read = {LANDING: {name: _digest(workspace, name) for name in files[partition]}}
        else:
            read = {
                str(source.address): {
                    key: data_version(snapshots[source.address.relation], key)
                    for key in partitions_in_reach(workspace.settings.months, table, source, reach, partition)
                }
                for source, reach in inputs.items()
            }
        known = base.partitions.get(partition) if base is not None else None
        current = (
            known is not None
            and known.made_by(compiled.fingerprint, read)
            and _has_its_quarantine(partition, known, quarantine)
        )
        plans.append(PartitionPlan(partition, read, known, current))
    return Plan(table, compiled, base, snapshots, tuple(plans), force)


def partitions_in_reach(
    months: Months, table: Table, source: Table, reach: Reach | None, partition: str
) -> tuple[str, ...]:
    """The partitions of `source` that a partition of `table` is computed from."""
    if not source.monthly:
        return (WHOLE,)
    if isinstance(reach, Whole) or not table.monthly:
        return months.keys()
    if isinstance(reach, History):
        known = months.keys()
        return tuple(key for key in known if key < partition or (reach.own and key == partition))
    back = months_back_of(source, reach)
    reached = (shift_month(partition, -offset) for offset in range(back, -1, -1))
    return tuple(key for key in reached if key >= months.first)


def months_back_of(source: Table, reach: Reach | None) -> int:
    """How many earlier months of `source` a lookback touches; 0 without one."""
    if not isinstance(reach, Lookback):
        return 0
    return months_back(reach.window + _lag(source.rules.max_lag))


def read_since(months: Months, source: Table, reach: Reach | None, partition: str) -> datetime | None:
    """The instant before which no row of `source` can matter for the partition; None where all may."""
    if not isinstance(reach, Lookback):
        return None
    return months.start(partition) - reach.window - _lag(source.rules.max_lag)


def _lag(max_lag: MaxLag | None) -> timedelta:
    return max_lag.window if max_lag is not None else timedelta(0)


def data_version(snapshot: Snapshot | None, partition: str) -> str | None:
    """The data version of a partition, None where it was never published."""
    state = snapshot.partitions.get(partition) if snapshot is not None else None
    return state.data_version if state is not None else None


def _check_partitions(workspace: Workspace, table: Table, partitions: Sequence[str]) -> None:
    for partition in partitions:
        if table.monthly:
            workspace.settings.months.between(partition, partition)
        elif partition != WHOLE:
            raise UsageError(f"{table.at} has no partitions, so there is no {partition!r} of it")


def _has_its_quarantine(partition: str, published: PartitionState, quarantine: Snapshot | None) -> bool:
    """Whether the quarantine holds what was rejected of the published rows: a run that published its quarantine and
    then lost to another, or was killed, leaves it different."""
    held = quarantine.partitions.get(partition) if quarantine is not None else None
    if held is None or not held.rows:
        return not published.rejected
    return held.rows == published.rejected and held.made_by(published.fingerprint, published.inputs)


def _digest(workspace: Workspace, name: str) -> str | None:
    """The digest of a delivered file; None where it is absent or cannot be read, which reading it then tells."""
    try:
        return workspace.landing.digest(name)
    except DeliveryRefused:
        return None

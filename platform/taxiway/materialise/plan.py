"""What has to be computed: for each partition its inputs at pinned versions, and whether it can be skipped.

A plan is plain data: it can be printed and tested without an engine.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from taxiway.calendar import Calendar, Interval, see_that_is_key
from taxiway.errors import DeliveryRefused, UsageError
from taxiway.lake import WHOLE, PartitionState, Snapshot
from taxiway.lake.inputs import LANDING
from taxiway.materialise.compiled import CompiledTable, compile_table
from taxiway.materialise.external import version_now
from taxiway.materialise.workspace import Workspace
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
    files, digests = _delivered(workspace, table, partitions) if table.files is not None else ({}, {})
    plans: list[PartitionPlan] = []
    read: Mapping[str, Mapping[str, str | None]]
    for partition in partitions:
        if table.external is not None:
            read = version_now(workspace, table)
        elif table.files is not None:
            read = {LANDING: {name: digests[name] for name in files[partition]}}
        else:
            read = {
                str(source.address): versions_read(
                    workspace, table, source, reach, partition, snapshots[source.address.relation]
                )
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
    calendar: Calendar,
    table: Table,
    source: Table,
    reach: Reach | None,
    partition: str,
    until: datetime | None = None,
) -> tuple[str, ...]:
    """The partitions of `source` that a partition of `table` is computed from: those that have an instant in common
    with it, and with what it looks back on.

    Of a source that is read as a whole they are those that are over at the instant `until`.
    """
    if source.grain is None:
        return (WHOLE,)
    if table.grain is None or isinstance(reach, Whole):
        return calendar.keys(source.grain, until)
    read = calendar.overlapping(source.grain, _span_read(calendar, source, reach, partition))
    if isinstance(reach, History) and not reach.own and read:
        # What is not over when the partition begins would tell of what comes after.
        return read[:-1] if calendar.span(read[-1]).end > calendar.span(partition).start else read
    return read


def needed_partitions(
    calendar: Calendar, table: Table, source: Table, reach: Reach | None, partition: str
) -> tuple[str, ...]:
    """Those partitions in reach without which a partition is not computed: all that have an instant in common with it.
    What it looks back on may be absent, and so may any of a source that is read by a table without partitions."""
    if source.grain is None:
        return (WHOLE,)
    if table.grain is None or (isinstance(reach, History) and not reach.own):
        return ()
    return calendar.overlapping(source.grain, calendar.span(partition))


def readers_of(calendar: Calendar, table: Table, reach: Reach | None, partition: str) -> tuple[str, ...]:
    """The partitions of `table` that are not computed without this partition of an input: the other way round than
    `needed_partitions`."""
    if table.grain is None or (isinstance(reach, History) and not reach.own):
        return ()
    return calendar.overlapping(table.grain, calendar.span(partition))


def _span_read(calendar: Calendar, source: Table, reach: Reach | None, partition: str) -> Interval:
    own = calendar.span(partition)
    if isinstance(reach, History):
        return Interval(calendar.bounds.start, own.end if reach.own else own.start)
    return Interval(own.start - lookback(source, reach), own.end)


def lookback(source: Table, reach: Reach | None) -> timedelta:
    """How long before a partition what it reads of `source` may have begun."""
    if not isinstance(reach, Lookback):
        return timedelta(0)
    return reach.window + (source.rules.max_lag.window if source.rules.max_lag is not None else timedelta(0))


def read_since(calendar: Calendar, source: Table, reach: Reach | None, partition: str) -> datetime | None:
    """The instant before which no row of `source` can matter for the partition; None where all may."""
    return calendar.span(partition).start - lookback(source, reach) if isinstance(reach, Lookback) else None


def versions_read(
    workspace: Workspace, table: Table, source: Table, reach: Reach | None, partition: str, snapshot: Snapshot | None
) -> dict[str, str | None]:
    """The data version of every partition of `source` in reach, None where it was never published."""
    known = snapshot.partitions if snapshot is not None else {}
    keys = partitions_in_reach(workspace.calendar, table, source, reach, partition, workspace.now)
    if workspace.calendar.end is None and (table.grain is None or isinstance(reach, Whole)):
        # Partitions come to be over all the time: those after the last published one are not there yet, not absent.
        keys = keys[: bisect_right(keys, max(known, default=""))]
    return {key: known[key].data_version if key in known else None for key in keys}


def _check_partitions(workspace: Workspace, table: Table, partitions: Sequence[str]) -> None:
    for partition in partitions:
        if table.grain is not None:
            grain = see_that_is_key(partition)
            if grain != table.grain:
                article = "an" if grain == "hour" else "a"
                raise UsageError(f"{table.at} is {table.partitioning}, and {partition} is {article} {grain}")
            workspace.calendar.see_that_it_has(partition)
        elif partition != WHOLE:
            raise UsageError(f"{table.at} has no partitions, so there is no {partition!r} of it")


def _has_its_quarantine(partition: str, published: PartitionState, quarantine: Snapshot | None) -> bool:
    """Whether the quarantine holds what was rejected of the published rows: a run that published its quarantine and
    then lost to another, or was killed, leaves it different."""
    held = quarantine.partitions.get(partition) if quarantine is not None else None
    if held is None or not held.rows:
        return not published.rejected
    return held.rows == published.rejected and held.made_by(published.fingerprint, published.inputs)


def _delivered(
    workspace: Workspace, table: Table, partitions: Sequence[str]
) -> tuple[Mapping[str, Sequence[str]], Mapping[str, str | None]]:
    """The files of each partition, and the digest of each file."""
    files = workspace.delivered(table, partitions)
    digests = {name: _digest(workspace, name) for name in dict.fromkeys(n for names in files.values() for n in names)}
    if table.is_dated and workspace.dated_files.forget_others(table, digests):
        # They lie there as they did, with other rows.
        return _delivered(workspace, table, partitions)
    return files, digests


def _digest(workspace: Workspace, name: str) -> str | None:
    """The digest of a delivered file; None where it is absent or cannot be read, which reading it then tells."""
    try:
        return workspace.landing.digest(name)
    except DeliveryRefused:
        return None

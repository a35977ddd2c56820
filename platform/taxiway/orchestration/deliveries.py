"""What lies in the landing zone and what has become of it: published, waiting, or not to be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from taxiway.errors import DeliveryRefused
from taxiway.lake import WHOLE, PartitionState, Snapshot
from taxiway.lake.provenance import of_commit
from taxiway.landing import Delivery, read_csv
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import expected_files
from taxiway.materialise.plan import partitions_in_reach
from taxiway.tables import Project, Table
from taxiway.transforms import Reach


@dataclass(frozen=True)
class Landed:
    """A delivered file with the SHA-256 of its content, and the partition of the raw table that it is for."""

    table: Table
    partition: str
    file: Delivery
    digest: str

    @property
    def at(self) -> datetime:
        """When it was last changed, in UTC: its date, but where that lies after its arrival, which it then is."""
        return datetime.fromtimestamp(max(0, min(self.file.modified_ns, self.file.changed_ns)) / 1e9, tz=UTC)


def marts(project: Project) -> list[Table]:
    """The tables for people."""
    return [table for table in project.tables if table.address.layer == "mart"]


def landed_files(workspace: Workspace) -> list[Landed]:
    """Every file of the landing zone that belongs to a table, as it lies there now, once for each such table."""
    expected = expected_files(workspace)
    zone = workspace.landing
    return [
        Landed(table, partition, file, zone.digest(file.name))
        for file in zone.files()
        for table, partition in expected.get(file.name, ())
    ]


def blocked_files(workspace: Workspace) -> dict[str, tuple[list[Table], str]]:
    """By name, whose file cannot be read because something else lies in its place, and why."""
    expected = expected_files(workspace)
    return {
        name: ([table for table, _ in expected[name]], why)
        for name, why in workspace.landing.blocked().items()
        if name in expected
    }


@dataclass(frozen=True)
class Waiting:
    """Something new that has not reached a table yet, and since when (UTC) it is there."""

    what: str
    since: datetime


@dataclass
class Fate:
    """What has become of delivered files, as the lake says at one moment; it keeps what it has looked up."""

    workspace: Workspace
    landed: Sequence[Landed]
    _snapshots: dict[Table, Snapshot | None] = field(default_factory=dict)
    _states: dict[tuple[Table, str], PartitionState | None] = field(default_factory=dict)

    def state(self, table: Table, partition: str) -> PartitionState | None:
        """What last gave the partition the rows that it has, None where it was never published."""
        if (table, partition) not in self._states:
            snapshot = self._snapshot(table)
            published = snapshot.partitions.get(partition) if snapshot is not None else None
            self._states[table, partition] = self.workspace.lake.confirmed(table.address, partition, published)
        return self._states[table, partition]

    def is_published(self, landed: Landed) -> bool:
        """Whether the published partition was made from exactly this content."""
        state = self.state(landed.table, landed.partition)
        return state is not None and state.inputs.get("landing") == {landed.file.name: landed.digest}

    def problem(self, landed: Landed) -> str:
        """Why the file cannot be read, empty where it can; what is published has been read."""
        table = landed.table
        assert table.delivered is not None
        if self.is_published(landed):
            return ""
        try:
            read_csv(self.workspace.landing.path(landed.file.name), list(table.file_columns), table.delivered.format)
        except DeliveryRefused as error:
            return str(error)
        return ""

    def waiting_for(self, table: Table, partition: str = WHOLE) -> list[Waiting]:
        """What has not reached the partition yet, directly or on the way to it; empty where it is up to date."""
        found: list[Waiting] = []
        seen = {(table, partition)}
        todo = [(table, partition)]
        while todo:
            reader, key = todo.pop()
            if reader.delivered is not None:
                own = [each for each in self.landed if (each.table, each.partition) == (reader, key)]
                found += [
                    Waiting(f"{each.file.name} for {reader.at}", each.at) for each in own if not self.is_published(each)
                ]
                continue
            reads = self._reads(reader, key)
            found += self._unread(reader, key, reads)
            todo += [each for each in reads if each not in seen]
            seen.update(reads)
        return sorted(found, key=lambda waiting: waiting.since)

    def _unread(self, reader: Table, partition: str, reads: Sequence[tuple[Table, str]]) -> Iterator[Waiting]:
        """The inputs of a partition that have changed since it was computed; none where it cannot be computed yet."""
        needed = [(source, key) for source, key in reads if not source.monthly or key == partition]
        if any(self.state(source, key) is None for source, key in needed):
            return
        state = self.state(reader, partition)
        for source, key in reads:
            now = self.state(source, key)
            known = state.inputs.get(str(source.address), {}).get(key) if state is not None else None
            if now is not None and now.data_version != known:
                yield Waiting(f"{source.at} {key} for {reader.at} {partition}", self._published_at(source, now))

    def _reads(self, reader: Table, partition: str) -> list[tuple[Table, str]]:
        project, months = self.workspace.project, self.workspace.settings.months
        sources: Mapping[Table, Reach | None] = project.inputs(reader)
        if reader.transform is None:
            # dbt knows what a mart reads, and its provenance says so.
            state = self.state(reader, partition)
            sources = dict.fromkeys(map(project.table, state.inputs if state is not None else ()))
        return [
            (source, key)
            for source, reach in sources.items()
            for key in partitions_in_reach(months, reader, source, reach, partition)
        ]

    def _snapshot(self, table: Table) -> Snapshot | None:
        if table not in self._snapshots:
            self._snapshots[table] = self.workspace.lake.find(table.address)
        return self._snapshots[table]

    def _published_at(self, table: Table, state: PartitionState) -> datetime:
        snapshot = self._snapshot(table)
        assert snapshot is not None
        for commit in snapshot.history:
            provenance = of_commit(commit)
            if provenance is not None and provenance.data_version == state.data_version:
                return datetime.fromtimestamp(int(str(commit["timestamp"])) / 1e3, tz=UTC)
        return datetime.min.replace(tzinfo=UTC)

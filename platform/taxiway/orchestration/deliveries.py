"""What lies in the landing zone and what has become of it: published, waiting, or not to be read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from taxiway.errors import DeliveryRefused
from taxiway.lake import WHOLE, PartitionState, Snapshot
from taxiway.lake.inputs import LANDING, in_short, told_of
from taxiway.landing import Delivery, Listing
from taxiway.materialise import Workspace
from taxiway.materialise.plan import needed_partitions, partitions_in_reach
from taxiway.materialise.reading import read_for
from taxiway.tables import Project, Table
from taxiway.transforms import Reach
from taxiway.version import __version__


@dataclass(frozen=True)
class Landed:
    """A delivered file with the SHA-256 of its content, and the partition of the raw table that it is for.

    Of a file that was removed, and that the partition was made from with others, there is no digest.
    """

    table: Table
    partition: str
    file: Delivery
    digest: str

    @property
    def at(self) -> datetime:
        """When it was last changed, in UTC: its date, but where that lies after its arrival, which it then is."""
        return datetime.fromtimestamp(max(0, min(self.file.modified_ns, self.file.changed_ns)) / 1e9, tz=UTC)


def marts(project: Project) -> list[Table]:
    """The tables for people, each made as a whole."""
    return [table for table in project.tables if table.address.layer == "mart" and not table.is_partitioned]


def landed_files(workspace: Workspace, listing: Listing) -> list[Landed]:
    """Every file that belongs to a table, read for its digest, once for each such table."""
    expected = workspace.expected_in(listing)
    found = []
    for file in listing.files:
        if expected.of(file.name):
            digest = workspace.landing.digest(file.name)
            found += [Landed(table, partition, file, digest) for table, partition in expected.of(file.name)]
    return found


def blocked_files(workspace: Workspace, listing: Listing) -> dict[str, tuple[list[Table], str]]:
    """By name, whose file cannot be read because something else lies in its place, and why."""
    expected = workspace.expected_in(listing, reads=False)
    return {
        name: ([table for table, _ in expected.of(name)], why)
        for name, why in listing.blocked.items()
        if name in expected
    }


@dataclass(frozen=True)
class Waiting:
    """Something new that has not reached a table yet, and since when (UTC) it is there."""

    what: str
    since: datetime


@dataclass
class DeliveryStatus:
    """What has become of delivered files, as the lake says at one moment; it keeps what it has looked up.

    `problems` are what was found in contents that are not published, so that none is read twice.
    """

    workspace: Workspace
    problems: dict[str, str] = field(default_factory=dict)
    _ways: dict[Table, str] = field(default_factory=dict)
    _snapshots: dict[Table, Snapshot | None] = field(default_factory=dict)
    _states: dict[tuple[Table, str], PartitionState | None] = field(default_factory=dict)

    def state(self, table: Table, partition: str) -> PartitionState | None:
        """What last gave the partition the rows that it has, None where it was never published."""
        if (table, partition) not in self._states:
            snapshot = self._snapshot(table)
            self._states[table, partition] = snapshot.partitions.get(partition) if snapshot is not None else None
        return self._states[table, partition]

    def is_published(self, landed: Landed) -> bool:
        """Whether the published partition was made from this content, or without a file that was removed."""
        state = self.state(landed.table, landed.partition)
        return state is not None and state.inputs.get(LANDING, {}).get(landed.file.name, "") == landed.digest

    def is_known(self, landed: Landed) -> bool:
        """Whether `problem` need not read the file."""
        return self.is_published(landed) or self._content(landed) in self.problems

    def problem(self, landed: Landed) -> str:
        """Why the file cannot be read, empty where it can; what is published has been read."""
        if self.is_published(landed) or not landed.digest:
            return ""
        content = self._content(landed)
        if content in self.problems:
            return self.problems[content]
        try:
            data = self.workspace.landing.read(landed.file.name)
        except DeliveryRefused as error:
            return str(error)
        try:
            read_for(landed.table, landed.file.name, data)
            found = ""
        except DeliveryRefused as error:
            found = str(error)
        if sha256(data).hexdigest() == landed.digest:
            self.problems[content] = found
        return found

    def forget_others(self, landed: Iterable[Landed]) -> None:
        """Keep no problems but those of these files."""
        contents = {self._content(each) for each in landed if not self.is_published(each)}
        self.problems = {content: problem for content, problem in self.problems.items() if content in contents}

    def waiting_for(self, landed: Mapping[tuple[Table, str], Sequence[Landed]], table: Table) -> list[Waiting]:
        """What has not reached a table without partitions yet, directly or on the way to it; empty where it is up to
        date."""
        found: list[Waiting] = []
        seen = {(table, WHOLE)}
        todo = [(table, WHOLE)]
        while todo:
            reader, key = todo.pop()
            if reader.files is not None:
                own = landed.get((reader, key), ())
                new = [each for each in own if not self.is_published(each)]
                found += [Waiting(f"{each.file.name} for {reader.at}", each.at) for each in new]
                continue
            reads = self._reads(reader, key)
            found += self._unread(reader, key, reads)
            todo += [each for each in reads if each not in seen]
            seen.update(reads)
        return sorted(found, key=lambda waiting: waiting.since)

    def _unread(self, reader: Table, partition: str, reads: Sequence[tuple[Table, str]]) -> Iterator[Waiting]:
        """The inputs of a partition that have changed since it was computed; none where it cannot be computed yet."""
        calendar = self.workspace.calendar
        for source, reach in self._inputs(reader, partition).items():
            needed = needed_partitions(calendar, reader, source, reach, partition)
            if any(self.state(source, key) is None for key in needed):
                return
        state = self.state(reader, partition)
        now = {at: self._versions_now(at, reads) for at in dict.fromkeys(source for source, _ in reads)}
        short = in_short({source.at: versions for source, versions in now.items()})
        for source, key in reads:
            known = state.inputs.get(source.at, {}) if state is not None else {}
            told = told_of(short[source.at], key) or key
            published = self.state(source, key)
            if published is not None and short[source.at].get(told) != known.get(told):
                at = datetime.fromtimestamp(published.at_ms / 1e3, tz=UTC)
                yield Waiting(f"{source.at} {key} for {reader.at} {partition}", at)

    def _versions_now(self, source: Table, reads: Sequence[tuple[Table, str]]) -> dict[str, str | None]:
        states = {key: self.state(source, key) for of, key in reads if of is source}
        return {key: state.data_version if state is not None else None for key, state in states.items()}

    def _reads(self, reader: Table, partition: str) -> list[tuple[Table, str]]:
        calendar, now = self.workspace.calendar, self.workspace.now
        return [
            (source, key)
            for source, reach in self._inputs(reader, partition).items()
            for key in partitions_in_reach(calendar, reader, source, reach, partition, now)
        ]

    def _inputs(self, reader: Table, partition: str) -> Mapping[Table, Reach | None]:
        project = self.workspace.project
        if reader.transform is not None:
            return project.inputs(reader)
        # dbt knows what a mart reads, and its provenance says so.
        state = self.state(reader, partition)
        return dict.fromkeys(map(project.table, state.inputs if state is not None else ()))

    def _content(self, landed: Landed) -> str:
        """A content as this version of Taxiway reads it for a table, in a few digits."""
        table = landed.table
        assert table.files is not None
        if table not in self._ways:
            self._ways[table] = f"{__version__} {table.at} {dict(table.file_columns)} {table.files!r}"
        return sha256(f"{self._ways[table]} {landed.file.name} {landed.digest}".encode()).hexdigest()[:16]

    def _snapshot(self, table: Table) -> Snapshot | None:
        if table not in self._snapshots:
            self._snapshots[table] = self.workspace.lake.find(table.address)
        return self._snapshots[table]

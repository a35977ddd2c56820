"""Which partitions of a table could be made of what has been landed; what a table is made from, marts included."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from taxiway.calendar import Calendar
from taxiway.errors import LakeError
from taxiway.lake import WHOLE, PartitionState
from taxiway.lake.inputs import absent, is_stretch, told_of
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.materialise.plan import needed_partitions
from taxiway.tables import Table
from taxiway.transforms import Reach


@dataclass(frozen=True)
class Incomplete:
    """A published partition that was computed without partitions of `source`, a table that it reads.

    The source has not got these partitions, and could have them of what has been landed.
    """

    table: str
    partition: str
    source: str
    partitions: tuple[str, ...]


def made_without(found: Iterable[Incomplete], calendar: Calendar) -> Iterator[str]:
    """A line for each set of landed partitions that a table lacks, with the partitions that were made without them."""
    by_lack: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = {}
    for each in found:
        by_lack.setdefault((each.source, each.partitions), {}).setdefault(each.table, []).append(each.partition)
    for (source, lacked), readers in sorted(by_lack.items()):
        made = ", ".join(at if keys == [WHOLE] else f"{at} ({calendar.in_words(keys)})" for at, keys in readers.items())
        yield f"{source} lacks {calendar.in_words(lacked)}, which has been landed; made without: {made}"


def inputs_of(workspace: Workspace, table: Table) -> Mapping[Table, Reach | None]:
    """The tables that a table reads, those of a mart as dbt knows them."""
    project = workspace.project
    if table.transform is None and (dbt := DbtProject.of(project, workspace.settings)) is not None:
        return dict.fromkeys(map(project.table, dbt.model(table.address.name).sources))
    return project.inputs(table)


def partitioned_inputs(workspace: Workspace, table: Table) -> dict[Table, Reach | None]:
    """The tables with partitions that a table reads."""
    return {source: reach for source, reach in inputs_of(workspace, table).items() if source.is_partitioned}


class LandedPartitions:
    """Which partitions tables have, and which they could have of what lies in the landing zone and in raw tables."""

    def __init__(self, workspace: Workspace) -> None:
        """What lies in the landing zone now; tables are looked at when they are asked for."""
        self._workspace = workspace
        self._calendar = workspace.calendar
        self._landed = workspace.expected_files.by_partition(workspace.landing.listing().readable)
        self.published = cache(self._published)
        self._over = cache(lambda table: frozenset(workspace.partitions(table)))
        self._inputs = cache(lambda table: partitioned_inputs(workspace, table))
        self._states = cache(self._known)
        self.has_or_could = cache(self._has_or_could)

    def missing(self, table: Table) -> list[str]:
        """What a table could have and has not: partitions, or the whole of a table without them."""
        there = self.published(table)
        if not table.is_partitioned:
            return [] if there else [WHOLE]
        return [key for key in self._workspace.partitions(table) if key not in there and self.has_or_could(table, key)]

    def has_file(self, table: Table, partition: str) -> bool:
        """Whether a delivered file of a partition lies in the landing zone."""
        return (table, partition) in self._landed

    def incomplete(self, table: Table) -> list[Incomplete]:
        """What the published partitions of a table were computed without, as far as it has been landed."""
        sources = {source.at: source for source in self._workspace.project.tables if source.is_partitioned}
        found = []
        for key, state in sorted(self._states(table).items()):
            for at, versions in state.inputs.items():
                if (source := sources.get(at)) is not None:
                    lacked = absent(versions, self._workspace.partitions(source))
                    lacking = tuple(sorted(each for each in lacked if self._could_have(source, each)))
                    found += [Incomplete(table.at, key, at, lacking)] if lacking else []
        return found

    def computed_from(self, partitions: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By table, these partitions and all published ones that were computed from them, or without them, directly
        or by way of others."""
        found = {at: set(keys) for at, keys in partitions.items()}
        states = {table.at: self._states(table) for table in self._workspace.project.tables}
        more = True
        while more:
            more = False
            for at, known in states.items():
                own = found.setdefault(at, set())
                read = {key for key, state in known.items() if key not in own and _reads(state, found)}
                own |= read
                more |= bool(read)
        return {at: keys for at, keys in found.items() if keys}

    def _could_have(self, source: Table, partition: str) -> bool:
        """Whether a table has not got a partition that is over, and could have it."""
        return (
            partition in self._over(source)
            and partition not in self.published(source)
            and self.has_or_could(source, partition)
        )

    def _published(self, table: Table) -> set[str]:
        return set(self._states(table))

    def _known(self, table: Table) -> dict[str, PartitionState]:
        try:
            snapshot = self._workspace.lake.find(table.address)
            return dict(snapshot.partitions) if snapshot is not None else {}
        except LakeError:  # whoever reads it says so
            return {}

    def _has_or_could(self, table: Table, partition: str) -> bool:
        """Whether the table has the partition, or could have it: what it is computed from has it, or could."""
        if partition in self.published(table):
            return True
        if table.files is not None:
            return self.has_file(table, partition)
        inputs = self._inputs(table).items()
        read = [
            (source, needed_partitions(self._calendar, table, source, reach, partition)) for source, reach in inputs
        ]
        needed = [(source, key) for source, keys in read for key in keys]
        # What reads earlier partitions only is made for those that there are.
        return all(self.has_or_could(*each) for each in needed) if needed else self._any(table, partition)

    def _any(self, table: Table, partition: str) -> bool:
        span = self._calendar.span(partition)
        return any(
            self.has_or_could(source, key)
            for source in self._inputs(table)
            if source.grain is not None
            for key in self._calendar.overlapping(source.grain, span)
        )


def _reads(state: PartitionState, partitions: Mapping[str, set[str]]) -> bool:
    return any(
        not keys.isdisjoint(versions) or any(told_of(stretches, key) for key in keys)
        for at, versions in state.inputs.items()
        if (keys := partitions.get(at))
        for stretches in [{key: version for key, version in versions.items() if is_stretch(key)}]
    )

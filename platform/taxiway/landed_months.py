"""Which months of a table could be made of what has been landed; what a table is made from, marts included."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from taxiway.errors import LakeError
from taxiway.lake import WHOLE, PartitionState
from taxiway.lake.inputs import absent, told_of
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.partitions import in_words
from taxiway.tables import Table
from taxiway.transforms import Reach


@dataclass(frozen=True)
class Incomplete:
    """A published partition that was computed without months of `source`, a table that it reads.

    The source has not got these months, and could have them of what has been landed.
    """

    table: str
    partition: str
    source: str
    months: tuple[str, ...]


def made_without(found: Iterable[Incomplete]) -> Iterator[str]:
    """A line for each set of landed months that a table lacks, with the partitions that were made without them."""
    by_lack: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = {}
    for each in found:
        by_lack.setdefault((each.source, each.months), {}).setdefault(each.table, []).append(each.partition)
    for (source, months), readers in sorted(by_lack.items()):
        made = ", ".join(at if keys == [WHOLE] else f"{at} ({in_words(keys)})" for at, keys in readers.items())
        yield f"{source} lacks {in_words(months)}, which has been landed; made without: {made}"


def inputs_of(workspace: Workspace, table: Table) -> Mapping[Table, Reach | None]:
    """The tables that a table reads, those of a mart as dbt knows them."""
    project = workspace.project
    if table.transform is None and (dbt := DbtProject.of(project, workspace.settings)) is not None:
        return dict.fromkeys(map(project.table, dbt.model(table.address.name).sources))
    return project.inputs(table)


def monthly_inputs(workspace: Workspace, table: Table) -> dict[Table, Reach | None]:
    """The monthly tables that a table reads."""
    return {source: reach for source, reach in inputs_of(workspace, table).items() if source.monthly}


class LandedMonths:
    """Which months tables have, and which they could have of what lies in the landing zone and in raw tables."""

    def __init__(self, workspace: Workspace) -> None:
        """What lies in the landing zone now; tables are looked at when they are asked for."""
        self._workspace = workspace
        self._known_months = frozenset(workspace.settings.months.keys())
        self._landed = workspace.expected_files.by_partition(workspace.landing.listing().readable)
        self.published = cache(self._published)
        self._states = cache(self._known)
        self.has_or_could = cache(self._has_or_could)

    def missing(self, table: Table) -> list[str]:
        """What a table could have and has not: months, or the whole of a table without them."""
        if not table.monthly:
            return [] if self.published(table) else [WHOLE]
        known = self._workspace.settings.months.keys()
        return [month for month in known if month not in self.published(table) and self.has_or_could(table, month)]

    def has_file(self, table: Table, month: str) -> bool:
        """Whether a delivered file of a month lies in the landing zone."""
        return (table, month) in self._landed

    def incomplete(self, table: Table) -> list[Incomplete]:
        """What the published partitions of a table were computed without, as far as it has been landed."""
        monthly = {source.at: source for source in self._workspace.project.tables if source.monthly}
        found = []
        for key, state in sorted(self._states(table).items()):
            for at, versions in state.inputs.items():
                lacked = absent(versions, self._known_months)
                lacking = tuple(sorted(month for month in lacked if self._could_have(monthly.get(at), month)))
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
                read = {key for key, state in known.items() if _reads(state, found)} - own
                own |= read
                more |= bool(read)
        return {at: keys for at, keys in found.items() if keys}

    def _could_have(self, source: Table | None, month: str) -> bool:
        """Whether a table has not got a month of the deployment, and could have it."""
        return (
            source is not None
            and month in self._known_months
            and month not in self.published(source)
            and self.has_or_could(source, month)
        )

    def _published(self, table: Table) -> set[str]:
        return set(self._states(table))

    def _known(self, table: Table) -> dict[str, PartitionState]:
        try:
            snapshot = self._workspace.lake.find(table.address)
            return dict(snapshot.partitions) if snapshot is not None else {}
        except LakeError:  # whoever reads it says so
            return {}

    def _has_or_could(self, table: Table, month: str) -> bool:
        """Whether the table has the month, or could have it: what it is computed from has it, or could."""
        if month in self.published(table):
            return True
        if table.files is not None:
            return self.has_file(table, month)
        inputs = monthly_inputs(self._workspace, table)
        known = self._workspace.settings.months
        needed = [s for s, reach in inputs.items() if month in partitions_in_reach(known, table, s, reach, month)]
        # What reads earlier months only is made for the months that there are.
        return all(self.has_or_could(source, month) for source in needed) if needed else self._any(inputs, month)

    def _any(self, inputs: dict[Table, Reach | None], month: str) -> bool:
        return any(self.has_or_could(source, month) for source in inputs)


def _reads(state: PartitionState, partitions: Mapping[str, Collection[str]]) -> bool:
    return any(told_of(versions, key) for at, versions in state.inputs.items() for key in partitions.get(at, ()))

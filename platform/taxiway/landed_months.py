"""Which months of a table could be made of what has been landed; what a table is made from, marts included."""

from collections.abc import Mapping
from functools import cache

from taxiway.errors import LakeError
from taxiway.lake import WHOLE
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.tables import Table
from taxiway.transforms import Reach


def inputs_of(workspace: Workspace, table: Table) -> Mapping[Table, Reach | None]:
    """The tables that a table reads, those of a mart as dbt knows them."""
    project = workspace.project
    if table.transform is None and project.dbt is not None:
        return dict.fromkeys(
            map(project.table, DbtProject(project.dbt, workspace.settings.dbt).model(table.address.name).sources)
        )
    return project.inputs(table)


def monthly_inputs(workspace: Workspace, table: Table) -> dict[Table, Reach | None]:
    """The monthly tables that a table reads."""
    return {source: reach for source, reach in inputs_of(workspace, table).items() if source.monthly}


class LandedMonths:
    """Which months tables have, and which they could have of what lies in the landing zone and in raw tables."""

    def __init__(self, workspace: Workspace) -> None:
        """What lies in the landing zone now; tables are looked at when they are asked for."""
        self._workspace = workspace
        self._landed = {file.name for file in workspace.landing.files()}
        self.published = cache(self._published)
        self.has_or_could = cache(self._has_or_could)

    def missing(self, table: Table) -> list[str]:
        """What a table could have and has not: months, or the whole of a table without them."""
        if not table.monthly:
            return [] if self.published(table) else [WHOLE]
        known = self._workspace.settings.months.keys()
        return [month for month in known if month not in self.published(table) and self.has_or_could(table, month)]

    def _published(self, table: Table) -> set[str]:
        try:
            snapshot = self._workspace.lake.find(table.address)
            return set(snapshot.partitions) if snapshot is not None else set()
        except LakeError:  # whoever reads it says so
            return set()

    def _has_or_could(self, table: Table, month: str) -> bool:
        """Whether the table has the month, or could have it: what it is computed from has it, or could."""
        if month in self.published(table):
            return True
        if table.delivered is not None:
            return table.file_name(month) in self._landed
        inputs = monthly_inputs(self._workspace, table)
        known = self._workspace.settings.months
        needed = [s for s, reach in inputs.items() if month in partitions_in_reach(known, table, s, reach, month)]
        # What reads earlier months only is made for the months that there are.
        return all(self.has_or_could(source, month) for source in needed) if needed else self._any(inputs, month)

    def _any(self, inputs: dict[Table, Reach | None], month: str) -> bool:
        return any(self.has_or_could(source, month) for source in inputs)

"""The months that a run does without: they have been landed, but are not in a table that it reads."""

from collections.abc import Iterator, Sequence
from functools import cache

from taxiway.addresses import Address
from taxiway.cli.options import in_words
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.tables import Table
from taxiway.transforms import Reach


def left_out(workspace: Workspace, chosen: Sequence[Address], months: Sequence[str]) -> Iterator[str]:
    """A line for each set of months that tables of a run over `months` will do without, with what to do.

    What a step refuses to do without is not told: the step will say so.
    """
    project = workspace.project
    readers = [project.table(address) for address in chosen]
    could_have = _Months(workspace)
    found: dict[tuple[str, ...], dict[Table, dict[Table, None]]] = {}
    for reader in readers:
        for source, reach in _inputs(workspace, reader).items():
            if reader.transform is None and source not in readers and not could_have.published(source):
                continue
            read = _read(workspace, reader, source, reach, months)
            made = could_have.published(source) | (set(months) if source in readers else set())
            lacking = tuple(month for month in read if month not in made and could_have.month(source, month))
            if lacking:
                found.setdefault(lacking, {}).setdefault(source, {})[reader] = None
    for lacking, sources in sorted(found.items()):
        names = ", ".join(source.at for source in sources)
        used = ", ".join(dict.fromkeys(reader.at for found_in in sources.values() for reader in found_in))
        advice = "for those months too" if all(source in readers for source in sources) else "with --upstream"
        yield f"{in_words(lacking)}: landed, but not in {names}; {used} will be without, unless you run {advice}"


def _inputs(workspace: Workspace, table: Table) -> dict[Table, Reach | None]:
    """The monthly tables that a table reads, those of a mart as dbt knows them."""
    project = workspace.project
    inputs = dict(project.inputs(table))
    if table.transform is None and project.dbt is not None:
        dbt = DbtProject(project.dbt, workspace.settings.dbt)
        inputs = dict.fromkeys(map(project.table, dbt.model(table.address.name).sources))
    return {source: reach for source, reach in inputs.items() if source.monthly}


def _read(workspace: Workspace, reader: Table, source: Table, reach: Reach | None, months: Sequence[str]) -> list[str]:
    """The months of a source that the run reads beyond those that it is for."""
    known = workspace.settings.months
    own = months if reader.monthly else [""]
    read = {key for month in own for key in partitions_in_reach(known, reader, source, reach, month)}
    return sorted(read - set(own))


class _Months:
    """Which months tables have, and which they could have of what lies in the landing zone and in raw tables."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._landed = {file.name for file in workspace.landing.files()}
        self.published = cache(self._published)
        self.month = cache(self._month)

    def _published(self, table: Table) -> set[str]:
        snapshot = self._workspace.lake.find(table.address)
        return set(snapshot.partitions) if snapshot is not None else set()

    def _month(self, table: Table, month: str) -> bool:
        """Whether the table has the month, or could have it: what it is computed from has it, or could."""
        if month in self.published(table):
            return True
        if table.delivered is not None:
            return table.file_name(month) in self._landed
        inputs = _inputs(self._workspace, table)
        known = self._workspace.settings.months
        needed = [s for s, reach in inputs.items() if month in partitions_in_reach(known, table, s, reach, month)]
        # What reads earlier months only is made for the months that there are.
        return all(self.month(source, month) for source in needed) if needed else self._any(inputs, month)

    def _any(self, inputs: dict[Table, Reach | None], month: str) -> bool:
        return any(self.month(source, month) for source in inputs)

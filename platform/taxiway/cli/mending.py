"""The commands that make what a run could not, and what was made without it, once the cause is mended."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from taxiway.calendar import GRAINS, Grain, grain_of
from taxiway.calendar.calendar import option
from taxiway.cli.report import Report
from taxiway.errors import DefinitionError
from taxiway.lake import WHOLE
from taxiway.landed_partitions import LandedPartitions, inputs_of
from taxiway.materialise import Workspace
from taxiway.materialise.plan import needed_partitions
from taxiway.tables import Table
from taxiway.transforms import Reach


def commands(workspace: Workspace, report: Report) -> list[str]:
    """The commands in the order in which they are to be run.

    They name the partitions that were not made and all published ones that were computed from these, or without them;
    where these are of several grains, the longest ones in which they lie.
    """
    project, landed, missing = workspace.project, LandedPartitions(workspace), report.missing()
    failed = {failure.step for failure in report.failures}
    inputs = {table: _inputs(workspace, table) for at in missing if _step(table := project.table(at)) in failed}
    # What reads something that was not made is made after it, as all that depends on that.
    left = [table for table, read in inputs.items() if not any(source.at in missing for source in read)]
    waiting = [t for t in left if _lacks_input(workspace, landed, report, t, inputs[t], missing[t.at])]
    others = [table for table in left if table not in waiting]
    names = _Names(workspace, landed.computed_from(missing))
    # A partition can be run from its file where that is there; one that was refused may be no file.
    delivered = [table for table in left if table.files is not None and table.is_partitioned]
    there = {
        name
        for table in delivered
        for name in names.all
        for key in names.parts(table, name)
        if key in missing[table.at] or landed.has_file(table, key)
    }
    gone = names.all - there if delivered else set()
    steps = dict.fromkeys("mart" if table.transform is None else table.at for table in others)
    found = _runs(steps, "--downstream", names.of(others, names.all - gone)) if others else []
    if waiting:
        reaching = "--upstream" if set(missing) <= {table.at for table in waiting} else "--upstream --downstream"
        found += _runs([table.at for table in waiting], reaching, names.of(waiting, names.all - gone))
    readers = [at for at, own in names.by_table.items() if own & gone and project.table(at).files is None]
    return found + (_runs(readers, "--downstream", names.options(gone)) if readers else [])


def _runs(tables: Iterable[str], downstream: str, options: Sequence[str]) -> list[str]:
    return [f"taxiway run {' '.join(tables)} {downstream}{each}" for each in options or [""]]


class _Names:
    """By what the partitions that are outdated are named in a command: their keys, where they are of several grains
    those of the longest."""

    def __init__(self, workspace: Workspace, outdated: Mapping[str, Collection[str]]) -> None:
        self._calendar = workspace.calendar
        tables = {at: workspace.project.table(at) for at in outdated}
        over = {at: set(keys) & set(workspace.partitions(tables[at])) - {WHOLE} for at, keys in outdated.items()}
        grains = {tables[at].grain for at, keys in over.items() if keys}
        self._grain: Grain | None = next((grain for grain in reversed(GRAINS) if grain in grains), None)
        self.by_table = {at: {name for key in keys for name in self._of(key)} for at, keys in over.items()}
        self.all: set[str] = set().union(*self.by_table.values())

    def _of(self, key: str) -> list[str]:
        if self._grain is None or grain_of(key) == self._grain:
            return [key]
        span = self._calendar.span(key)
        found = [self._calendar.key(self._grain, span.start)]
        while self._calendar.span(found[-1]).end < span.end:
            found.append(self._calendar.following(found[-1]))
        return found

    def parts(self, table: Table, name: str) -> Sequence[str]:
        """The partitions of a table that are named so."""
        return () if table.grain is None else self._calendar.overlapping(table.grain, self._calendar.span(name))

    def options(self, names: Collection[str]) -> list[str]:
        """The options that name them, of one command each."""
        return [f" {option(block)}" for block in self._calendar.blocks(names)]

    def of(self, tables: Iterable[Table], names: Collection[str]) -> list[str]:
        """The same for these tables; none for marts alone, which are made of all."""
        return self.options(names) if any(table.transform is not None for table in tables) else []


def _inputs(workspace: Workspace, table: Table) -> Mapping[Table, Reach | None]:
    try:
        return inputs_of(workspace, table)
    except DefinitionError:  # the step has said so
        return {}


def _step(table: Table) -> str:
    return table.at if table.transform is not None else "marts"


def _lacks_input(
    workspace: Workspace,
    landed: LandedPartitions,
    report: Report,
    table: Table,
    inputs: Mapping[Table, Reach | None],
    partitions: Iterable[str],
) -> bool:
    """Whether a table was refused because of an input that does not exist and that the run was not to make."""
    for source, reach in inputs.items():
        if source.at in report.asked:
            continue
        made = landed.published(source)
        if not made:
            return True
        for key in partitions if table.is_partitioned and source.is_partitioned else ():
            if not made.issuperset(needed_partitions(workspace.calendar, table, source, reach, key)):
                return True
    return False

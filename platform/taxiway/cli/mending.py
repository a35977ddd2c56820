"""The commands that make what a run could not, and what was made without it, once the cause is mended."""

from collections.abc import Collection, Iterable

from taxiway.cli.report import Report
from taxiway.errors import DefinitionError
from taxiway.landed_months import LandedMonths, inputs_of
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.partitions import blocks, months_option
from taxiway.tables import Table


def commands(workspace: Workspace, report: Report) -> list[str]:
    """The commands in the order in which they are to be run.

    They name the months that were not made and all published ones that were computed from these, or without them.
    """
    project, landed, missing = workspace.project, LandedMonths(workspace), report.missing()
    failed = {failure.step for failure in report.failures}
    left = [table for at in missing if _step(table := project.table(at)) in failed]
    waiting = [table for table in left if _lacks_input(workspace, landed, report, table, missing[table.at])]
    steps = dict.fromkeys("mart" if table.transform is None else table.at for table in left if table not in waiting)
    outdated = {at: keys & set(workspace.settings.months.keys()) for at, keys in landed.computed_from(missing).items()}
    months = set().union(*outdated.values())
    # A month can be run from its file where that is there; one that was refused may be no file.
    delivered = [table for table in left if table.delivered is not None and table.monthly]
    there = {m for table in delivered for m in months if m in missing[table.at] or landed.has_file(table, m)}
    gone = months - there if delivered else set()
    found = _runs(steps, "--downstream", months - gone) if steps else []
    if waiting:
        names = [table.at for table in waiting]
        option = "--upstream" if set(missing) <= set(names) else "--upstream --downstream"
        found += _runs(names, option, months - gone)
    readers = [at for at, keys in outdated.items() if keys & gone and project.table(at).delivered is None]
    return found + (_runs(readers, "--downstream", gone) if readers else [])


def _runs(tables: Iterable[str], option: str, months: Collection[str]) -> list[str]:
    named = [f" {months_option(block)}" for block in blocks(months)] or [""]
    return [f"taxiway run {' '.join(tables)} {option}{each}" for each in named]


def _step(table: Table) -> str:
    return table.at if table.transform is not None else "marts"


def _lacks_input(
    workspace: Workspace, landed: LandedMonths, report: Report, table: Table, partitions: Iterable[str]
) -> bool:
    """Whether a table was refused because of an input that does not exist and that the run was not to make."""
    try:
        inputs = inputs_of(workspace, table)
    except DefinitionError:  # the step has said so
        return False
    for source, reach in inputs.items():
        if source.at in report.asked:
            continue
        made = landed.published(source)
        if not made:
            return True
        for key in partitions if table.monthly and source.monthly else ():
            if key in partitions_in_reach(workspace.settings.months, table, source, reach, key) and key not in made:
                return True
    return False

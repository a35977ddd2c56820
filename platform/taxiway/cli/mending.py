"""The commands that make what a run could not, and what was made without it, once the cause is mended."""

from collections.abc import Collection, Iterable, Mapping

from taxiway.cli.report import Report
from taxiway.errors import DefinitionError
from taxiway.landed_months import LandedMonths, inputs_of
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.partitions import blocks, months_option
from taxiway.tables import Table
from taxiway.transforms import Reach


def commands(workspace: Workspace, report: Report) -> list[str]:
    """The commands in the order in which they are to be run.

    They name the months that were not made and all published ones that were computed from these, or without them.
    """
    project, landed, missing = workspace.project, LandedMonths(workspace), report.missing()
    failed = {failure.step for failure in report.failures}
    inputs = {table: _inputs(workspace, table) for at in missing if _step(table := project.table(at)) in failed}
    # What reads something that was not made is made after it, as all that depends on that.
    left = [table for table, read in inputs.items() if not any(source.at in missing for source in read)]
    waiting = [t for t in left if _lacks_input(workspace, landed, report, t, inputs[t], missing[t.at])]
    others = [table for table in left if table not in waiting]
    outdated = {at: keys & set(workspace.settings.months.keys()) for at, keys in landed.computed_from(missing).items()}
    months = set().union(*outdated.values())
    # A month can be run from its file where that is there; one that was refused may be no file.
    delivered = [table for table in left if table.files is not None and table.monthly]
    there = {m for table in delivered for m in months if m in missing[table.at] or landed.has_file(table, m)}
    gone = months - there if delivered else set()
    steps = dict.fromkeys("mart" if table.transform is None else table.at for table in others)
    found = _runs(steps, "--downstream", _months_of(others, months - gone)) if others else []
    if waiting:
        option = "--upstream" if set(missing) <= {table.at for table in waiting} else "--upstream --downstream"
        found += _runs([table.at for table in waiting], option, _months_of(waiting, months - gone))
    readers = [at for at, keys in outdated.items() if keys & gone and project.table(at).files is None]
    return found + (_runs(readers, "--downstream", gone) if readers else [])


def _runs(tables: Iterable[str], option: str, months: Collection[str]) -> list[str]:
    named = [f" {months_option(block)}" for block in blocks(months)] or [""]
    return [f"taxiway run {' '.join(tables)} {option}{each}" for each in named]


def _months_of(tables: Iterable[Table], months: Collection[str]) -> Collection[str]:
    """The months to name for these tables; none for marts alone, which are made of all."""
    return months if any(table.transform is not None for table in tables) else ()


def _inputs(workspace: Workspace, table: Table) -> Mapping[Table, Reach | None]:
    try:
        return inputs_of(workspace, table)
    except DefinitionError:  # the step has said so
        return {}


def _step(table: Table) -> str:
    return table.at if table.transform is not None else "marts"


def _lacks_input(
    workspace: Workspace,
    landed: LandedMonths,
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
        for key in partitions if table.monthly and source.monthly else ():
            if key in partitions_in_reach(workspace.settings.months, table, source, reach, key) and key not in made:
                return True
    return False

"""One broken table does not stop the others: it is set aside, and what is made from it, before anything runs."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from taxiway.addresses import Address
from taxiway.broken import BrokenTable, located
from taxiway.errors import BrokenInput, DbtProblem, DefinitionError, TaxiwayError
from taxiway.marts.project import DbtProject
from taxiway.materialise.compiled import certify_table
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Project, Table


def without_clashes(project: Project) -> Project:
    """The project without tables that cannot be told apart, have no address or go to one place; they are in its
    `broken`."""
    addresses = Counter(map(_written, project.tables))
    relations = Counter(map(_relation, project.tables))
    going = _by_target(project)
    found = {}
    for table in project.tables:
        others = [_file(t)[0] for t in project.tables if _written(t) == _written(table) and t is not table]
        clashes = [t.at for t in project.tables if _relation(t) == _relation(table)]
        if addresses[_written(table)] > 1:
            found[table] = _problem(table, f"{table.at} is defined twice, also in {', '.join(map(str, others))}")
        elif relations[_relation(table)] > 1:
            found[table] = _problem(table, f"{' and '.join(clashes)} are both {_relation(table)} to a transform")
        else:
            try:
                shared = [target for target in _targets(table) if len(going[target]) > 1]
            except TaxiwayError as error:
                found[table] = _problem(table, str(error))
            else:
                if shared:
                    told = f"{' and '.join(going[shared[0]])} have sinks of one place, {shared[0]}: give each its own"
                    found[table] = _problem(table, told)
    return _without(project, {table: _broken(table, why) for table, why in found.items()})


def without_broken(workspace: Workspace, *, compiled: bool = False) -> Workspace:
    """The workspace whose project has only the tables that can be made.

    What is declared wrongly, and what is made from it, is in the project's `broken`; with `compiled` also marts that
    dbt has not compiled yet, of which else nothing is said. Where nothing is, it is the same workspace, and what was
    compiled to see that is not compiled again.
    """
    project = without_clashes(workspace.project)
    if project is not workspace.project:
        workspace = Workspace(project, workspace.settings)
    broken: dict[Table, BrokenTable] = {}
    dbt = DbtProject(project.dbt, workspace.settings.dbt) if project.dbt is not None else None
    inputs = {table: _inputs(project, dbt, table) for table in project.tables}
    for table in _sources_first(inputs, broken):
        try:
            for source in inputs[table]:
                if source in broken:
                    raise BrokenInput("", _written(source))
            if table.transform is None and dbt is not None and (compiled or dbt.is_judged):
                _see_that_it_is_whole(project, dbt, table)
            certify_table(workspace, table)
        except BrokenInput as error:
            broken[table] = _broken(table, f"it is made from {error.source}, which is broken", error.source)
        except DbtProblem as error:  # it names dbt's file, not that of the contract
            broken[table] = _broken(table, str(error))
        except Exception as error:  # whatever a project's own function raises
            # The table is named before its problem.
            problem = located(error, *_file(table)).replace(f": {table.at}: ", ": ", 1)
            broken[table] = _broken(table, problem)
    return Workspace(_without(project, broken), workspace.settings) if broken else workspace


def _targets(table: Table) -> list[str]:
    """Where a table goes to; raises where it has no address."""
    address = table.address
    return list(dict.fromkeys(sink.target(address) for sink in table.sinks))


def _by_target(project: Project) -> Mapping[str, Sequence[str]]:
    """The tables by each place that they go to."""
    found: dict[str, list[str]] = {}
    for table in project.tables:
        with suppress(TaxiwayError):  # told when its turn comes
            for target in _targets(table):
                found.setdefault(target, []).append(table.at)
    return found


def _sources_first(inputs: Mapping[Table, Sequence[Table]], broken: dict[Table, BrokenTable]) -> list[Table]:
    """The tables, each after those that it is made from; one that is made from itself is put among the broken."""
    done: dict[Table, None] = {}

    def visit(table: Table, readers: tuple[Table, ...]) -> None:
        if table in readers:
            circle = [*readers[readers.index(table) :], table]
            told = f"it is made from itself: {' -> '.join(each.at for each in circle)}"
            broken.update({each: _broken(each, _problem(each, told)) for each in circle})
        elif table not in done:
            for source in inputs[table]:
                visit(source, (*readers, table))
            done.setdefault(table)

    for table in inputs:
        visit(table, ())
    return [table for table in done if table not in broken]


def _inputs(project: Project, dbt: DbtProject | None, table: Table) -> list[Table]:
    """The tables of the project that a table is made from, those of a mart where dbt knows it."""
    if table.delivered is not None:
        return []
    if table.transform is None:
        try:
            read = read_by_mart(dbt, table) if dbt is not None else []
        except DefinitionError:  # told when its turn comes
            read = []
        return [project.by_address[source] for source in read if source in project.by_address]
    try:
        return [project.by_relation[name] for name in table.inputs if name in project.by_relation]
    except DefinitionError:  # told when its turn comes
        return []


def _see_that_it_is_whole(project: Project, dbt: DbtProject, mart: Table) -> None:
    """Raise where dbt has no such model or refuses one that it reads, or where it reads no table, or a broken one."""
    model = dbt.model(mart.address.name)
    for source in read_by_mart(dbt, mart):
        if any(broken.at == str(source) for broken in project.broken):
            raise BrokenInput("", str(source))
        if source not in project.by_address and source in model.sources:
            raise DefinitionError(f"its model reads {source}, which is no table of {project.name}")
    for name in model.models:
        dbt.model(name)


def read_by_mart(dbt: DbtProject, mart: Table) -> list[Address]:
    """What a mart's model reads, directly or through others: tables of the lake, and models where marts are."""
    model = dbt.model(mart.address.name)
    return [*model.sources, *(Address(mart.address.layer, name) for name in model.models)]


def _without(project: Project, broken: Mapping[Table, BrokenTable]) -> Project:
    if not broken:
        return project
    sound = tuple(table for table in project.tables if table not in broken)
    return replace(project, tables=sound, broken=(*project.broken, *broken.values()))


def _broken(table: Table, problem: str, reads: str = "") -> BrokenTable:
    return BrokenTable(_written(table), problem, reads, table.parameters)


def _problem(table: Table, why: str) -> str:
    file, line = _file(table)
    return f"{file}, line {line}: {why}"


def _file(table: Table) -> tuple[Path, int]:
    """Where the table's contract is declared."""
    return Path(inspect.getfile(table.contract)), inspect.getsourcelines(table.contract)[1]


def _written(table: Table) -> str:
    """The table's address as layer/name, whatever it is written as."""
    return table.at.replace(".", "/", 1)


def _relation(table: Table) -> str:
    return _written(table).replace("/", "_")

"""One table that is declared wrongly is told with file and line; all others are made, listed, shown and compiled."""

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import dagster as dg
import pytest
from tests.unit.cli.conftest import CommandLine, Said
from tests.unit.cli.test_processes import HIGHEST, LEVELS, PROJECT
from tests.unit.marts.dbt_folder import dbt_folder
from tests.working import LOCAL, workspace_file

from taxiway.broken import BrokenTable
from taxiway.cli import doctor
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake
from taxiway.orchestration import build_definitions
from taxiway.project_check import without_broken
from taxiway.project_loader import load_project
from taxiway.settings import load_settings

NUMBER = count()
LOWEST = HIGHEST.replace("highest", "lowest").replace("Highest", "Lowest").replace("max()", "min()")
READER = HIGHEST.replace("feature/highest", "feature/reader").replace("raw_levels", "feature_lowest")

MARTS = """
from pathlib import Path
from taxiway.contracts import Contract, Int32, column
from taxiway.tables import Table

class Level(Contract):
    \"\"\"One level.\"\"\"

    level_cm: Int32 = column("The level", unit="cm")

    class Config:
        unique = ["level_cm"]

marts = tuple(Table(f"mart/{name}", contract=Level) for name in ("first", "second", "other"))
"""
LEVEL = "select distinct level_cm from {{ source('feature', 'highest') }}"
DBT = {
    "models/sources.yml": "version: 2\nsources: [{name: feature, schema: feature, tables: "
    "[{name: highest}, {name: lowest}]}]\n",
    "models/rivers.sql": LEVEL,
    "models/first.sql": LEVEL,
    "models/second.sql": "select * from {{ ref('first') }}",
    "models/other.sql": LEVEL,
}


@pytest.fixture
def rivers(tmp_path: Path) -> Iterator[Callable[..., CommandLine]]:
    """A project of its own name whose tables are one raw one, `feature/highest`, and the files that are given.

    With `dbt`, the files of a dbt project, it also has the marts `first`, `second`, which reads it, and `other`.
    """
    made: list[str] = []

    def make(dbt: dict[str, str] | None = None, **files: str) -> CommandLine:
        name = f"rivers_{next(NUMBER)}"
        made.append(name)
        package = tmp_path / "assets" / name
        for folder in ("raw", "features"):
            (package / folder).mkdir(parents=True)
            (package / folder / "__init__.py").touch()
        (package / "project.py").write_text(PROJECT.replace("rivers.", f"{name}."))
        if dbt is not None:
            folder = dbt_folder(tmp_path / "dbt", DBT | dbt)
            (package / "project.py").write_text(
                PROJECT.replace("rivers.", f"{name}.")
                .replace("import Project, collect", f"import Project, collect\n{MARTS}")
                .replace(f'"{name}.features")', f'"{name}.features") + marts, dbt=Path({str(folder)!r})')
            )
        (package / "raw" / "levels.py").write_text(LEVELS)
        (package / "features" / "highest.py").write_text(HIGHEST)
        for file, text in files.items():
            (package / "features" / f"{file}.py").write_text(text)
        (tmp_path / "workspace.yaml").write_text(workspace_file(f"{name}.definitions", "assets"))
        settings = tmp_path / "deployments" / "local" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'{LOCAL}project = "{name}.project:project"\nfirst = "2013-01"\nend = "2013-03"\n')
        return CommandLine(tmp_path, tmp_path / "home")

    yield make
    for module in [module for module in sys.modules if module.split(".")[0] in made]:
        del sys.modules[module]
    sys.path[:] = [path for path in sys.path if path != str(tmp_path / "assets")]


def loaded(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The project as commands have it."""
    for name, value in command.variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings("local")
    return without_broken(Workspace(load_project(settings), settings))


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


SYNTAX = LOWEST.replace("@transform\n", "@transform(\n")
BREAKS = {
    "a wrong column": (LOWEST.replace("raw_levels.level_cm", "raw_levels.level_m"), "level_m", "raw_levels.level_m"),
    "a missing import": (
        LOWEST.replace("import ibis", "import no_such_package\nimport ibis", 1),
        "No module",
        "no_such",
    ),
    "a syntax error": (SYNTAX, "SyntaxError", "@transform("),
    "a name": (LOWEST.replace("contract=Lowest", "contract=Lowst"), "Lowst", "contract=Lowst"),
    "another contract": (LOWEST.replace("level_cm: Int32", "level_cm: Int64"), "must be int64", "class Lowest"),
    "no key": (LOWEST.replace('unique = ["month"]', "pass"), "has no key", "class Lowest"),
    "an operator": (LOWEST.replace("level_cm.min()", "level_cm.mode()"), "count by value", "class Lowest"),
    "no such input": (LOWEST.replace("raw_levels", "raw_depths"), "raw_depths", "class Lowest"),
    "itself": (LOWEST.replace("raw_levels", "feature_lowest"), "it is made from itself", "class Lowest"),
    "an address": (LOWEST.replace("feature/lowest", "Feature Lowest"), "is not a table address", "class Lowest"),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_file_is_told_with_its_line_and_the_others_are_whole(
    rivers: Callable[..., CommandLine], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, told, at = BREAKS[kind]
    project = loaded(rivers(lowest=text, reader=READER), monkeypatch).project
    assert [table.at for table in project.tables] == ["raw/levels", "feature/highest"]
    assert {table.at for table in project.broken} >= {"feature/reader"}
    (problem,) = [table.problem for table in project.broken if told in table.problem]
    assert f"features/lowest.py, line {line_of(text, at)}: " in problem
    assert "\n" not in problem


def test_a_broken_file_stops_its_table_and_what_is_made_from_it_alone(rivers: Callable[..., CommandLine]) -> None:
    text, told, at = BREAKS["a wrong column"]
    command = rivers(lowest=text, reader=READER)
    command.done("land")
    said = command("run", "--json")
    assert said.code == 1
    assert sorted(table["table"] for table in said.data["tables"]) == ["feature/highest", "raw/levels"]
    assert said.data["failures"] == []
    assert [table["table"] for table in said.data["broken"]] == ["feature/lowest", "feature/reader"]
    (line,) = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: feature/lowest: ")
    assert told in line
    assert f"features/lowest.py, line {line_of(text, at)}: " in line
    assert line.endswith("left out, with what is made from it: feature/reader")

    listed = command("tables", "--json")
    assert listed.code == 1
    problems = {table["table"]: table["problem"] for table in listed.data}
    assert [problems["feature/highest"], problems["raw/levels"]] == [None, None]
    assert problems["feature/reader"] == "it is made from feature/lowest, which is broken"
    assert told in listed.err
    assert "broken" in command("tables").out

    assert len(command.done("show", "feature/highest", "--json").data) == 2
    assert "SELECT" in command.done("compile", "feature/highest").out
    said = command.done("run", "feature/highest", "--json")
    assert said.data["broken"] == [], "what is not asked for is no failure"
    said = command("run", "feature/reader")
    assert said.code == 1
    (line,) = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: feature/lowest: ")
    assert told in line
    assert line.endswith("; left out for it: feature/reader"), "the cause is told though only its reader is asked for"


def test_a_broken_table_that_is_asked_for_is_told(rivers: Callable[..., CommandLine]) -> None:
    command = rivers(lowest=SYNTAX)
    command.done("land")
    said = command("run", "feature/lowest", "feature/highest", "raw", "--json")
    assert said.code == 1
    assert sorted(table["table"] for table in said.data["tables"]) == ["feature/highest", "raw/levels"]
    for words in (["run", "feature/lowest"], ["compile", "feature/lowest"], ["run", "raw", "--downstream"]):
        refused = command(*words)
        assert refused.code == 1, words
        assert "features/lowest.py, line " in refused.err
    examined = command("doctor", "--json").data
    (broken,) = [finding for finding in examined if finding["check"] == "feature/lowest"]
    assert broken["status"] == "missing"


def test_a_parameter_that_may_be_of_a_broken_table_is_a_warning(rivers: Callable[..., CommandLine]) -> None:
    declares = HIGHEST.replace("highest", "deepest").replace(
        "raw_levels: ir.Table)", "raw_levels: ir.Table, low_m: int = 1)"
    )
    command = rivers(lowest=SYNTAX, deepest=declares.replace("raw_levels.level_cm", "raw_levels.level_m"))
    settings = command.root / "deployments" / "local" / "settings.toml"
    settings.write_text(f"{settings.read_text()}\n[parameters]\nflood_cm = 3\nlow_m = 2\n")
    command.done("land", "--partition", "2013-01")
    said = command.done("run", "raw", "--partition", "2013-01")
    told = "whether anything declares parameters.flood_cm could not be checked, because feature/lowest is broken"
    assert said.err.count(told) == 1
    assert "low_m" not in said.err, "what a table declares is known though it cannot be made"
    settings.write_text(settings.read_text().replace("flood_cm", "low_n"))
    said = command("run", "raw", "--partition", "2013-01")
    assert (said.code, "did you mean low_m?" in said.err) == (2, True)


def test_a_file_that_was_copied_and_keeps_its_address_is_told(rivers: Callable[..., CommandLine]) -> None:
    command = rivers(again=HIGHEST)
    command.done("land")
    said = command("run", "--json")
    assert said.code == 1
    assert [table["table"] for table in said.data["tables"]] == ["raw/levels"]
    assert "features/again.py" in said.err
    assert "features/highest.py" in said.err
    assert "is defined twice" in said.err


def test_a_project_file_that_cannot_be_imported_is_named(rivers: Callable[..., CommandLine]) -> None:
    command = rivers()
    (project,) = command.root.glob("assets/*/project.py")
    project.write_text("import no_such_package\n")
    said = command("tables")
    assert said.code == 1
    assert f"{project}, line 1: ModuleNotFoundError: No module named 'no_such_package'" in said.err
    assert len(said.err.splitlines()) == 1


ADDRESSES = {
    "positional": (SYNTAX, ["feature/lowest"]),
    "by keyword, not the first": (
        LOWEST.replace(
            'Table("feature/lowest", contract=Lowest, transform=lowest)',
            'Table(contract=Lowst, transform=lowest, at="feature/lowest")',
        ),
        ["feature/lowest"],
    ),
    "by keyword, in no Python": (
        SYNTAX.replace(
            'Table("feature/lowest", contract=Lowest, transform=lowest)',
            'Table(contract=Lowest, transform=lowest, at="feature/lowest")',
        ),
        ["feature/lowest"],
    ),
    "two in a file": (
        LOWEST.replace("import ibis", "import no_such_package\nimport ibis", 1)
        + 'other = tables.Table(at="feature.other", contract=Lowest, transform=lowest)\n',
        ["feature/lowest", "feature/other"],
    ),
    "one that is told and one that is not": (
        LOWEST.replace("import ibis", "import no_such_package\nimport ibis", 1) + "other = Table(at=NAME)\n",
        ["feature/lowest", ""],
    ),
    "the same in no Python": (SYNTAX + "other = Table(at=NAME)\n", ["feature/lowest", ""]),
    "none": (SYNTAX.replace('"feature/lowest"', "NAME"), [""]),
    "no address": (SYNTAX.replace("feature/lowest", "?"), [""]),
    "no table": ("import no_such_package\n", [""]),
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_the_tables_of_a_file_that_cannot_be_imported_are_those_that_it_names(tmp_path: Path, kind: str) -> None:
    text, at = ADDRESSES[kind]
    file = tmp_path / "lowest.py"
    file.write_text(text)
    found = BrokenTable.of_file("rivers.lowest", file, ImportError("no"))
    assert [table.at for table in found] == [each or "rivers.lowest" for each in at]
    assert [table.has_address for table in found] == [bool(each) for each in at]


def test_a_table_that_may_be_of_a_broken_file_is_not_removed(rivers: Callable[..., CommandLine]) -> None:
    command = rivers(lowest=LOWEST)
    command.done("land")
    command.done("run")
    (package,) = command.root.glob("assets/rivers_*")
    (levels,) = package.glob("raw/levels.py")
    text = levels.read_text()
    for written, is_known in (('Table(at="raw/levels"', True), ("Table(NAME", False)):
        levels.write_text(text.replace('Table("raw/levels"', written).replace("import ibis", "import no_such", 1))
        for module in [module for module in sys.modules if module.split(".")[0] == package.name]:
            del sys.modules[module]
        said = command("tables")
        assert said.code == 1
        assert "taxiway drop" not in said.err
        assert ("it may be of a file that is broken" in said.err) == (not is_known)
        refused = command("drop", "raw/levels", "--yes")
        assert (refused.code, "use --force" in refused.err) == (2, True)
        assert "levels-2013-01.csv belongs to no table that can be made: it may be of " in said_of_files(command)
        assert "remove" not in said_of_files(command)
    command.done("drop", "raw/levels", "--yes", "--force")


def said_of_files(command: CommandLine) -> str:
    """What `doctor` says of the landing zone."""
    found = command("doctor", "--json").data
    return "\n".join(f"{each['found']}: {each['advice']}" for each in found if each["check"] == "landing")


def test_dagster_loads_with_the_broken_table_as_an_asset_that_fails(
    rivers: Callable[..., CommandLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = rivers(lowest=BREAKS["a wrong column"][0], reader=READER, words=SYNTAX.replace("feature/lowest", "?"))
    place = loaded(command, monkeypatch)
    definitions = build_definitions(place.project, place.settings)
    graph = definitions.resolve_asset_graph()
    lowest, reader = dg.AssetKey(["feature", "lowest"]), dg.AssetKey(["feature", "reader"])
    assert graph.get(reader).parent_keys == {lowest}
    assert "features/lowest.py, line " in (graph.get(lowest).description or "")
    assert [key for key in graph.get_all_asset_keys() if key.path[0] == "broken"]
    for key in (lowest, reader):
        with dg.instance_for_test() as instance:
            job = definitions.resolve_implicit_global_asset_job_def()
            ended = job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False)
        (failure,) = [event for event in ended.all_events if event.is_step_failure]
        assert key.to_user_string() in str(failure.step_failure_data.user_failure_data)


def made(said: Said) -> list[str]:
    return sorted(table["table"] for table in said.data["tables"])


def test_marts_that_read_a_broken_table_are_left_out_before_dbt_has_compiled(
    rivers: Callable[..., CommandLine],
) -> None:
    command = rivers({"models/first.sql": LEVEL.replace("highest", "lowest")}, lowest=SYNTAX)
    command.done("land")
    said = command("run", "raw", "feature", "mart", "--json")
    assert said.code == 1
    assert made(said) == ["feature/highest", "mart/other", "raw/levels"]
    assert said.data["failures"] == []
    assert [table["table"] for table in said.data["broken"]] == ["feature/lowest", "mart/first", "mart/second"]
    (line,) = [line for line in command("run", "raw", "mart/second").err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: feature/lowest: ")
    assert line.endswith("; left out for it: mart/second")


REFUSED = "dbt would not give the same marts again: model first (models/first.sql): now() is the time of the run"
LOST = "Model 'model.small.first' (models/first.sql) depends on a node named 'nothing' which was not found"
DBT_BREAKS = {
    "a model": ({"models/first.sql": "select now()"}, REFUSED, ["mart/other"]),
    "the whole": ({"models/first.sql": "select * from {{ ref('nothing') }}"}, LOST, []),
    "the settings": ({"dbt_project.yml": "vars: ["}, "dbt/dbt_project.yml is no YAML", []),
}


@pytest.mark.parametrize("kind", DBT_BREAKS)
def test_what_dbt_cannot_make_stops_its_marts_alone(
    rivers: Callable[..., CommandLine], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, told, others = DBT_BREAKS[kind]
    command = rivers(files)
    command.done("land")
    assert made(command.done("run", "raw/levels", "--json")) == ["raw/levels"]
    said = command("run", "--json")
    assert said.code == 1
    assert made(said) == ["feature/highest", *others, "raw/levels"]
    (line,) = [line for line in said.err.splitlines() if line.startswith("error: mart/first: ")]
    assert told in line

    broken = {"mart/first", "mart/second", "mart/other"} - {*others}
    listed = command("tables", "--json")
    assert listed.code == 1
    assert {table["table"] for table in listed.data if table["problem"] is not None} == broken
    assert told in listed.err

    for name, value in command.variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings("local")
    examined = {finding.check: finding for finding in doctor._project(OpenLake(settings))}
    assert {at for at, finding in examined.items() if at.startswith("mart/")} == broken
    assert told in examined["mart/first"].found
    assert examined["dbt"].status == ("ok" if others else "missing")
    graph = build_definitions(load_project(settings), settings).resolve_asset_graph()
    kinds = {key.to_user_string(): graph.get(key).kinds for key in graph.get_all_asset_keys() if key.path[0] == "mart"}
    assert {at for at, of in kinds.items() if of == {"broken"}} == broken
    assert told in (graph.get(dg.AssetKey(["mart", "first"])).description or "")
    assert graph.get(dg.AssetKey(["mart", "second"])).parent_keys == {dg.AssetKey(["mart", "first"])} or not others


def test_dagster_loads_before_dbt_has_compiled(
    rivers: Callable[..., CommandLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = loaded(rivers({}), monkeypatch)
    assert [broken.at for broken in place.project.broken] == [], "what a command lists"
    graph = build_definitions(place.project, place.settings).resolve_asset_graph()
    told = graph.get(dg.AssetKey(["mart", "other"])).description or ""
    assert "dbt has not compiled its present files; taxiway run has it do so" in told

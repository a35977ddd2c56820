"""The text of the DAG: what is in it, and what it says to Airflow; that Airflow runs it is shown in tests/e2e."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from tests.bikes import bikes
from tests.gauges.project import project as gauges_project
from tests.unit.orchestration.world import PROJECT
from tests.working import workspace

from flights.project import project
from taxiway.broken import BrokenTable
from taxiway.calendar import Calendar
from taxiway.errors import DefinitionError
from taxiway.export import Stage, render_dag, stages
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace
from taxiway.settings import load_settings

RUFF = Path(sys.executable).with_name("ruff")
# A layer whose command fills no line, and one that needs several.
LONG = tuple(f"layer_of_a_long_name_{number}" for number in range(5))
MANY = (Stage("land", ("land",), "month"), Stage("-".join(LONG), ("run", *LONG), "month", ("land",)))


def text(project: str = "flights", *ordered: Stage, zone: str = "America/New_York") -> str:
    return render_dag(project, "local", Calendar("2013-01", "2014-01", zone), ordered or MANY)


def constant(source: str, name: str) -> Any:
    """What a constant of the DAG's file holds, with its other constants by their names."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(ast.unparse(node.value).replace("PARTITION", "'PARTITION'"))
    raise AssertionError(name)


def test_a_dag_has_a_task_a_layer_in_the_order_of_the_lineage(gauges: Workspace) -> None:
    written = render_dag("gauges", "local", gauges.calendar, stages(gauges))
    assert constant(written, "COMMANDS") == {
        "raw": ["run", "raw", "--partition", "PARTITION"],
        "feature": ["run", "feature", "--partition", "PARTITION"],
    }
    assert constant(written, "AFTER") == {"feature": ["raw"]}
    assert constant(written, "ZONE") == "UTC"
    assert "start_date=datetime(2013, 1, 1," in written
    assert "end_date=datetime(2013, 4, 1," in written, "the last month begins then"


def test_what_is_without_months_is_given_none(tmp_path: Path) -> None:
    found = {stage.name: stage for stage in stages(workspace(tmp_path, PROJECT))}
    assert list(found) == ["raw", "feature", "model", "mart"]
    assert [name for name, stage in found.items() if stage.grain is None] == ["mart"]
    assert found["model"].needs == ("raw",)


def test_layers_that_read_each_other_are_one_task(tmp_path: Path) -> None:
    moved = tuple(
        replace(table, at=table.at.replace("feature/river_month", "raw/river_month")) for table in gauges_project.tables
    )
    (only,) = stages(workspace(tmp_path, replace(gauges_project, tables=moved)))
    assert only == Stage("raw-feature", ("run", "raw", "feature"), "month")


def test_a_broken_project_is_refused(tmp_path: Path) -> None:
    project = replace(gauges_project, broken=(BrokenTable("feature/gone", "it cannot be imported"),))
    with pytest.raises(DefinitionError, match="mend what is broken first: feature/gone"):
        stages(workspace(tmp_path, project))


@pytest.mark.parametrize("width", [88, 120])
@pytest.mark.parametrize("name", ["flights", 'ein "Flug" \\ in\nÖsterreich', "{{ 1 }}$x"])
def test_it_compiles_as_linters_want_it_whatever_the_project_is_called(name: str, width: int, tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(text(name))
    compile(file.read_text(), str(file), "exec")
    for words in (["check"], ["format", "--check", f"--line-length={width}"]):
        done = subprocess.run([RUFF, *words, "--isolated", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (called,) = re.findall(r'^    "(.*)",$', file.read_text().partition("with DAG(")[2], re.MULTILINE)[:1]
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", called)


def test_it_imports_airflow_alone() -> None:
    nodes = [node for node in ast.walk(ast.parse(text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes}
    outside = {str(module) for module in modules if str(module).split(".")[0] not in sys.stdlib_module_names}
    assert outside == {"airflow.sdk", "airflow.sdk.exceptions", "airflow.providers.standard.hooks.subprocess"}


def test_a_month_is_that_of_the_projects_clock() -> None:
    node = next(node for node in ast.parse(text()).body if isinstance(node, ast.FunctionDef))
    own: dict[str, Any] = {"ZONE": "America/New_York"}
    exec("from datetime import datetime, UTC\nfrom zoneinfo import ZoneInfo\n" + ast.unparse(node), own)
    midnight = own["datetime"](2013, 2, 1, 5, tzinfo=own["UTC"])
    assert own["partition_of"](midnight) == "2013-02"
    assert own["partition_of"](midnight.replace(hour=4)) == "2013-01"


def test_the_reference_project_is_a_dag(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    settings = load_settings("local", home=tmp_path)
    dbt = DbtProject.of(project, settings)
    assert dbt is not None
    dbt.prepare()
    assert render_dag(project.name, "local", settings.calendar, stages(Workspace(project, settings))) == snapshot


def test_a_project_of_hours_is_scheduled_by_the_hour(tmp_path: Path) -> None:
    place = bikes(tmp_path, end="")
    written = render_dag(place.project.name, "local", place.calendar, stages(place))
    assert 'CronDataIntervalTimetable("0 * * * *", timezone=ZONE)' in written
    assert "start_date=datetime(2013, 10, 28, tzinfo=ZoneInfo(ZONE))" in written
    assert "end_date=None" in written
    node = next(node for node in ast.parse(written).body if isinstance(node, ast.FunctionDef))
    own: dict[str, Any] = {"ZONE": place.calendar.zone}
    exec("from datetime import datetime, UTC\nfrom zoneinfo import ZoneInfo\n" + ast.unparse(node), own)
    instants = [own["datetime"](2013, 11, 3, hour, tzinfo=own["UTC"]) for hour in range(4, 9)]
    assert [own["partition_of"](at) for at in instants] == [place.calendar.key("hour", at) for at in instants]

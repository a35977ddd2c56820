"""Airflow itself runs the DAG that is written: a month of flights, and what fails and is tried again or is not."""

import os
import shlex
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.cli.conftest import SETTINGS
from tests.working import ROOT, SOAK, contents

from taxiway.lake import Lake
from taxiway.storage import Store

pytestmark = [
    pytest.mark.skipif(not SOAK, reason="Airflow is 200 MB, and takes minutes"),
    pytest.mark.timeout(1800),
]
UV = Path(sys.executable).with_name("uv")
TAXIWAY = (sys.executable, "-c", "from taxiway.cli import main; main()")


@dataclass(frozen=True)
class Airflow:
    """An Airflow of its own with one DAG, and a deployment of Taxiway's that it drives."""

    program: Path
    folder: Path
    root: Path = ROOT

    @property
    def home(self) -> Path:
        """Where Taxiway keeps everything."""
        return self.folder / "home"

    @property
    def lake(self) -> Lake:
        return Lake(Store(str(self.home / "lake")))

    def taxiway(self, *words: str, home: Path | None = None) -> str:
        """What a command prints that must go well."""
        own = {"TAXIWAY_HOME": str(home or self.home), "TAXIWAY_ROOT": str(self.root)}
        done = subprocess.run(
            [*TAXIWAY, *words], cwd=ROOT, env={**_others(), **own}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, *before: str) -> None:
        """Write the DAG, for a command with these words before it."""
        (self.folder / "dags").mkdir(parents=True)
        (self.folder / "dags" / "written.py").write_text(self.taxiway("export", "airflow"))
        paths = f"PYTHONPATH={ROOT}:{ROOT}/platform:{ROOT}/assets"
        self.airflow("db", "migrate")
        self.airflow("variables", "set", "taxiway_command", shlex.join(["env", paths, *before, *TAXIWAY]))

    def airflow(self, *words: str) -> str:
        """What Airflow prints, which ends well where the command line was right, whatever became of tasks."""
        others = {name: value for name, value in _others().items() if name != "PYTHONPATH"}
        own = {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "TAXIWAY_HOME": str(self.home),
            "TAXIWAY_ROOT": str(self.root),
        }
        done = subprocess.run(
            [self.program, *words], env={**others, **own}, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def run(self, dag: str, day: str, *options: str) -> tuple[dict[str, tuple[str, int]], str]:
        """What became of each task in a run of the month before a day, at which try, and what was printed."""
        printed = self.airflow("dags", "test", dag, day, *options)
        found = "SELECT task_id, task_instance.state, try_number FROM task_instance JOIN dag_run USING (dag_id, run_id)"
        with sqlite3.connect(self.folder / "airflow.db") as database:
            rows = database.execute(f"{found} WHERE logical_date LIKE ? || '%'", [day]).fetchall()
        assert rows, printed
        return {task: (state, tries) for task, state, tries in rows}, printed


def _others() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow in an environment of its own, as it is locked."""
    folder = tmp_path_factory.mktemp("environment")
    locked = ["--require-hashes", "--requirement", str(ROOT / "requirements" / "airflow.txt")]
    for words in (["venv", f"--python={sys.executable}", folder / "env"], ["pip", "install", *locked]):
        own = {"VIRTUAL_ENV": str(folder / "env")}
        done = subprocess.run([UV, *words], env={**os.environ, **own}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "env" / "bin" / "airflow"


def test_a_month_of_flights_is_what_the_command_line_makes(program: Path, tmp_path: Path) -> None:
    airflow = Airflow(program, tmp_path / "airflow")
    airflow.taxiway("land", "--partition", "2013-01")
    airflow.write()
    found, printed = airflow.run("flights", "2013-02-02")
    assert found == dict.fromkeys(("raw", "feature", "model", "mart"), ("success", 1)), printed

    alone = tmp_path / "alone"
    airflow.taxiway("land", "--partition", "2013-01", home=alone)
    airflow.taxiway("run", "--partition", "2013-01", home=alone)
    expected = Lake(Store(str(alone / "lake")))
    assert airflow.lake.tables() == expected.tables()
    for address in expected.tables():
        made, wanted = contents(airflow.lake, address), contents(expected, address)
        order = [(name, "ascending") for name in wanted.column_names]
        assert made.sort_by(order).equals(wanted.sort_by(order)), address


@pytest.fixture
def rivers(program: Path, tmp_path: Path) -> Airflow:
    """The gauges, of which nothing has been landed."""
    (tmp_path / "deployments" / "local").mkdir(parents=True)
    (tmp_path / "deployments" / "local" / "settings.toml").write_text(SETTINGS)
    return Airflow(program, tmp_path / "airflow", tmp_path)


def test_what_does_not_get_better_is_not_tried_again(rivers: Airflow) -> None:
    rivers.write()
    found, printed = rivers.run("gauges", "2013-02-02")
    assert found == {"raw": ("failed", 1), "feature": ("upstream_failed", 0)}, printed
    assert "exit code 2: 2013-01 has not been landed" in printed.replace("error: ", "")

    rivers.taxiway("land", "--from", "2013-01", "--to", "2013-03")
    rivers.taxiway("land", "--partition", "2013-02", "--spoil", "too-many")
    assert set(rivers.run("gauges", "2013-02-03")[0].values()) == {("success", 1)}
    found, printed = rivers.run("gauges", "2013-03-02")
    assert found == {"raw": ("failed", 1), "feature": ("upstream_failed", 0)}, printed
    assert "exit code 1" in printed
    assert set(rivers.run("gauges", "2013-04-02")[0].values()) == {("success", 1)}, "the next month is not held up"
    assert set(contents(rivers.lake, "feature/level_history")["month"].to_pylist()) == {"2013-01", "2013-03"}


def test_a_run_that_is_triggered_after_the_last_month_takes_the_one_that_is_named(rivers: Airflow) -> None:
    rivers.write()
    rivers.taxiway("land", "--partition", "2013-02")
    found, printed = rivers.run("gauges", "2014-07-02", "--conf", '{"partition": "2013-02"}')
    assert set(found.values()) == {("success", 1)}, printed
    assert set(contents(rivers.lake, "feature/level_history")["month"].to_pylist()) == {"2013-02"}


def test_a_lost_process_is_tried_again(rivers: Airflow, tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    killer = f'[ -e {lost} ] || {{ touch {lost}; kill -KILL $$; }}; exec "$0" "$@"'
    rivers.write("sh", "-c", killer)
    rivers.taxiway("land", "--partition", "2013-01")
    found, printed = rivers.run("gauges", "2013-02-02")
    assert found == {"raw": ("success", 2), "feature": ("success", 1)}, printed
    assert "its process was lost (exit code -9)" in printed


def test_a_command_that_is_not_there_is_told(rivers: Airflow) -> None:
    rivers.write()
    rivers.airflow("variables", "set", "taxiway_command", "/nowhere/taxiway")
    found, printed = rivers.run("gauges", "2013-02-02")
    assert found["raw"] == ("failed", 1), printed
    assert "set the Variable taxiway_command" in printed

"""What growing data costs, on the gauges: the figures are those of a lake made otherwise, and nothing is left."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cli import river
from tests.unit.cli.conftest import CommandLine
from tests.working import land, run_all, workspace

from taxiway.benchmark import PARTITIONS_A_STEP
from taxiway.engines import ENGINES

BENCHMARKS = """
from taxiway.benchmark import Benchmarks, Scale
from tests.gauges.project import deliveries

def months(factor):
    return tuple(f"{2013 + number // 12}-{number % 12 + 1:02d}" for number in range(factor))

def copies(factor):
    for name, data in deliveries(months(factor)):
        yield name, data.replace(GOOD, BAD)

GOOD, BAD = b"", b""
scale = Scale("readings", "raw/readings", months, copies)
benchmarks = Benchmarks((), (), scale)
"""


@pytest.fixture
def benchmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the project's benchmarks."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").write_text(BENCHMARKS)
    monkeypatch.setattr(river, "project", replace(river.project, benchmarks=folder))
    return folder


def left(command: CommandLine) -> list[str]:
    scratch = command.home / "scratch"
    return [path.name for path in scratch.iterdir() if path.name != ".in-use"] if scratch.is_dir() else []


@pytest.mark.usefixtures("benchmarks")
def test_the_figures_are_those_of_the_lake(fresh: CommandLine, tmp_path: Path):
    said = fresh.done("bench", "scale", "--factor", "5", "--factor", "2", "--partitions-a-step", "2", "--json")
    first, second = said.data["runs"]
    place = workspace(tmp_path / "other", months=5)
    land(place)
    rows = {outcome.address: sum(result.rows or 0 for result in outcome.partitions) for outcome in run_all(place)}
    assert {table["table"]: table["rows"] for table in first["tables"]} == rows
    assert (first["factor"], first["partitions"], first["counted"]) == (5, 5, rows["raw/readings"])
    assert first["rows"] == sum(rows.values())
    assert first["bytes_landed"] == sum(file.size for file in place.landing.listing().files)
    for table in first["tables"]:
        files = place.lake.open(place.project.table(table["table"]).address).files
        # Rows have no order that is kept, and files of few rows are some percent larger in one than in another.
        assert table["bytes"] == pytest.approx(sum(file.bytes for file in files), rel=0.1)
    assert first["bytes_written"] > sum(table["bytes"] for table in first["tables"])
    assert 0 < sum(first["phases"].values()) < first["seconds"]
    assert first["seconds_a_million"] == pytest.approx(first["seconds"] / first["counted"] * 1e6)
    assert first["rows_a_second"] == pytest.approx(first["rows"] / first["seconds"])
    assert min(first["peak_bytes"], first["cpu_seconds"], first["landing_seconds"], first["start_seconds"]) > 0
    (growth,) = said.data["growth"]
    assert (growth["from_factor"], growth["to_factor"]) == (2, 5)
    assert growth["times"] == pytest.approx(first["seconds_a_million"] / second["seconds_a_million"])
    assert "raw/readings 2013-03 to 2013-04: " in said.err, "progress is told"
    assert left(fresh) == []


@pytest.mark.usefixtures("benchmarks")
def test_earlier_results_are_told_written_and_drawn_with_new_ones(fresh: CommandLine, tmp_path: Path):
    earlier, again = tmp_path / "earlier.json", tmp_path / "again.json"
    earlier.write_text(fresh.done("bench", "scale", "--factor", "1", "--json").out)
    page, plot = tmp_path / "docs" / "scale.md", tmp_path / "docs" / "scale.svg"
    words = ["bench", "scale", "--with", str(earlier), "--write", str(page), "--plot", str(plot)]
    said = fresh.done(*words, "--factor", "2")
    assert "duckdb, 12 partitions at a time, 4GB: from factor 1 to 2 a row costs " in said.out
    text = page.read_text()
    assert "## duckdb, 12 partitions at a time, 4GB: factor 1" in text
    assert "## duckdb, 12 partitions at a time, 4GB: factor 2" in text
    assert "![seconds a million readings against their number](scale.svg)" in text
    assert "no factor was measured on both" in text
    assert plot.read_text().startswith("<?xml")
    again.write_text(fresh.done("bench", "scale", "--with", str(earlier), "--json").out)
    assert json.loads(again.read_text()) == json.loads(earlier.read_text())


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "say how many copies to measure, with --factor N"),
        (["--factor", "0"], 2, "Invalid value for '--factor'"),
        (["--factor", "-3"], 2, "Invalid value for '--factor'"),
        (["--factor", "1", "--engine", "sparc"], 2, "there is no engine 'sparc'; did you mean spark?"),
        (["--factor", "1", "--memory", "4"], 2, "'4' is no memory limit: write it as 4GB or 512MiB"),
        (["--factor", "1", "--plot", "."], 2, "--plot . is a folder: name a file"),
        (["--with", "pyproject.toml"], 2, "pyproject.toml does not hold what taxiway bench scale --json prints"),
    ],
)
def test_wrong_use_is_one_line(fresh: CommandLine, words: list[str], code: int, told: str):
    said = fresh("bench", "scale", *words)
    assert (said.code, said.out) == (code, "")
    assert len(said.err.splitlines()) == 1
    assert told in said.err
    assert left(fresh) == []


@pytest.mark.usefixtures("benchmarks")
def test_a_disk_that_is_too_small_is_told_before_anything_starts(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    said = fresh("bench", "scale", "--factor", "3")
    assert said.code == 1
    assert "factor 3 needs some " in said.err.splitlines()[-1]
    assert "ask for a smaller factor" in said.err.splitlines()[-1]
    assert "landed" not in said.err
    assert left(fresh) == []


@pytest.mark.usefixtures("benchmarks")
def test_spark_without_java_is_one_line(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    said = fresh("bench", "scale", "--factor", "1", "--engine", "spark")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("error: the engine spark needs ")
    assert left(fresh) == []


def test_a_refused_month_fails_with_its_reason(fresh: CommandLine, benchmarks: Path):
    (benchmarks / "__init__.py").write_text(BENCHMARKS.replace('b"", b""', 'b"Z,1", b"Z,high"'))
    said = fresh("bench", "scale", "--factor", "1")
    assert said.code == 1
    assert "raw/readings: " in said.err.splitlines()[-1]
    assert left(fresh) == []


def test_a_project_without_copies_says_so(fresh: CommandLine, benchmarks: Path):
    (benchmarks / "__init__.py").write_text(BENCHMARKS.replace("(), (), scale", "(), ()"))
    said = fresh("bench", "scale", "--factor", "1")
    assert said.code == 2
    assert "gauges offers no copies of its data" in said.err


def test_every_engine_has_a_default():
    assert set(PARTITIONS_A_STEP) == set(ENGINES)

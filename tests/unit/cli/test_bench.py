from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cli import river
from tests.unit.cli.conftest import CommandLine

BENCHMARKS = """
import sys
from taxiway.benchmark import Benchmarks, Command, Measure, Step, Trial, at_most

def steps(folder):
    for name in ("ours", "theirs"):
        yield Step(name, (Command((sys.executable, "-c", "")),))

def judge(results):
    return [at_most("ours against theirs", results.ratio("ours", "theirs"), 1000)]

benchmarks = Benchmarks((Trial("both", steps),), (Measure("speed", "How fast", ("both",), ("ours", "theirs"), judge),))
"""


@pytest.fixture
def benchmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the project's benchmarks."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").write_text(BENCHMARKS)
    monkeypatch.setattr(river, "project", replace(river.project, benchmarks=folder))
    return folder


@pytest.mark.usefixtures("benchmarks")
def test_bench_measures_and_writes_the_report(fresh: CommandLine, tmp_path: Path):
    report = tmp_path / "docs" / "found.md"
    said = fresh.done("bench", "--repeat", "2", "--write", str(report), "--json")
    (measure,) = said.data["measures"]
    assert len(measure["steps"]["ours"]) == 2
    assert measure["targets"][0]["is_met"] is True
    assert "[2/2] theirs: " in said.err, "progress is told"
    text = report.read_text()
    assert "Written by `taxiway bench --repeat 2`." in text
    assert "| speed | ours against theirs |" in text
    assert [path.name for path in (fresh.home / "scratch").iterdir()] == [".in-use"]


@pytest.mark.usefixtures("benchmarks")
def test_one_measure_is_printed_and_not_written(fresh: CommandLine):
    said = fresh.done("bench", "--only", "speed", "--repeat", "1")
    assert "ours against theirs" in said.out
    assert not (fresh.root / "docs").exists()


def test_a_measure_whose_engine_is_not_here_is_left_out(
    fresh: CommandLine, benchmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    more = """
more = Measure("cluster", "How fast on Spark", ("both",), ("ours", "theirs"), judge, engine="spark")
benchmarks = Benchmarks(benchmarks.trials, (*benchmarks.measures, more))
"""
    (benchmarks / "__init__.py").write_text(BENCHMARKS + more)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = fresh.done("bench", "--repeat", "1", "--write", str(tmp_path / "found.md"), "--json")
    assert [measure["measure"] for measure in said.data["measures"]] == ["speed"]
    assert "cluster is left out: the engine spark needs" in said.err
    asked = fresh("bench", "--only", "cluster")
    assert (asked.code, asked.out) == (1, "")
    assert "the engine spark needs" in asked.err


@pytest.mark.usefixtures("benchmarks")
def test_an_unknown_measure_is_wrong_use(fresh: CommandLine):
    said = fresh("bench", "--only", "sped")
    assert (said.code, said.out) == (2, "")
    assert "there is no measure 'sped'; did you mean speed?" in said.err


def test_a_missing_checkout_is_one_clear_line(fresh: CommandLine, benchmarks: Path):
    (benchmarks / "__init__.py").unlink()
    said = fresh("bench")
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert f"the benchmarks of gauges are in its checkout and {benchmarks} is not there" in said.err


def test_a_project_without_benchmarks_says_so(fresh: CommandLine):
    said = fresh("bench")
    assert said.code == 2
    assert "gauges has no benchmarks" in said.err


def test_a_package_without_benchmarks_is_told(fresh: CommandLine, benchmarks: Path):
    (benchmarks / "__init__.py").write_text("")
    said = fresh("bench")
    assert said.code == 1
    assert "define `benchmarks`, of type taxiway.benchmark.Benchmarks" in said.err


def test_a_command_that_fails_ends_the_benchmark(fresh: CommandLine, benchmarks: Path):
    (benchmarks / "__init__.py").write_text(BENCHMARKS.replace('"-c", ""', '"-c", "1 / 0"'))
    said = fresh("bench")
    assert said.code == 1
    assert "ZeroDivisionError" in said.err

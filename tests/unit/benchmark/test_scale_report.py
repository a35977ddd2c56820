"""What is concluded from runs of growing data: growth within a series, and when to change engines."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from taxiway.benchmark import Command, Machine, ScaleRun, follow, growth
from taxiway.benchmark.process import BenchmarkFailed
from taxiway.benchmark.scale import megabytes
from taxiway.benchmark.scale_report import against, draw, scale_markdown, when_to_change
from taxiway.benchmark.watch import Watch
from taxiway.errors import UsageError

MACHINE = Machine("A CPU", 2, 8_000_000_000, "Linux", "CPython 3.11", {"duckdb": "1.5"})
RUN = ScaleRun(
    engine="duckdb",
    factor=1,
    partitions=12,
    partitions_a_step=12,
    memory_limit="4GB",
    what="flights",
    counted=1_000_000,
    rows=9_000_000,
    landing_seconds=1,
    start_seconds=1,
    seconds=10,
    cpu_seconds=12,
    peak_bytes=10**9,
    bytes_landed=10**8,
    bytes_written=10**8,
    tables=(),
    machine=MACHINE,
)


def run(engine: str, factor: int, seconds_a_million: float, partitions_a_step: int = 12) -> ScaleRun:
    counted = factor * RUN.counted
    seconds = seconds_a_million * factor
    return replace(
        RUN, engine=engine, factor=factor, counted=counted, seconds=seconds, partitions_a_step=partitions_a_step
    )


def test_growth_is_from_a_factor_to_the_next_of_the_same_series():
    runs = [run("duckdb", 10, 30), run("duckdb", 1, 10), run("spark", 3, 50), run("duckdb", 3, 20)]
    runs += [run("duckdb", 5, 40, partitions_a_step=0), replace(run("duckdb", 5, 40), memory_limit="1GB")]
    runs += [run("duckdb", 3, 25)]
    assert [(name, a.factor, b.factor, times) for name, a, b, times in growth(runs)] == [
        ("duckdb, 12 partitions at a time, 4GB", 1, 3, 2.0),
        ("duckdb, 12 partitions at a time, 4GB", 3, 10, 1.5),
    ]


def test_engines_are_changed_where_the_other_is_cheaper():
    runs = [run("duckdb", 1, 10), run("spark", 1, 90), run("duckdb", 10, 40), run("spark", 10, 30)]
    assert when_to_change(runs) == (
        "Change to Spark at 10,000,000 flights: there DuckDB takes 40.00 s a million against 30.00 s."
    )
    assert when_to_change(runs[:2]).startswith("Stay on DuckDB up to 1,000,000 flights")
    assert "10.00 s a million against 90.00 s on Spark" in when_to_change(runs[:2])
    assert "not known" in when_to_change(runs[2:3])


def test_engines_are_compared_with_their_start_and_by_the_cheapest_run():
    runs = [run("spark", 3, 58 / 3), run("duckdb", 1, 9), run("spark", 1, 59), run("duckdb", 3, 29 / 3)]
    runs += [run("spark", 1, 99, partitions_a_step=0), run("spark", 10, 30)]
    assert against(runs) == [
        "factor 1, start included: Spark takes 6.00× DuckDB's time",
        "factor 3, start included: Spark takes 1.97× DuckDB's time",
    ]
    assert against(runs[-1:]) == []


def test_the_page_tells_the_machine_once():
    text = scale_markdown([run("duckdb", 1, 10), run("spark", 1, 90)])
    assert text.count("A CPU, 2 cores") == 1
    assert "![" not in text


def test_a_format_that_there_is_not_is_wrong_use(tmp_path: Path):
    with pytest.raises(UsageError, match=r"scale\.tabular: .*name it \.svg or \.png"):
        draw([RUN], tmp_path / "scale.tabular")


@pytest.mark.parametrize(("limit", "found"), [("4GB", 3814), ("512MiB", 512), ("1.5 GiB", 1536), ("100MB", 95)])
def test_memory_limits_in_mebibytes(limit: str, found: int):
    assert megabytes(limit) == found


def test_what_a_process_and_its_children_hold_is_counted_together():
    size = 150_000_000
    hold = f"held = bytearray({size}); print('told', flush=True)"
    child = f"import sys, time; {hold}; time.sleep(1.5)"
    code = f"import subprocess, sys, time; {hold}; subprocess.run([sys.executable, '-c', {child!r}])"
    heard: list[str] = []
    found = follow(Command((sys.executable, "-c", code)), heard.append)
    assert heard == ["told\n", "told\n"]
    assert found.peak_bytes > 2 * size
    assert found.wall_seconds > 1.5
    assert found.cpu_seconds > 0


def test_a_copy_of_a_process_that_is_there_for_a_moment_does_not_count():
    size = 150_000_000
    code = f"""
import os, signal
held = bytearray({size})
copy = os.fork()
if not copy:
    signal.pause()
print(copy, flush=True)
os.waitpid(copy, 0)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        copy = int(process.stdout.readline())
        watch = Watch(process.pid)
        watch.look()
        assert size < watch.peak_bytes < 1.5 * size
        watch.look()
        assert watch.peak_bytes > 2 * size
        os.kill(copy, signal.SIGKILL)
        assert process.wait(timeout=60) == 0


def test_a_followed_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(BenchmarkFailed, match="ended with 1: out of luck"):
        follow(Command((sys.executable, "-c", "import sys; sys.exit('out of luck')")), print)

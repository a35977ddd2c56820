"""The flights on a real cluster, a master and two workers; its driver and then a worker are killed in mid-run."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.parity.cluster import Cluster, free_port, running
from tests.parity.test_whole_year import MONTHS, TABLES, compute, differing, home
from tests.working import ROOT, SOAK, unavailable

from taxiway.engines import check_engine, open_engine
from taxiway.errors import EngineError
from taxiway.materialise import Workspace
from taxiway.settings import load_settings

# What comes before and after the kills; the soak has all raw and feature tables.
WITH_KILLS = ("feature/flights", "feature/carrier_punctuality", "feature/origin_congestion")
MADE = ("raw", "feature") if SOAK else ("raw", *WITH_KILLS)
CHOSEN = tuple(table for table in TABLES if {table.at, table.address.layer} & set(MADE))
TAXIWAY = Path(sys.executable).with_name("taxiway")
RUN_S = 1500


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    made = home(tmp_path / "home")
    try:
        check_engine(made.settings, "spark")
    except EngineError as error:
        unavailable(str(error))
    return made


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running(tmp_path / "cluster") as started:
        yield started


def start(place: Workspace, cluster: Cluster) -> subprocess.Popen[str]:
    """`taxiway run` of the tables on the cluster, in a process of its own."""
    variables = os.environ | {
        "TAXIWAY_HOME": str(place.settings.home),
        "TAXIWAY_SPARK_MASTER": cluster.master,
        "TAXIWAY_END": place.settings.end,
    }
    command = [TAXIWAY, "run", *MADE, "--engine", "spark"]
    return subprocess.Popen(
        command, env=variables, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )


def hear(run: subprocess.Popen[str], pattern: str) -> str:
    """What the run says up to a line that matches."""
    assert run.stderr is not None
    said = ""
    end = time.monotonic() + RUN_S
    for line in run.stderr:
        said += line
        if re.search(pattern, line):
            return said
        assert time.monotonic() < end, f"waited for {pattern!r}: {said}"
    raise AssertionError(f"the run ended before it said {pattern!r}: {said}")


@pytest.mark.timeout(2 * RUN_S)
def test_a_killed_driver_and_a_killed_worker_cost_time_and_nothing_else(place: Workspace, cluster: Cluster) -> None:
    driver = start(place, cluster)
    hear(driver, "started feature/carrier_punctuality")
    driver.kill()
    driver.wait()
    published = {table.at for table in CHOSEN if place.lake.find(table.address) is not None}
    assert "feature/flights" in published
    assert "feature/origin_congestion" not in published

    run = start(place, cluster)
    hear(run, "started feature/origin_congestion")
    cluster.kill("worker-1")
    said = hear(run, "done +feature/origin_congestion")
    assert run.wait(timeout=RUN_S) == 0, said

    expected = home(place.settings.home.parent / "expected")
    compute(expected, open_engine(expected.settings, "duckdb"), MONTHS, CHOSEN)
    for table in CHOSEN:
        assert differing(expected, place, table.address, table.rules.key) == [], table.at


def test_a_master_that_does_not_answer_is_told_in_one_line(place: Workspace) -> None:
    master = f"spark://127.0.0.1:{free_port()}"
    settings = load_settings("local", root=ROOT, home=place.settings.home, spark_master=master)
    with pytest.raises(EngineError, match=rf"{master} does not answer .*TAXIWAY_SPARK_MASTER"):
        check_engine(settings, "spark")

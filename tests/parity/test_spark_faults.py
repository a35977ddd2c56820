"""Spark failing: one clear line within a bounded time, whatever fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.parity.spark_fault import CASES
from tests.working import OWN_MOUNTS, ROOT, SOAK, see_own_mounts, unavailable, workspace

from taxiway.engines import check_engine
from taxiway.errors import EngineError

WAIT_S = 600
# Told as another is that comes about in a simpler way.
ALIKE = ("silent_repository", "no_memory_of_its_own")

SAID = {
    "no_session": r"Spark cannot start \(.*maximum heap.*\); see .*spark\.log, and taxiway doctor",
    "wrong_setting": r"Spark cannot start \(.*'zipped' in the config .*codec. is invalid",
    "another_session": "this process has a Spark session of its own; stop it first, or compute on duckdb",
    "no_jars": r"Spark's jars \(io\.delta:delta-spark_4\.1_2\.13:0\.0\.0\) cannot be had; connect to Maven Central",
    "silent_repository": r"Spark's jars \(io\.delta:delta-spark_4\.1_2\.13:0\.0\.0\) cannot be had; connect to Maven",
    "silent_master": r"the Spark master spark://127\.0\.0\.1:\d+ does not answer; start it",
    "no_workers": r"the Spark master spark://.* gave no worker within 10 s; start workers, or see that they have",
    "lost_cluster": r"Spark lost its workers \(.*\); see that they run and have room, and run again",
    "no_memory": r"Spark's memory ran out \(.*\); raise spark\.driver\.memory or spark\.executor\.memory in \[spark\]",
    "no_memory_of_its_own": r"Spark's memory ran out \(.*\); raise spark\.driver\.memory or spark\.executor",
    "killed": r"Spark cannot go on \(its process has ended with code -9, killed, .*\); see spark\.log, and run",
    "no_room": r"the disk is full \(.*No space left on device.*\); make room for TAXIWAY_HOME/scratch",
    "second_session": "the second one finds it unchanged",
}


@pytest.fixture(autouse=True)
def _spark(tmp_path: Path) -> None:
    try:
        check_engine(workspace(tmp_path / "home").settings, "spark")
    except EngineError as error:
        unavailable(str(error))


@pytest.mark.timeout(WAIT_S + 60)
@pytest.mark.parametrize("case", [case for case in CASES if SOAK or case not in ALIKE])
def test_what_fails_is_told_in_one_line(case: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.parity.spark_fault", case, str(tmp_path / "place")]
    if case == "no_room":
        see_own_mounts(tmp_path)
        command = [*OWN_MOUNTS, *command]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (said,) = done.stdout.splitlines()
    assert re.fullmatch(f"{SAID[case]}.*", said), said

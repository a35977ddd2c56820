"""Copies of the real year through the whole command: all rows that were delivered, and what it started is ended."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.benchmarks.copies import copies
from tests.working import ROOT, SOAK

from flights.project import project

FACTOR = 3
PROGRAM = [sys.executable, "-c", "from taxiway.cli import main; main()", "bench", "scale"]


def variables(home: Path) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TAXIWAY_")}
    return others | {"TAXIWAY_ROOT": str(ROOT), "TAXIWAY_HOME": str(home)}


def left(home: Path) -> list[str]:
    return [path.name for path in (home / "scratch").iterdir() if path.name != ".in-use"]


@pytest.mark.timeout(900)
@pytest.mark.skipif(not SOAK, reason="several years take minutes; tests/unit/cli/test_scale.py has the figures")
def test_copies_run_on_duckdb(tmp_path: Path):
    words = ["--factor", str(FACTOR), "--engine", "duckdb", "--json"]
    said = subprocess.run(
        [*PROGRAM, *words], env=variables(tmp_path), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    (run,) = json.loads(said.stdout)["runs"]
    files = dict(copies(FACTOR))
    delivered: Counter[str] = Counter()
    for name, data in files.items():
        delivered[name.partition(".")[0].partition("-")[0]] += data.count(b"\n") - 1
    tables = {table["table"]: table for table in run["tables"]}
    assert set(tables) == {table.at for table in project.tables if table.address.layer in ("raw", "feature")}
    for name, rows in delivered.items():
        assert tables[f"raw/{name}"]["rows"] + tables[f"raw/{name}"]["rejected"] == rows
    assert {table["rows"] for at, table in tables.items() if at.startswith("feature/")} == {delivered["flights"]}
    # The one wind of the year that cannot be.
    assert {at: table["rejected"] for at, table in tables.items() if table["rejected"]} == {"raw/weather": FACTOR}
    assert run["counted"] == delivered["flights"]
    assert run["bytes_landed"] == sum(map(len, files.values()))
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_was_started_and_leaves_nothing(tmp_path: Path, kind: signal.Signals):
    words = ["--factor", "1", "--engine", "duckdb"]
    process = subprocess.Popen([*PROGRAM, *words], env=variables(tmp_path), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("the engine has started"):
            assert started(tmp_path)
            process.send_signal(kind)
            break
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert started(tmp_path) == []
    assert left(tmp_path) == []


def started(home: Path) -> list[str]:
    """The processes that work below a home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"TAXIWAY_HOME={home}/".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found

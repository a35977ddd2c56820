"""A further deployment, made from one folder without code: its runs are those of the queue, and it is gone again."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.test_staging import START_S, call, free_ports, unavailable_parts
from tests.working import ROOT

# Whatever is slow here is waited for by bounds of its own.
pytestmark = pytest.mark.timeout(900)

QUEUED = re.compile(r"(?m)^queued  run (\S+)$")


@dataclass(frozen=True)
class Deployment:
    """A deployment in a root of its own, seen from a shell."""

    root: Path
    port: int

    def call(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return call(self.root / "home", *words, TAXIWAY_ROOT=str(self.root), **variables)

    def variables(self, who: str) -> Mapping[str, str]:
        """What the file of a role exports."""
        lines = (self.root / "home" / "stack" / "as" / who).read_text().splitlines()
        pairs = [shlex.split(line)[1].split("=", 1) for line in lines]
        return {name: value for name, value in pairs if name not in {"TAXIWAY_ROOT", "TAXIWAY_HOME"}}

    def done(self, *words: str, who: str = "publisher") -> subprocess.CompletedProcess[str]:
        ended = self.call(*words, **self.variables(who))
        assert ended.returncode == 0, ended.stderr
        return ended


@pytest.fixture(scope="module")
def qa() -> Iterator[Deployment]:
    """Made, started, ended and removed."""
    unavailable_parts()
    root = Path(tempfile.mkdtemp(prefix="qa-"))
    root.chmod(0o711)
    shutil.copytree(ROOT / "deployments", root / "deployments")
    shutil.copy(ROOT / "workspace.yaml", root)
    made = Deployment(root, free_ports())
    try:
        written = made.call("deployment", "new", "qa")
        assert written.returncode == 0, written.stderr
        assert sorted(file.name for file in (root / "deployments" / "qa").iterdir()) == [
            "dagster.yaml",
            "settings.toml",
        ]
        started = made.call("deployment", "start", "qa", "--port", str(made.port), TAXIWAY_AUTOMATION="false")
        assert started.returncode == 0, started.stderr
        made.done("land", "--month", "2013-01")
        yield made
        ended = made.call("deployment", "stop", "qa")
        assert ended.returncode == 0, ended.stderr
        shutil.rmtree(root / "deployments" / "qa")
        assert "deployment 'qa' has no settings" in made.call("deployment", "status", "qa").stderr
    finally:
        made.call("deployment", "stop", "qa")
        shutil.rmtree(root)


def test_a_run_is_followed_as_one_of_this_process_is(qa: Deployment) -> None:
    ended = qa.done("run", "raw/airlines", "raw/airports", "--json")
    told = json.loads(ended.stdout)
    assert told["succeeded"]
    assert {table["table"]: table["rows"] for table in told["tables"]} == {"raw/airlines": 16, "raw/airports": 1462}
    lines = [line.split(",")[0] for line in ended.stderr.splitlines()]
    assert QUEUED.search(ended.stderr)
    assert [line for line in lines if line.startswith("started")] == ["started raw/airlines", "started raw/airports"]
    assert "16 rows" in ended.stderr


def test_the_lake_is_the_deployments_own(qa: Deployment) -> None:
    ended = qa.call("doctor", "--json", **qa.variables("publisher"))
    found = {finding["check"]: finding for finding in json.loads(ended.stdout)}
    assert found["owner"]["found"] == "the lake is of qa"
    assert {found[check]["status"] for check in ("lake/", "landing/", "beside lake", "dagster storage", "queue")} == {
        "ok"
    }
    as_staging = {**qa.variables("publisher"), "TAXIWAY_DEPLOYMENT": "staging", "TAXIWAY_RUNS": "process"}
    refused = qa.call("drop", "raw/airlines", "--yes", "--force", **as_staging)
    assert refused.returncode == 1
    assert "is of deployment 'qa', and this is 'staging'" in refused.stderr


def test_who_may_not_write_starts_nothing(qa: Deployment) -> None:
    refused = qa.call("run", "raw/airlines", **qa.variables("reader"))
    assert refused.returncode == 2
    assert "Dagster's storage does not take the run (permission denied" in refused.stderr


def test_a_run_that_fails_is_told_with_its_reason(qa: Deployment) -> None:
    qa.done("land", "--month", "2013-02", "--spoil", "duplicate-key")
    ended = qa.call("run", "raw/flights", "--month", "2013-02", **qa.variables("publisher"))
    assert ended.returncode == 1
    assert "raw/flights" in ended.stderr.split("error:")[1]


def test_who_stops_following_leaves_the_run_and_may_end_it(qa: Deployment) -> None:
    own = {"TAXIWAY_ROOT": str(qa.root), "TAXIWAY_HOME": str(qa.root / "home")}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("taxiway"), "run", "raw", "feature", "--month", "2013-01"],
        cwd=ROOT,
        env={**os.environ, **qa.variables("publisher"), **own},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    heard = ""
    for line in process.stderr:
        heard += line
        if line.startswith("started"):
            process.send_signal(signal.SIGINT)
            break
    heard += process.communicate(timeout=START_S)[1]
    assert process.returncode == 130, heard
    found = QUEUED.search(heard)
    assert found is not None, heard
    assert f"it goes on; end it with: taxiway run --cancel {found[1]}" in heard
    assert qa.done("run", "--cancel", found[1]).stdout == f"the run {found[1]} has ended: CANCELED\n"
    again = qa.call("run", "--cancel", found[1], **qa.variables("publisher"))
    assert again.returncode == 2
    assert "has ended already: CANCELED" in again.stderr

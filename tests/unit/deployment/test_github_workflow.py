"""The workflow for a project on GitHub: what linters let pass, and made of commands that there are."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.working import ROOT, SOAK, unavailable

FILE = ROOT / "deployments" / "ci" / "github.yml"
# YAML takes the key `on` for a boolean.
WORKFLOW = yaml.load(FILE.read_text(), Loader=yaml.BaseLoader)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
CHECKER = Path(sys.executable).with_name("check-jsonschema")
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def commands(job: str) -> Iterator[list[str]]:
    """The commands of a job, each as its words."""
    for step in JOBS[job]["steps"]:
        for line in step.get("run", "").splitlines():
            yield line.split()


def test_it_is_a_workflow() -> None:
    if not CHECKER.is_file():
        unavailable("check-jsonschema is not installed: make setup-dev")
    words = [CHECKER, "--builtin-schema", "vendor.github-workflows", FILE]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not SOAK, reason="it is compiled first")
def test_actionlint_lets_it_pass(tmp_path: Path) -> None:
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        pytest.skip("there is no Go")
    labels = tmp_path / "actionlint.yaml"
    labels.write_text("self-hosted-runner:\n  labels: [staging, production]\n")
    words = [go, "run", ACTIONLINT, "-config-file", labels, FILE]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("job", JOBS)
def test_each_step_is_a_command_that_there_is(job: str) -> None:
    rendered: set[str] = set()
    for program, *words in commands(job):
        if program == "make":
            assert set(words) <= TARGETS, words
        elif program == "docker":
            assert words[:2] == ["compose", "--file"], words
            assert words[2] in rendered, "it is written by an earlier step"
        else:
            assert program == ".venv/bin/taxiway", program
            # Options that it does not know are an error all the same.
            asked = [sys.executable, "-c", "from taxiway.cli import main; main()", *words, "--help"]
            done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            if words[:2] == ["deployment", "render"]:
                assert (ROOT / "deployments" / words[2] / "settings.toml").is_file()
                rendered.add(f"{words[words.index('--to') + 1]}/compose.yaml")


def test_make_tells_of_each_target() -> None:
    # A make that was started by make names its folder first.
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = {line.split()[1] for line in done.stdout.splitlines()}
    documented = re.findall(r"^([^\s:#]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told == set(documented)
    assert "oauth2-proxy" in told


def test_production_follows_staging_and_is_approved() -> None:
    assert JOBS["production"]["needs"] == ["staging"]
    assert JOBS["production"]["environment"] == "production"
    assert set(JOBS["staging"]["needs"]) == set(JOBS) - {"staging", "production"}
    # A job is left out where one that it needs is: production cannot be released without staging.
    assert "if" not in JOBS["production"]
    for released in ("staging", "audit"):
        assert JOBS[released]["if"] == "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'"


def test_actions_are_pinned_and_may_only_read() -> None:
    used = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v[0-9]+", action) for action in used)
    assert WORKFLOW["permissions"] == {"contents": "read"}

"""What the demo prints to try next and what CONTRIBUTING says to type, pasted in order on real flights."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.working import ROOT

from flights.project import project

# Two months are enough for what is printed; the whole year is the demo's work.
MONTHS = {"TAXIWAY_FIRST": "2013-01", "TAXIWAY_END": "2013-03"}
SPOILT = "a spoilt delivery is refused, and what is published stays as it is"


@dataclass(frozen=True)
class Shell:
    """A shell in a checkout of its own, which shares the environment of this one."""

    root: Path

    def __call__(self, line: str) -> subprocess.CompletedProcess[str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("TAXIWAY_")}
        env = others | MONTHS | {"PYTHONPATH": str(self.root / "assets"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            line, shell=True, cwd=self.root, env=env, capture_output=True, text=True, timeout=600, check=False
        )

    def done(self, line: str) -> str:
        ended = self(line)
        assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def not_whole(self) -> dict[str, object]:
        """The tables that lack something, or are not of the project."""
        listed = json.loads(self.done(".venv/bin/taxiway tables --json"))
        return {
            table["table"]: table for table in listed if table["missing"] or table["stale"] or not table["in_project"]
        }


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    for name in ("assets", "dbt_project", "deployments"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("target", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return Shell(tmp_path)


@pytest.mark.timeout(900)
def test_what_is_printed_can_be_pasted_in_order_and_ends_in_a_whole_lake(shell: Shell) -> None:
    printed = shell.done(".venv/bin/taxiway demo").splitlines()
    tour = {line.removeprefix("# "): printed[n + 1] for n, line in enumerate(printed) if line.startswith("# ")}
    assert list(tour) == list(project.tour)
    for shows, line in tour.items():
        ended = shell(line)
        assert ended.returncode == (1 if shows == SPOILT else 0), f"{line}: {ended.stdout}{ended.stderr}"
    assert shell.not_whole() == {}

    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("make ")]
    assert len(lines) == 7
    for line in lines:
        shell.done(line)
    assert shell.not_whole() == {}
    assert not (shell.root / ".taxiway" / "lake" / "feature" / "busy_months").exists()

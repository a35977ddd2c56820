"""docs/from-pandas.md, run from top to bottom: its files are written, its commands run, its outputs compared."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.engines import check_engine
from taxiway.errors import EngineError
from taxiway.settings import load_settings

PAGE = ROOT / "docs" / "from-pandas.md"
BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r'# (\S+\.py)(?: (from|to|instead of) "(.+)")?\n')


class Reader:
    """Does what the page says, in a copy of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in ("assets", "deployments", "dbt_project"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"TAXIWAY_ROOT": root, "TAXIWAY_HOME": root / ".taxiway", "PYTHONPATH": root / "assets", "PATH": path}
        self.environment = os.environ | {name: str(value) for name, value in own.items()}

    def write(self, block: str) -> None:
        """Write a file, or the part of it that its first line names by how the other part, or the line, begins."""
        match = FILE.match(block)
        assert match, block
        name, part, mark = match.groups()
        file, text = self.root / name, block[match.end() :]
        if part is None:
            file.write_text(text)
            return
        old = file.read_text()
        begin = old.index(f"\n{mark}") + 1
        if part == "from":
            file.write_text(old[:begin] + text)
        elif part == "to":
            file.write_text(f"{text}\n\n{old[begin:]}")
        else:
            file.write_text(old[:begin] + text + old[old.index("\n", begin) + 1 :])

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, shell=True, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )


def commands() -> Iterator[tuple[str, str]]:
    """The blocks of the page, a command of a shell at a time."""
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind == "sh":
            yield from (("sh", line) for line in text.splitlines())
        else:
            yield kind, text


def can_run_spark() -> bool:
    try:
        check_engine(load_settings("local", root=ROOT), "spark")
    except EngineError:
        # What must be there is required by the tests of parity.
        return False
    return True


@pytest.mark.timeout(1200)
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    said, codes = "", []
    for kind, text in commands():
        if kind == "python":
            reader.write(text)
        elif kind == "text":
            assert said == text, said
        elif "--engine spark" not in text or can_run_spark():
            done = reader.run(text)
            said = done.stdout
            comparing = text.startswith("taxiway compare")
            assert done.returncode in ((0, 10) if comparing else (0,)), f"{text}\n{done.stdout}{done.stderr}"
            codes += [done.returncode] * comparing
    assert codes == [0, 0, 10, 0]
    assert "the exit code is 10" in PAGE.read_text().lower()

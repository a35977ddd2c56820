"""The command line on the gauges project, in a temporary root with a deployment of its own."""

import json
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import pytest
from tests.working import LOCAL

SETTINGS = f"""{LOCAL}
project = "tests.unit.cli.river:project"
first = "2013-01"
end = "2013-05"
"""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed for machines."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """`taxiway` for the deployment below `root`, with its state in `home`."""

    root: Path
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """What names the deployment to a process."""
        return {"TAXIWAY_ROOT": str(self.root), "TAXIWAY_HOME": str(self.home)}

    def __call__(self, *words: str) -> Said:
        """Run a command in this process."""
        from taxiway.cli import main

        out, err = StringIO(), StringIO()
        before = dict(os.environ)
        os.environ.update(self.variables)
        try:
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main(list(words))
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out.getvalue(), err.getvalue())

    def done(self, *words: str) -> Said:
        """Run a command that must go well."""
        said = self(*words)
        assert said.code == 0, said.err
        return said

    def runs(self) -> list[dg.DagsterRun]:
        """What Dagster knows of the runs, the last first."""
        home = str(self.home / "dagster")
        with patch.dict(os.environ, DAGSTER_HOME=home), dg.DagsterInstance.from_config(home) as instance:
            return list(instance.get_runs())


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("root")
    (found / "deployments" / "local").mkdir(parents=True)
    (found / "deployments" / "local" / "settings.toml").write_text(SETTINGS)
    return found


@pytest.fixture(scope="session")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """January to March landed and run, one bad reading in February; to be read only."""
    command = CommandLine(root, tmp_path_factory.mktemp("built"))
    command.done("land", "--from", "2013-01", "--to", "2013-03")
    command.done("land", "--partition", "2013-02", "--spoil", "one")
    command.done("run")
    return command


@pytest.fixture
def copied(built: CommandLine, tmp_path: Path) -> CommandLine:
    """A copy of `built` to change."""
    shutil.copytree(built.home, tmp_path / "home")
    return CommandLine(built.root, tmp_path / "home")


@pytest.fixture
def fresh(root: Path, tmp_path: Path) -> CommandLine:
    """Nothing landed yet."""
    return CommandLine(root, tmp_path / "home")

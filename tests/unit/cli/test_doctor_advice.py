"""What `taxiway doctor` advises can be pasted: every command works as it is typed where it is read."""

import shlex
import subprocess
from importlib.metadata import metadata
from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import ROOT

from taxiway.cli import doctor
from taxiway.cli.program import called
from taxiway.notebook import OpenLake
from taxiway.settings import load_settings


def commands(advice: str) -> list[list[str]]:
    """The commands of an advice: what follows its last colon."""
    return [shlex.split(line) for line in advice.rpartition(": ")[2].split("; ")]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every package another version is needed."""
    monkeypatch.setattr(doctor, "_unmet", lambda name, _: f"{name} is not installed")


@pytest.mark.parametrize("where", [ROOT, ROOT / "tests"])
@pytest.mark.usefixtures("lacking")
def test_make_does_what_packages_need_where_doctor_was_asked(monkeypatch: pytest.MonkeyPatch, where: Path) -> None:
    monkeypatch.chdir(where)
    monkeypatch.setattr(doctor, "_PYTHONS", ((2, 6), (2, 7)))
    advices = [finding.advice for finding in doctor._packages() if finding.advice]
    advices.append(next(doctor.examine()).advice)
    extras = metadata("taxiway").get_all("Provides-Extra") or ()
    assert len(advices) == len(extras) + 2, "the core, each extra, Python"
    for advice in advices:
        ((program, *words),) = commands(advice)
        assert program == "make"
        ended = subprocess.run([program, "-n", *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert "pip install" in ended.stdout, f"{advice} does nothing"


def test_a_damaged_table_is_made_anew_by_what_is_advised(copied: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in copied.variables.items():
        monkeypatch.setenv(name, value)
    (copied.home / "lake/raw/gauges/_delta_log/00000000000000000000.json").write_text("{")
    (finding,) = [found for found in doctor._lake(OpenLake(load_settings())) if found.status == "missing"]
    assert finding.check == "raw/gauges"
    for program, *words in commands(finding.advice):
        assert program == called("taxiway")
        copied.done(*words)
    assert [found.check for found in doctor._lake(OpenLake(load_settings()))] == ["lake"]
    assert len(copied.done("show", "raw/gauges", "--json").data) == 2

"""A deployment that wants variables, each of them unset in turn: one error, and nothing is started or written."""

from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import ROOT

VARIABLES = {
    "TAXIWAY_DEPLOYMENT": "staging",
    "TAXIWAY_LAKE": "s3://taxiway-staging/lake",
    "TAXIWAY_LANDING": "s3://taxiway-staging/landing",
    "TAXIWAY_ENGINE": "duckdb",
    "TAXIWAY_DAGSTER_STORAGE": "postgresql://dagster:hush@127.0.0.1:9/dagster",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "publisher",
    "AWS_SECRET_ACCESS_KEY": "hush",
}
WANTED = sorted(VARIABLES.keys() - {"TAXIWAY_DEPLOYMENT", "AWS_ENDPOINT_URL"})
# What a shell does, and how each server starts: webserver, daemon, code location.
COMMANDS = [("run", "raw/airlines"), ("land",), ("tables",), ("deployment", "exec", "--", "/bin/true")]


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return CommandLine(ROOT, tmp_path / "home")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", WANTED)
def test_one_that_is_unset_is_told_before_anything_happens(
    staging: CommandLine, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], name: str
) -> None:
    monkeypatch.delenv(name)
    said = staging(*words)
    assert said.code == 2
    assert said.out == ""
    assert said.err.count("error:") == 1
    assert name in said.err
    assert "hush" not in said.err
    assert not staging.home.exists()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_all_that_are_unset_are_told_at_once(
    staging: CommandLine, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name in WANTED:
        monkeypatch.delenv(name)
    said = staging(*words)
    assert said.code == 2
    assert all(name in said.err for name in WANTED if not name.startswith("AWS_")), said.err
    assert not staging.home.exists()

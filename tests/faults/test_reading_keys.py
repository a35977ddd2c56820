"""Keys for a bucket that only allow reading: a run says so in one line and changes nothing, and whoever reads can."""

from pathlib import Path

import pytest
from tests.s3 import Server
from tests.unit.cli.conftest import CommandLine, root

from taxiway.storage import Store

__all__ = ["root"]

AT = "raw/readings"
KEYS = ("writing-secret", "reading-secret")


@pytest.fixture
def built(root: Path, tmp_path: Path, s3: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[CommandLine, Store]:
    """A month landed and published on S3, and delivered anew; from then on there are the keys of one who may read."""
    lake, command = s3.store(), CommandLine(root, tmp_path / "home")
    monkeypatch.setenv("TAXIWAY_LAKE", lake.uri)
    use_keys(s3, "writer", monkeypatch)
    command.done("land", "--partition", "2013-01")
    command.done("run", "raw")
    command.done("land", "--partition", "2013-01", "--spoil", "one")
    use_keys(s3, "reader", monkeypatch)
    return command, lake


def use_keys(server: Server, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment(who).items():
        monkeypatch.setenv(name, value)


def stored(lake: Store) -> dict[str, str]:
    return {file.path: file.tag for file in lake.files()}


def test_keys_that_only_allow_reading(
    built: tuple[CommandLine, Store], s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, lake = built
    before = stored(lake)
    refused = [command("run", AT, "--force"), command("drop", AT, "--yes", "--force"), command("--debug", "run", AT)]
    for said in refused:
        assert said.code == 1
        (error,) = (line for line in said.err.splitlines() if line.startswith("error: "))
        assert "permission denied" in error
        assert "make it writable" in error
    assert stored(lake) == before
    read = [command.done(*words) for words in (["tables"], ["show", AT], ["history", AT], ["sql", "from raw.readings"])]
    assert len(command.done("show", AT, "--json").data) == 224
    assert not [key for key in KEYS for said in (*refused, *read) if key in said.out + said.err]
    kept = [path.read_bytes() for path in command.home.rglob("*") if path.is_file()]
    assert not [key for key in KEYS if any(key.encode() in file for file in kept)]
    use_keys(s3, "writer", monkeypatch)
    command.done("run", AT)
    assert stored(lake) != before

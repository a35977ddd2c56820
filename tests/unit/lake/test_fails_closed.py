"""A log that cannot be read is an error, never an absent table: nothing is created over it, nothing is replaced."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.unprivileged import unprivileged
from tests.working import publish, rows

from taxiway.addresses import Address
from taxiway.errors import LakeError, TableNotFound
from taxiway.lake import Lake
from taxiway.storage import Store

AT = "feature/levels"
ADDRESS = Address.parse(AT)
MONTH = pa.table({"month": ["2013-01"], "level": [1]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(Store(str(tmp_path / "lake")))
    publish(lake, AT, MONTH, ["2013-01"])
    publish(lake, AT, MONTH, ["2013-01"], lake.open(ADDRESS))
    return lake


def entry(log: Path, version: int) -> Path:
    return log / f"{version:020d}.json"


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "garbage": (lambda log: entry(log, 1).write_text("{garbage"), "damaged: 00000000000000000001.json"),
    "binary": (lambda log: entry(log, 1).write_bytes(bytes(range(256))), "damaged: 00000000000000000001.json"),
    "truncated": (
        lambda log: entry(log, 1).write_bytes(entry(log, 1).read_bytes()[:-40]),
        "damaged: 00000000000000000001.json",
    ),
    "first entry damaged": (lambda log: entry(log, 0).write_text("?"), "damaged: 00000000000000000000.json"),
    "first entry missing": (lambda log: entry(log, 0).unlink(), "No table metadata or protocol found"),
    "gap": (lambda log: entry(log, 1).rename(entry(log, 5)), "found gap"),
    "log is a file": (lambda log: (shutil.rmtree(log), log.write_text("x")), "Not a directory"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_is_an_error_and_is_left_as_it_is(lake: Lake, damage: str) -> None:
    change, told = DAMAGES[damage]
    table = Path(lake.uri(ADDRESS))
    change(table / "_delta_log")
    before = {path: path.read_bytes() for path in table.rglob("*") if path.is_file()}
    for attempt in (
        lambda: lake.find(ADDRESS),
        lambda: lake.open(ADDRESS),
        lambda: publish(lake, AT, MONTH, ["2013-01"]),
    ):
        with pytest.raises(LakeError) as caught:
            attempt()
        message = str(caught.value)
        assert not isinstance(caught.value, TableNotFound)
        assert message.startswith(f"feature/levels: its Delta log {table / '_delta_log'} cannot be read (")
        assert told in message
        assert "restore it from a copy, or move" in message
        assert "\n" not in message
        assert "unknown" not in message
    after = {path: path.read_bytes() for path in table.rglob("*") if path.is_file()}
    assert after == before or damage == "log is a file"


@pytest.mark.parametrize("hidden", [".", "_delta_log", "_delta_log/00000000000000000001.json"])
def test_a_log_without_permission_is_an_error(lake: Lake, hidden: str) -> None:
    table = Path(lake.uri(ADDRESS))
    with unprivileged(Path(lake.store.uri)):
        mode = (table / hidden).stat().st_mode
        (table / hidden).chmod(0)
        for attempt in (lambda: lake.find(ADDRESS), lambda: publish(lake, AT, MONTH, ["2013-01"])):
            with pytest.raises(LakeError, match=r"cannot be read \(.*[Pp]ermission denied") as caught:
                attempt()
            assert not isinstance(caught.value, TableNotFound)
        (table / hidden).chmod(mode)
        assert len(rows(lake, AT)) == 1


def test_an_unreadable_version_is_not_called_missing(lake: Lake) -> None:
    entry(Path(lake.uri(ADDRESS), "_delta_log"), 0).write_text("?")
    with pytest.raises(LakeError, match=re.escape("damaged: 00000000000000000000.json")):
        lake.open(ADDRESS, 0)


@pytest.mark.parametrize("leftover", ["", "_commit_0a1b.json.tmp", "00000000000000000000.json#1"])
def test_a_first_commit_that_was_cut_short_is_no_table(tmp_path: Path, leftover: str) -> None:
    lake = Lake(Store(str(tmp_path)))
    log = Path(lake.uri(ADDRESS), "_delta_log")
    log.mkdir(parents=True)
    if leftover:
        (log / leftover).write_text("{")
    assert lake.find(ADDRESS) is None
    assert lake.tables() == ()
    assert publish(lake, AT, MONTH, ["2013-01"]) == 0
    assert lake.tables() == (ADDRESS,)
    assert len(rows(lake, AT)) == 1

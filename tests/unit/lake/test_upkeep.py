"""After a session that was cut short, and only then, what no commit names is removed; nothing else ever is."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from tests.unprivileged import unprivileged
from tests.working import processes, publish, rows

from taxiway.addresses import Address
from taxiway.engines.working import working
from taxiway.errors import LakeError
from taxiway.lake import Lake
from taxiway.lake.upkeep import remove_uncommitted
from taxiway.scratch import Scratch

AT = "feature/levels"
ADDRESS = Address.parse(AT)
LEFTOVERS = (
    "month=2013-02/part-00000-0a-c000.zstd.parquet",
    "month=2013-02/part-00000-0b-c000.zstd.parquet#1",
    "_delta_log/00000000000000000002.json#1",
    "_delta_log/_commit_0c.json.tmp",
    "_delta_log/.00000000000000000010.checkpoint.parquet.0f.tmp",
    "_confirmed/.2013-01.json.0d",
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A table with two versions, a note and a checkpoint."""
    lake = Lake(tmp_path / "lake")
    for level in (1, 2):
        publish(lake, AT, pa.table({"month": ["2013-01"], "level": [level]}), ["2013-01"], lake.find(ADDRESS))
    lake.confirm(ADDRESS, "2013-01", lake.open(ADDRESS).partitions["2013-01"])
    DeltaTable(lake.uri(ADDRESS)).create_checkpoint()
    return lake


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def leave(lake: Lake, names: tuple[str, ...] = LEFTOVERS, at: str = AT) -> None:
    for name in names:
        path = lake.root / at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")


def test_what_no_commit_names_is_removed_and_every_version_stays(lake: Lake) -> None:
    before = contents(lake.root)
    leave(lake)
    leave(lake, ("month=2013-01/part-00000-0e-c000.zstd.parquet",), at="feature/never_committed")
    assert remove_uncommitted(lake.root, since=0) == len(LEFTOVERS) + 1
    assert contents(lake.root) == before
    assert [rows(lake, AT, version)[0]["level"] for version in (0, 1)] == [1, 2]


def test_files_that_are_older_than_the_session_are_left(lake: Lake) -> None:
    leave(lake)
    assert remove_uncommitted(lake.root, since=time.time() + 60) == 0


@pytest.mark.parametrize("damage", ["gap", "garbage"])
def test_data_files_are_left_where_the_log_is_not_whole(lake: Lake, damage: str) -> None:
    leave(lake)
    first = Path(lake.uri(ADDRESS), "_delta_log", f"{0:020d}.json")
    first.unlink() if damage == "gap" else first.write_text("{")
    remove_uncommitted(lake.root, since=0)
    assert Path(lake.uri(ADDRESS), LEFTOVERS[0]).exists()


def test_a_leftover_that_cannot_be_removed_is_told(lake: Lake) -> None:
    leave(lake)
    with unprivileged(lake.root):
        folder = Path(lake.uri(ADDRESS), "month=2013-02")
        folder.chmod(0o555)
        with pytest.raises(LakeError, match=r"cannot be removed .*; remove it"):
            remove_uncommitted(lake.root, since=0)
        folder.chmod(0o755)


def _hold(lake: Path, scratch: Path, held, end) -> None:
    with working(lake, scratch):
        held.set()
        end.wait(60)


@pytest.fixture
def killed(lake: Lake, tmp_path: Path) -> Path:
    """The scratch root after a session there was killed, and what it left in the lake."""
    held, end = processes.Event(), processes.Event()
    session = processes.Process(target=_hold, args=(lake.root, tmp_path / "scratch", held, end))
    session.start()
    assert held.wait(60)
    leave(lake)
    session.kill()
    session.join()
    return tmp_path / "scratch"


def test_the_session_after_one_that_was_killed_cleans_up(lake: Lake, killed: Path) -> None:
    assert len(list(killed.glob("*/"))) == 1
    with working(lake.root, killed) as folder:
        assert [path for path in killed.iterdir() if path.is_dir()] == [folder]
        assert not [name for name in LEFTOVERS if Path(lake.uri(ADDRESS), name).exists()]
    assert not [path for path in killed.iterdir() if path.is_dir()]


def test_nothing_is_removed_while_another_session_is_at_work(lake: Lake, killed: Path) -> None:
    held, end = processes.Event(), processes.Event()
    # It begins without cleaning up, as one does that began before the kill.
    other = processes.Process(target=_hold_scratch, args=(killed, held, end))
    other.start()
    assert held.wait(60)
    with working(lake.root, killed):
        assert Path(lake.uri(ADDRESS), LEFTOVERS[0]).exists()
    end.set()
    other.join()
    with working(lake.root, killed):
        assert not Path(lake.uri(ADDRESS), LEFTOVERS[0]).exists()


def _hold_scratch(scratch: Path, held, end) -> None:
    with Scratch.claim(scratch):
        held.set()
        end.wait(60)


def test_a_session_that_fails_leaves_its_trace_and_one_that_ends_none(lake: Lake, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with working(lake.root, scratch):
        leave(lake)
    with working(lake.root, scratch):
        assert Path(lake.uri(ADDRESS), LEFTOVERS[0]).exists()
    with suppress(ZeroDivisionError), working(lake.root, scratch):
        leave(lake)
        _ = 1 / 0
    with working(lake.root, scratch):
        assert not Path(lake.uri(ADDRESS), LEFTOVERS[0]).exists()


def test_without_a_trace_the_lake_is_not_looked_at(tmp_path: Path) -> None:
    hidden = tmp_path / "lake"
    (hidden / "feature").mkdir(parents=True)
    with unprivileged(tmp_path):
        hidden.chmod(0)
        with working(hidden, tmp_path / "scratch"):
            assert not os.access(hidden, os.R_OK, effective_ids=True)
        hidden.chmod(0o755)


def test_scratch_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LakeError, match="no scratch folder can be made there"), Scratch.claim(tmp_path / "file"):
        raise AssertionError("claimed")

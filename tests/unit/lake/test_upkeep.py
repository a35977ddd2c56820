"""Upkeep removes what surely belongs to nobody, and nothing else, whoever works on the lake at the same time."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.working import processes, publish, rows, write_rows

from taxiway.addresses import Address
from taxiway.engines.duckdb import DuckDB
from taxiway.errors import LakeError, PublishConflict
from taxiway.lake import Lake, PartitionState, Provenance, Publication
from taxiway.lake import upkeep as of_table
from taxiway.lake.upkeep import MANY_FILES, remove_leftovers, remove_old_versions
from taxiway.lake.writers import register
from taxiway.storage import Store
from taxiway.upkeep import upkeep

AT = "feature/levels"
ADDRESS = Address.parse(AT)
NO_TIME = timedelta(0)


@pytest.fixture
def lake(store: Store) -> Lake:
    """A table with two versions."""
    lake = Lake(store)
    for level in (1, 2):
        publish(lake, AT, month(level), ["2013-01"], lake.find(ADDRESS))
    return lake


def month(*levels: int, key: str = "2013-01") -> pa.Table:
    return pa.table({"month": [key] * len(levels), "level": pa.array(levels, pa.int64())})


def contents(store: Store) -> set[str]:
    return {file.path for file in store.files()}


def publication(lake: Lake, level: int = 3, key: str = "2013-01") -> Publication:
    states = {key: PartitionState("", "code", {}, 1)}
    provenance = Provenance.of(run="slow", engine="test", libraries={}, partitions=states)
    return Publication(ADDRESS, provenance, lake.find(ADDRESS), "month")


def _write_and_wait(lake: Lake, written: Any, end: Any) -> None:
    def write(folder: str) -> None:
        write_rows(lake.store, month(3), "month", folder)
        written.set()
        end.wait(60)

    lake.publish(publication(lake), month(3).schema, write)


def kill_a_writer(lake: Lake) -> None:
    """Kill a process that has written its rows and not committed them."""
    written, end = processes.Event(), processes.Event()
    writer = processes.Process(target=_write_and_wait, args=(lake, written, end))
    writer.start()
    assert written.wait(60)
    writer.kill()
    writer.join()


def test_what_a_killed_writer_left_is_removed_and_all_else_stays(lake: Lake) -> None:
    before = contents(lake.store)
    kill_a_writer(lake)
    left = contents(lake.store) - before
    assert len(left) == 2, "its rows, and that it registered"
    (would,) = remove_leftovers(lake, ADDRESS, dry_run=True)
    assert (would.files, contents(lake.store) - before) == (1, left)
    assert "whose process has ended" in would.why
    assert remove_leftovers(lake, ADDRESS) == [would]
    assert not contents(lake.store) & left
    assert before < contents(lake.store)
    assert [rows(lake, AT, version)[0]["level"] for version in (0, 1)] == [1, 2]
    assert remove_leftovers(lake, ADDRESS) == []


@pytest.mark.parametrize(
    "path",
    [
        f"{AT}/month=2013-01/part-0.parquet",
        f"{AT}/0a/month=2013-01/0.parquet",
        f"{AT}/_delta_log/_commit_0c.json.tmp",
        f"{AT}/_writers/of-others.txt",
        "feature/never_committed/month=2013-01/part-0.parquet",
        "feature/levels/inner/table/_delta_log/00000000000000000000.json",
        "loose.txt",
    ],
)
def test_what_no_writer_of_ours_registered_is_none_of_our_business(lake: Lake, path: str) -> None:
    lake.store.write(path, b"of others")
    kill_a_writer(lake)
    assert len(remove_leftovers(lake, ADDRESS)) == 1
    assert lake.store.read(path) == b"of others"


def test_a_table_without_a_log_is_left_alone(store: Store) -> None:
    lake = Lake(store)
    kill_a_writer(lake)
    before = contents(store)
    assert remove_leftovers(lake, ADDRESS) == []
    assert contents(store) == before
    publish(lake, AT, month(1), ["2013-01"])
    assert len(remove_leftovers(lake, ADDRESS)) == 1, "once there is one"


def test_a_writer_that_is_at_work_keeps_its_files(lake: Lake) -> None:
    def write(folder: str) -> None:
        write_rows(lake.store, month(3), "month", folder)
        assert remove_leftovers(lake, ADDRESS) == []

    assert lake.publish(publication(lake), month(3).schema, write) == 2


def from_another_machine(monkeypatch: pytest.MonkeyPatch, gone_after: timedelta = timedelta(seconds=-60)) -> None:
    """All writers are of another machine from now on, and gone after so long."""
    monkeypatch.setattr("taxiway.lake.writers._host", lambda: "another")
    monkeypatch.setattr(of_table, "GONE_AFTER", gone_after)


def test_a_writer_that_only_seemed_to_be_gone_commits_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are removed while it thinks about them; then it goes on."""

    def write(folder: str) -> None:
        write_rows(lake.store, month(3), "month", folder)

    late = publication(lake)
    written = of_commit_files(monkeypatch, lambda: remove_leftovers(lake, ADDRESS))
    from_another_machine(monkeypatch)
    with pytest.raises(PublishConflict, match="took so long that upkeep removed what it had written"):
        lake.publish(late, month(3).schema, write)
    assert written == [1]
    assert rows(lake, AT) == [{"month": "2013-01", "level": 2}]


def of_commit_files(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], list]) -> list[int]:
    """Let something happen between the look at the files that were written and the commit."""
    from taxiway.lake import lake as module

    done: list[int] = []
    commit = module.commit

    def late(*given: Any) -> int:
        done.append(len(meanwhile()))
        return commit(*given)

    monkeypatch.setattr(module, "commit", late)
    return done


def test_a_writer_of_another_machine_is_not_gone_before_a_day(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_a_writer(lake)
    from_another_machine(monkeypatch, timedelta(days=1))
    assert remove_leftovers(lake, ADDRESS) == []
    from_another_machine(monkeypatch)
    (chore,) = remove_leftovers(lake, ADDRESS)
    assert "which registered at" in chore.why


def test_a_writer_that_was_killed_after_its_commit_loses_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxiway.lake.lake.deregister", lambda *_: None)
    lake.publish(publication(lake), month(3).schema, partial(write_rows, lake.store, month(3), "month"))
    from_another_machine(monkeypatch)
    assert remove_leftovers(lake, ADDRESS) == []
    assert rows(lake, AT) == [{"month": "2013-01", "level": 3}]
    assert not [path for path in contents(lake.store) if "_writers" in path and path.endswith(".json")]


def test_a_note_that_cannot_be_read_is_of_a_writer_that_may_live(lake: Lake) -> None:
    lake.table(ADDRESS).write("_writers/abc.json", b"{")
    lake.table(ADDRESS).write("abc/0.parquet", b"of abc")
    assert remove_leftovers(lake, ADDRESS) == []
    assert lake.table(ADDRESS).read("abc/0.parquet") == b"of abc"


def test_files_of_versions_before_the_retention_are_removed(lake: Lake) -> None:
    assert remove_old_versions(lake, ADDRESS, timedelta(days=1)) == []
    (would,) = remove_old_versions(lake, ADDRESS, NO_TIME, dry_run=True)
    assert would.files == 1
    assert rows(lake, AT, 0) == [{"month": "2013-01", "level": 1}]
    assert remove_old_versions(lake, ADDRESS, NO_TIME) == [would]
    assert remove_old_versions(lake, ADDRESS, NO_TIME) == []
    assert rows(lake, AT) == [{"month": "2013-01", "level": 2}]
    with pytest.raises(LakeError, match="can no longer be read: 1 of its 1 files have been removed"):
        lake.open(ADDRESS, 0).check_not_vacuumed()
    with pytest.raises(LakeError, match="version 0 can no longer be restored: upkeep has removed files of it"):
        lake.restore(ADDRESS, 0, run="test")


def test_a_version_that_is_restored_meanwhile_keeps_its_files(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    announce = of_table.announce

    def late(*given: Any) -> None:
        monkeypatch.setattr(of_table, "announce", announce)
        lake.restore(ADDRESS, 0, run="test")
        announce(*given)

    monkeypatch.setattr(of_table, "announce", late)
    (chore,) = remove_old_versions(lake, ADDRESS, NO_TIME)
    assert chore.files == 1, "the file of what was restored over"
    assert rows(lake, AT) == [{"month": "2013-01", "level": 1}]


def test_many_small_files_become_one_and_nothing_else_changes(lake: Lake, tmp_path: Any) -> None:
    publish(lake, AT, month(7, key="2013-02"), ["2013-02"], lake.open(ADDRESS))
    for level in range(MANY_FILES):
        write_deltalake(_opened(lake), month(level), mode="append")
    before, known = rows(lake, AT), lake.open(ADDRESS).partitions
    engine = DuckDB(2, "1GB", tmp_path / "scratch", lake.store)
    options: dict[str, Any] = {"run": "test", "keep": timedelta(days=1)}
    (would,) = upkeep(lake, engine, [ADDRESS], dry_run=True, **options)
    assert (would.what, would.files) == ("small files written anew as few", MANY_FILES + 1)
    assert list(upkeep(lake, engine, [ADDRESS], **options)) == [would]
    now = lake.open(ADDRESS)
    assert [file.partition for file in now.files] == ["2013-01", "2013-02"]
    assert (rows(lake, AT), now.partitions) == (before, known)
    assert list(upkeep(lake, engine, [ADDRESS], **options)) == []


def _opened(lake: Lake) -> DeltaTable:
    return DeltaTable(lake.uri(ADDRESS), storage_options=lake.store.delta_options)


def test_a_registration_names_no_secret(lake: Lake) -> None:
    register(lake.table(ADDRESS), "abc")
    assert set(json.loads(lake.table(ADDRESS).read("_writers/abc.json"))) == {"host", "process"}

"""One commit replaces exactly the partitions it names, and says of itself how they came to be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.working import publish, rows

from taxiway.addresses import Address
from taxiway.errors import LakeError, TableNotFound
from taxiway.lake import WHOLE, Lake

AT = "feature/levels"
ADDRESS = Address.parse(AT)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def month(key: str, *levels: int | None) -> pa.Table:
    return pa.table({"month": pa.array([key] * len(levels), pa.string()), "level": pa.array(levels, pa.int32())})


def levels(lake: Lake, version: int | None = None) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {}
    for row in rows(lake, AT, version):
        found.setdefault(row["month"], []).append(row["level"])
    return {key: sorted(values, key=str) for key, values in found.items()}


def test_only_the_named_partitions_are_replaced(lake: Lake) -> None:
    assert publish(lake, AT, pa.concat_tables([month("2013-01", 1), month("2013-02", 2)]), ["2013-01", "2013-02"]) == 0
    assert publish(lake, AT, month("2013-02", 5, 6), ["2013-02"], lake.open(ADDRESS)) == 1
    assert publish(lake, AT, month("2013-03", 7), ["2013-03"], lake.open(ADDRESS)) == 2
    assert levels(lake) == {"2013-01": [1], "2013-02": [5, 6], "2013-03": [7]}


def test_every_version_stays_readable(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, AT, month("2013-01", 2), ["2013-01"], lake.open(ADDRESS))
    assert (levels(lake, 0), levels(lake, 1)) == ({"2013-01": [1]}, {"2013-01": [2]})
    pinned = lake.open(ADDRESS, 0)
    assert pinned.rows() == 1
    for version in (7, -1):
        told = f"feature/levels has no version {version}; see: taxiway history feature/levels"
        with pytest.raises(TableNotFound, match=told):
            lake.open(ADDRESS, version)
        with pytest.raises(TableNotFound, match=told):
            lake.find(ADDRESS, version)


def test_a_table_is_opened_from_a_checkpoint_of_late(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 0), ["2013-01"])
    for level in range(1, 25):
        assert publish(lake, AT, month("2013-01", level), ["2013-01"], lake.open(ADDRESS)) == level
    log = Path(lake.uri(ADDRESS), "_delta_log")
    versions = [int(checkpoint.name[:20]) for checkpoint in sorted(log.glob("*.checkpoint.parquet"))]
    assert len(versions) == 2
    assert 24 - versions[-1] < 10
    assert (levels(lake), levels(lake, 7)) == ({"2013-01": [24]}, {"2013-01": [7]})
    assert len(lake.open(ADDRESS).history) == 25


def test_what_is_committed_is_published_though_its_checkpoint_cannot_be_written(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    publish(lake, AT, month("2013-01", 0), ["2013-01"])
    last = Path(lake.uri(ADDRESS), "_delta_log", "_last_checkpoint")
    (last / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="Is a directory"):
        DeltaTable(lake.uri(ADDRESS)).create_checkpoint()
    for level in range(1, 12):
        assert publish(lake, AT, month("2013-01", level), ["2013-01"], lake.open(ADDRESS)) == level
    assert levels(lake) == {"2013-01": [11]}
    (told,) = caplog.messages
    assert told.startswith(f"{ADDRESS}: version 10 is published, but no checkpoint of its log could be written (")


def test_a_partition_can_become_empty(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, AT, month("2013-01"), ["2013-01"], lake.open(ADDRESS))
    assert levels(lake) == {}
    assert lake.open(ADDRESS).partitions["2013-01"].rows == 0


def test_a_table_without_partitions_is_replaced_whole(lake: Lake) -> None:
    for values in ([1, 2], [3]):
        publish(lake, AT, month("x", *values), [WHOLE], lake.find(ADDRESS))
    assert levels(lake) == {"x": [3]}


def test_rows_of_a_partition_that_was_not_named_are_refused(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    with pytest.raises(LakeError, match="publishing failed, the table is as it was"):
        publish(lake, AT, month("2013-02", 2), ["2013-01"], lake.open(ADDRESS))
    assert levels(lake) == {"2013-01": [1]}


@pytest.mark.parametrize("partitions", [["2013-01"], ["2013-01", "2013-02"], [WHOLE]])
def test_no_commit_is_without_a_predicate(lake: Lake, partitions: list[str]) -> None:
    publish(lake, AT, month(partitions[0], 1), partitions)
    publish(lake, AT, month(partitions[0], 2), partitions, lake.open(ADDRESS))
    publish(lake, AT, month(partitions[0], 3), partitions, lake.open(ADDRESS), rebuild=True)
    overwrites: list[Any] = [commit["operationParameters"] for commit in lake.open(ADDRESS).history[:2]]
    named = "true" if partitions == [WHOLE] else " OR ".join(f"month = '{key}'" for key in partitions)
    assert [(o["mode"], o["predicate"]) for o in overwrites] == [("Overwrite", "true"), ("Overwrite", named)]


def test_a_commit_tells_how_its_partitions_came_to_be(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, AT, month("2013-02", 2, 3), ["2013-02"], lake.open(ADDRESS))
    known = lake.open(ADDRESS).partitions
    january, february = known["2013-01"], known["2013-02"]
    assert january.data_version != february.data_version
    assert february == replace(february, fingerprint="code", inputs={"raw/x": {"2013-02": "1"}}, rows=2, rejected=0)
    publish(lake, AT, month("2013-02", 9), ["2013-02"], lake.open(ADDRESS))
    now = lake.open(ADDRESS).partitions
    assert now["2013-01"] == january
    assert now["2013-02"].data_version != february.data_version


def test_a_pinned_version_knows_nothing_of_later_commits(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    first = lake.open(ADDRESS).partitions
    for level in (2, 3):
        publish(lake, AT, month("2013-01", level), ["2013-01"], lake.open(ADDRESS))
    read_late = lake.open(ADDRESS, 0)
    assert read_late.partitions == first
    assert [commit["version"] for commit in read_late.history] == [0]
    assert [commit["version"] for commit in lake.open(ADDRESS).history] == [2, 1, 0]


def test_a_live_partition_is_known_where_the_log_no_longer_tells(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, AT, month("2013-02", 2), ["2013-02"], lake.open(ADDRESS))
    DeltaTable(lake.uri(ADDRESS)).create_checkpoint()
    Path(lake.uri(ADDRESS), "_delta_log", f"{0:020d}.json").unlink()
    known = lake.open(ADDRESS).partitions
    assert known["2013-01"].data_version == "version-1"
    assert known["2013-02"].fingerprint == "code"


def test_the_commit_of_another_program_counts_as_a_change_of_every_partition(lake: Lake) -> None:
    publish(lake, AT, pa.concat_tables([month("2013-01", 1), month("2013-02", 2)]), ["2013-01", "2013-02"])
    write_deltalake(DeltaTable(lake.uri(ADDRESS)), month("2013-02", 4), mode="append")
    known = lake.open(ADDRESS).partitions
    assert {key: (state.data_version, state.fingerprint) for key, state in known.items()} == {
        "2013-01": ("version-1", ""),
        "2013-02": ("version-1", ""),
    }


def test_compaction_changes_no_data_version(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    before = lake.open(ADDRESS).partitions
    DeltaTable(lake.uri(ADDRESS)).optimize.compact()
    write = DeltaTable(lake.uri(ADDRESS))
    write.alter.set_table_properties({"delta.logRetentionDuration": "interval 900 days"})
    assert lake.open(ADDRESS).version > 0
    assert lake.open(ADDRESS).partitions == before


def test_what_was_compared_is_remembered_until_the_partition_changes(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    state = lake.open(ADDRESS).partitions["2013-01"]
    assert lake.confirmed(ADDRESS, "2013-01", state) == state
    later = replace(state, fingerprint="other code", inputs={"raw/x": {"2013-01": "2"}}, rejected=3)
    lake.confirm(ADDRESS, "2013-01", later)
    assert lake.confirmed(ADDRESS, "2013-01", state) == later
    assert lake.open(ADDRESS).version == 0
    publish(lake, AT, month("2013-01", 2), ["2013-01"], lake.open(ADDRESS))
    changed = lake.open(ADDRESS).partitions["2013-01"]
    assert lake.confirmed(ADDRESS, "2013-01", changed) == changed


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"v": "1"}', "\0"])
def test_a_damaged_note_means_comparing_again(lake: Lake, note: str) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    state = lake.open(ADDRESS).partitions["2013-01"]
    lake.confirm(ADDRESS, "2013-01", replace(state, fingerprint="other code"))
    (file,) = Path(lake.uri(ADDRESS), "_confirmed").iterdir()
    file.write_text(note.replace('"1"', f'"{state.data_version}"'))
    assert lake.confirmed(ADDRESS, "2013-01", state) == state


def test_tables_are_found_and_other_folders_are_not(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, "quarantine/feature__levels", month("2013-01", 1), ["2013-01"])
    for other in ("feature/no_log", "feature/Not A Name/_delta_log", ".hidden/x/_delta_log", "loose"):
        (lake.root / other).mkdir(parents=True)
    assert [str(address) for address in lake.tables()] == ["feature/levels", "quarantine/feature__levels"]
    assert lake.find(Address.parse("feature/no_log")) is None
    with pytest.raises(TableNotFound, match="taxiway run feature/no_log --upstream"):
        lake.open(Address.parse("feature/no_log"))

"""One commit replaces exactly the partitions it names, and says of itself how they came to be."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.working import publish, rows, write_rows

from taxiway.addresses import Address
from taxiway.errors import LakeError, PublishConflict, TableNotFound
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot
from taxiway.lake.log import Log
from taxiway.lake.states import TELL_ALL_AFTER
from taxiway.storage import Store

AT = "feature/levels"
ADDRESS = Address.parse(AT)


@pytest.fixture
def lake(store: Store) -> Lake:
    return Lake(store)


def month(key: str, *levels: int | None) -> pa.Table:
    return pa.table({"month": pa.array([key] * len(levels), pa.string()), "level": pa.array(levels, pa.int32())})


def opened(lake: Lake) -> DeltaTable:
    """The table as another program opens it."""
    return DeltaTable(lake.uri(ADDRESS), storage_options=lake.store.delta_options)


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
    entries = Log(lake.table(ADDRESS)).entries()
    versions = [int(name[:20]) for name in sorted(entries) if name.endswith(".checkpoint.parquet")]
    assert len(versions) == 2
    assert 24 - versions[-1] < 10
    assert (levels(lake), levels(lake, 7)) == ({"2013-01": [24]}, {"2013-01": [7]})
    assert len(list(lake.open(ADDRESS).commits())) == 25


def test_what_is_committed_is_published_though_its_checkpoint_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lake = Lake(Store(str(tmp_path)))
    publish(lake, AT, month("2013-01", 0), ["2013-01"])
    last = tmp_path / AT / "_delta_log" / "_last_checkpoint"
    (last / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="Is a directory"):
        opened(lake).create_checkpoint()
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


def test_rows_that_were_lost_on_the_way_are_refused(lake: Lake) -> None:
    rows = month("2013-01", 1, 2)
    states = {"2013-01": PartitionState("", "code", {}, 3)}
    provenance = Provenance.of(run="test", engine="test", libraries={}, partitions=states)
    with pytest.raises(LakeError, match=r"2 rows of 2013-01 are there and not 3"):
        lake.publish(
            Publication(ADDRESS, provenance, None, "month"), rows.schema, partial(write_rows, lake.store, rows, "month")
        )
    assert lake.find(ADDRESS) is None
    assert list(lake.store.files()) == [], "nothing of it is left"


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
    assert [commit.version for commit in read_late.commits()] == [0]
    assert [commit.version for commit in lake.open(ADDRESS).commits()] == [2, 1, 0]


def test_a_live_partition_is_known_where_the_log_no_longer_tells(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, AT, month("2013-02", 2), ["2013-02"], lake.open(ADDRESS))
    opened(lake).create_checkpoint()
    lake.table(ADDRESS).remove([f"_delta_log/{0:020d}.json"])
    known = lake.open(ADDRESS).partitions
    assert known["2013-01"].data_version.startswith("files-")
    assert known["2013-02"].fingerprint == "code"
    publish(lake, AT, month("2013-02", 3), ["2013-02"], lake.open(ADDRESS))
    assert lake.open(ADDRESS).partitions["2013-01"] == known["2013-01"], "its files are what they were"


def test_another_program_changes_the_partitions_whose_files_it_touches(lake: Lake) -> None:
    publish(lake, AT, pa.concat_tables([month("2013-01", 1), month("2013-02", 2)]), ["2013-01", "2013-02"])
    before = lake.open(ADDRESS).partitions
    write_deltalake(opened(lake), month("2013-02", 4), mode="append")
    known = lake.open(ADDRESS).partitions
    assert known["2013-01"] == before["2013-01"]
    assert (known["2013-02"].data_version, known["2013-02"].is_ours) == ("version-1", False)


def test_compaction_changes_no_data_version(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    before = lake.open(ADDRESS).partitions
    opened(lake).optimize.compact()
    opened(lake).alter.set_table_properties({"delta.logRetentionDuration": "interval 900 days"})
    assert lake.open(ADDRESS).version > 0
    assert lake.open(ADDRESS).partitions == before


def noted(base: Snapshot, state: PartitionState) -> Publication:
    provenance = Provenance.of(run="later", engine="test", libraries={}, partitions={})
    return Publication(ADDRESS, replace(provenance, partitions={"2013-01": state}), base, "month")


def test_what_was_compared_is_remembered_until_the_partition_changes(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    base = lake.open(ADDRESS)
    later = replace(
        base.partitions["2013-01"], fingerprint="other code", inputs={"raw/x": {"2013-01": "2"}}, rejected=3
    )
    assert lake.note(noted(base, later)) == 1
    now = lake.open(ADDRESS)
    assert now.partitions == {"2013-01": later}
    assert [file.path for file in now.files] == [file.path for file in base.files]
    publish(lake, AT, month("2013-01", 2), ["2013-01"], now)
    assert lake.open(ADDRESS).partitions["2013-01"].fingerprint == "code"
    with pytest.raises(PublishConflict):
        lake.note(noted(base, later))


def test_what_is_known_is_read_from_the_last_commits_alone(lake: Lake) -> None:
    publish(lake, AT, month("2012-12", 0), ["2012-12"])
    known = lake.open(ADDRESS).partitions["2012-12"]
    for level in range(35):
        publish(lake, AT, month("2013-01", level), ["2013-01"], lake.open(ADDRESS))
        assert lake.open(ADDRESS).told_ago <= TELL_ALL_AFTER
    lake.table(ADDRESS).remove([f"_delta_log/{version:020d}.json" for version in range(25)])
    assert lake.open(ADDRESS).partitions["2012-12"] == known
    assert {file.partition for file in lake.open(ADDRESS).files} == {"2012-12", "2013-01"}


@pytest.mark.parametrize("by", ["us", "another program"])
def test_a_restored_version_brings_back_what_was_known_then(lake: Lake, by: str) -> None:
    publish(lake, AT, pa.concat_tables([month("2013-01", 1), month("2013-02", 2)]), ["2013-01", "2013-02"])
    publish(lake, AT, month("2013-02", 3), ["2013-02"], lake.open(ADDRESS))
    before = lake.open(ADDRESS).partitions
    for level in range(12):
        publish(lake, AT, month("2013-01", level), ["2013-01"], lake.open(ADDRESS))
    write_deltalake(opened(lake), month("2013-02", 4), mode="append")
    if by == "us":
        assert lake.restore(ADDRESS, 1, run="test") == 15
    else:
        opened(lake).restore(1)
    assert levels(lake) == {"2013-01": [1], "2013-02": [3]}
    assert lake.open(ADDRESS).partitions == before
    publish(lake, AT, month("2013-01", 7), ["2013-01"], lake.open(ADDRESS))
    assert lake.open(ADDRESS).partitions["2013-02"] == before["2013-02"]


def test_tables_are_found_and_other_folders_are_not(lake: Lake) -> None:
    publish(lake, AT, month("2013-01", 1), ["2013-01"])
    publish(lake, "quarantine/feature__levels", month("2013-01", 1), ["2013-01"])
    for other in ("feature/no_log/x", "feature/Not A Name/_delta_log/x", ".hidden/x/_delta_log/x", "loose/x"):
        lake.store.write(other, b"of others")
    assert [str(address) for address in lake.tables()] == ["feature/levels", "quarantine/feature__levels"]
    assert lake.find(Address.parse("feature/no_log")) is None
    with pytest.raises(TableNotFound, match="taxiway run feature/no_log --upstream"):
        lake.open(Address.parse("feature/no_log"))

"""What a session reads of a Delta table: these partitions, no row before an instant, whatever the table's features."""

import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.working import publish

from taxiway.addresses import Address
from taxiway.engines.base import Reading
from taxiway.engines.duckdb import DuckDB, DuckDBSession
from taxiway.errors import EngineError, LakeError
from taxiway.lake import Lake, Snapshot
from taxiway.storage import Store

ADDRESS = Address.parse("feature/levels")
SCHEMA = pa.schema(
    [("month", pa.string()), ("at", pa.timestamp("us", "UTC")), ("level", pa.int32()), ("tags", pa.list_(pa.string()))]
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path / "lake")))


@pytest.fixture
def session(lake: Lake, tmp_path: Path) -> Iterator[DuckDBSession]:
    with DuckDB(2, "1GB", tmp_path / "scratch", lake.store).session() as session:
        yield session


def readings() -> pa.Table:
    rows = [
        {
            "month": f"2013-0{month}",
            "at": datetime(2013, month, day, tzinfo=UTC),
            "level": month * 100 + day,
            "tags": ["a"],
        }
        for month in (1, 2, 3)
        for day in (1, 15)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


@pytest.fixture
def snapshot(lake: Lake) -> Snapshot:
    publish(lake, str(ADDRESS), readings(), ["2013-01", "2013-02", "2013-03"])
    return lake.open(ADDRESS)


def levels(session: DuckDBSession, reading: Reading) -> list[int]:
    session.read("levels", reading)
    return sorted(row["level"] for row in session.query("SELECT level FROM levels").to_pylist())


def test_rows_come_with_the_declared_types(session: DuckDBSession, snapshot: Snapshot) -> None:
    session.read("levels", Reading(snapshot, SCHEMA))
    found = session.query("SELECT * FROM levels ORDER BY level")
    assert found.cast(SCHEMA).equals(readings())


def test_only_the_chosen_partitions_are_read(session: DuckDBSession, snapshot: Snapshot) -> None:
    assert levels(session, Reading(snapshot, SCHEMA, ("2013-01", "2013-03"))) == [101, 115, 301, 315]
    assert levels(session, Reading(snapshot, SCHEMA, ("2013-07",))) == []
    assert levels(session, Reading(None, SCHEMA)) == []


def test_rows_before_the_instant_are_read_of_the_own_partitions_only(
    session: DuckDBSession, snapshot: Snapshot
) -> None:
    since = datetime(2013, 2, 10, tzinfo=UTC)
    assert levels(session, Reading(snapshot, SCHEMA, None, (), ("at",), since)) == [215, 301, 315]
    assert levels(session, Reading(snapshot, SCHEMA, None, ("2013-01",), ("at",), since)) == [101, 115, 215, 301, 315]


def test_a_column_that_is_not_published_yet_reads_as_null(session: DuckDBSession, snapshot: Snapshot) -> None:
    session.read("levels", Reading(snapshot, SCHEMA.append(pa.field("note", pa.string()))))
    assert session.query("SELECT DISTINCT note FROM levels").to_pylist() == [{"note": None}]


def test_a_column_that_only_another_partition_was_published_with_reads_as_null(
    session: DuckDBSession, lake: Lake, snapshot: Snapshot
) -> None:
    wider = readings().append_column("note", pa.array(["x"] * 6))
    march = wider.filter(pc.equal(wider["month"], "2013-03"))
    publish(lake, str(ADDRESS), march, ["2013-03"], snapshot)
    for months, notes in ((("2013-01", "2013-02"), [None]), (("2013-03",), ["x"]), (None, [None, "x"])):
        session.read("levels", Reading(lake.open(ADDRESS), wider.schema, months))
        found = session.query("SELECT DISTINCT note FROM levels")["note"].to_pylist()
        assert sorted(found, key=str) == notes


def test_the_pinned_version_is_read_whatever_came_after(session: DuckDBSession, lake: Lake, snapshot: Snapshot) -> None:
    publish(lake, str(ADDRESS), readings().slice(0, 0), ["2013-01", "2013-02", "2013-03"], snapshot)
    assert len(levels(session, Reading(snapshot, SCHEMA))) == 6
    assert levels(session, Reading(lake.open(ADDRESS), SCHEMA)) == []


def test_a_data_file_that_is_gone_or_damaged_is_told(session: DuckDBSession, snapshot: Snapshot) -> None:
    first, second, _ = (Path(snapshot.uri) / file.path for file in snapshot.files)
    second.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(EngineError, match=f"{second.name}.*"):
        levels(session, Reading(snapshot, SCHEMA, ("2013-02",)))
    first.unlink()
    with pytest.raises(EngineError, match=rf"a data file .* is gone .*{first.name}.*taxiway run layer/name --rebuild"):
        levels(session, Reading(snapshot, SCHEMA, ("2013-01",)))


def rewrite_entry(folder: Path, version: int, actions: list[dict]) -> None:
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (folder / "_delta_log" / f"{version:020d}.json").write_text(text)


def entry(folder: Path, version: int) -> list[dict]:
    return [json.loads(line) for line in (folder / "_delta_log" / f"{version:020d}.json").read_text().splitlines()]


def test_columns_with_physical_names_of_their_own_are_read_right(session: DuckDBSession, lake: Lake) -> None:
    folder = Path(lake.uri(ADDRESS))
    write_deltalake(
        str(folder), readings().rename_columns(["month", "col-1", "col-2", "col-3"]), partition_by=["month"]
    )
    actions = entry(folder, 0)
    for action in actions:
        if "protocol" in action:
            action["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
        if "metaData" in action:
            schema = json.loads(action["metaData"]["schemaString"])
            for number, (column, name) in enumerate(zip(schema["fields"], SCHEMA.names, strict=True)):
                mapped = {"delta.columnMapping.id": number + 1, "delta.columnMapping.physicalName": column["name"]}
                column |= {"name": name, "metadata": mapped}
            action["metaData"]["schemaString"] = json.dumps(schema)
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    rewrite_entry(folder, 0, actions)
    snapshot = lake.open(ADDRESS)
    assert not snapshot.plain_files()
    session.read("levels", Reading(snapshot, SCHEMA))
    assert session.query("SELECT * FROM levels ORDER BY level").cast(SCHEMA).equals(readings())
    since = datetime(2013, 2, 10, tzinfo=UTC)
    assert levels(session, Reading(snapshot, SCHEMA, ("2013-02", "2013-03"), (), ("at",), since)) == [215, 301, 315]


def test_deleted_rows_are_not_read(session: DuckDBSession, lake: Lake) -> None:
    folder = Path(lake.uri(ADDRESS))
    write_deltalake(str(folder), readings(), configuration={"delta.enableDeletionVectors": "true"})
    (added,) = [action["add"] for action in entry(folder, 0) if "add" in action]
    removed = {"path": added["path"], "deletionTimestamp": 1, "dataChange": True}
    deleted = added | {"deletionVector": _deletion_vector([1, 4])}
    rewrite_entry(folder, 1, [{"commitInfo": {"operation": "DELETE"}}, {"remove": removed}, {"add": deleted}])
    assert levels(session, Reading(lake.open(ADDRESS), SCHEMA)) == [101, 201, 215, 315]
    assert len(levels(session, Reading(lake.open(ADDRESS, 0), SCHEMA))) == 6


def _deletion_vector(rows: list[int]) -> dict:
    """Row numbers as Delta stores them within the log: a Roaring bitmap in Z85 (Delta protocol, Deletion Vectors)."""
    container = struct.pack(f"<IIHHI{len(rows)}H", 12346, 1, 0, len(rows) - 1, 16, *rows)
    vector = struct.pack("<IqI", 1681511377, 1, 0) + container
    size = len(vector)
    vector += bytes(-size % 4)
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    words = (int.from_bytes(vector[place : place + 4], "big") for place in range(0, len(vector), 4))
    text = "".join(letters[word // 85**power % 85] for word in words for power in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": size, "cardinality": len(rows)}


def test_features_that_nobody_here_can_read_are_refused(session: DuckDBSession, lake: Lake) -> None:
    folder = Path(lake.uri(ADDRESS))
    write_deltalake(str(folder), readings())
    actions = entry(folder, 0)
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["unheardOf"],
        "writerFeatures": ["unheardOf"],
    }
    rewrite_entry(folder, 0, [action if "protocol" not in action else {"protocol": protocol} for action in actions])
    with pytest.raises(LakeError, match="feature/levels"):
        levels(session, Reading(lake.open(ADDRESS), SCHEMA))
    assert DeltaTable.is_deltatable(str(folder))

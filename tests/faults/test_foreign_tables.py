"""What another program does to one table, in a folder or on S3, is told of that table; all others are listed, read and
made."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.s3 import Server
from tests.unit.cli.conftest import CommandLine, built, copied, root

from taxiway.storage import Store

__all__ = ["built", "copied", "root"]

AT = "raw/readings"
NO_KEY = "__HIVE_DEFAULT_PARTITION__"


def rows(month: str | None) -> pa.Table:
    at = pa.array([datetime(2013, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    number = {"level_cm": pa.array([1], pa.int32()), "source_file": ["x"], "source_row": pa.array([1], pa.int64())}
    return pa.table({"gauge": ["AAA"], "read_at": at, **number, "month": pa.array([month], pa.string())})


def appended(month: str | None) -> Callable[[Store], None]:
    return lambda table: write_deltalake(table.uri, rows(month), mode="append", storage_options=table.delta_options)


def replaced(data: pa.Table, by: list[str] | None) -> Callable[[Store], None]:
    def change(table: Store) -> None:
        table.remove([file.path for file in table.files()])
        write_deltalake(table.uri, data, partition_by=by, storage_options=table.delta_options)

    return change


def committed(*actions: dict[str, object]) -> Callable[[Store], None]:
    text = "".join(json.dumps(action) + "\n" for action in actions)
    return lambda table: table.write(f"_delta_log/{1:020d}.json", text.encode())


def protocol(feature: str) -> dict[str, object]:
    features = {"readerFeatures": [feature], "writerFeatures": [feature]}
    return {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}


FOREIGN = {
    "no partition": (appended(None), NO_KEY),
    "another partition": (appended("2099-01"), "2099-01"),
    "a partition that is no key": (appended("it's März/ %20"), "it's März/ %20"),
}
UNUSABLE = {
    "two partition columns": (replaced(rows("2013-01"), ["month", "gauge"]), "at most one such column"),
    "a feature that nobody knows": (committed(protocol("fancy")), "cannot be read"),
    "no log that can be read": (
        lambda table: table.write(f"_delta_log/{0:020d}.json", b"{"),
        "cannot be read",
    ),
}
UNWRITABLE = {
    "another partition column": (replaced(rows("2013-01"), ["gauge"]), "its contract says month"),
    "no partition column": (replaced(rows("2013-01"), None), "partitioned by nothing"),
    "other columns": (replaced(pa.table({"month": ["2013-01"], "z": [1]}), ["month"]), "its columns changed"),
    "more columns": (replaced(rows("2013-01").append_column("z", [[1]]), ["month"]), "its columns changed"),
    "fewer columns": (replaced(rows("2013-01").drop_columns("gauge"), ["month"]), "its columns changed"),
}


@pytest.fixture
def lake(request: pytest.FixtureRequest, copied: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The lake of the command line `copied`, in its home or, where that is asked for, on S3."""
    lake = Store(str(copied.home / "lake"))
    if getattr(request, "param", "folder") == "folder":
        return lake
    server: Server = request.getfixturevalue("s3")
    bucket = server.store()
    for file in lake.files():
        bucket.write(file.path, lake.read(file.path))
    for name, value in {"TAXIWAY_LAKE": bucket.uri, **server.environment()}.items():
        monkeypatch.setenv(name, value)
    return bucket


def everywhere(kinds: Iterable[str], *on_s3: str) -> pytest.MarkDecorator:
    """All kinds in a folder, and some on S3 too."""
    cases = [*(("folder", kind) for kind in kinds), *(("s3", kind) for kind in on_s3)]
    return pytest.mark.parametrize(("lake", "kind"), cases, indirect=["lake"])


def see_that_the_others_are_whole(command: CommandLine) -> None:
    assert len(command.done("show", "raw/gauges", "--json").data) == 2
    assert command.done("sql", "select count(*) as n from raw.gauges", "--json").data == [{"n": 2}]
    assert "raw.gauges" in command.done("sql", "show tables").out
    command.done("run", "raw/gauges")


@everywhere(FOREIGN, "a partition that is no key")
def test_rows_of_another_program_are_shown_as_foreign(copied: CommandLine, lake: Store, kind: str) -> None:
    change, key = FOREIGN[kind]
    change(lake.below(AT))
    tables = {table["table"]: table for table in copied.done("tables", "--json").data}
    assert tables[AT]["foreign"] == [key]
    assert [table["foreign"] for table in tables.values() if table["table"] != AT] == [[], [], []]
    assert key in copied.done("tables").err
    assert len(copied.done("show", AT, "--json").data) == 3 * 224
    assert copied.done("history", AT, "--json").data[0]["run"] is None
    copied.done("run")
    refused = copied("run", AT, "--rebuild")
    assert (refused.code, f"taxiway drop {AT} --force" in refused.err or kind == "another partition") == (1, True)
    see_that_the_others_are_whole(copied)


@everywhere(UNUSABLE, "no log that can be read")
def test_a_table_that_cannot_be_read_is_told_in_one_line_and_the_others_are_whole(
    copied: CommandLine, lake: Store, kind: str
) -> None:
    change, told = UNUSABLE[kind]
    change(lake.below(AT))
    listed = copied("tables", "--json")
    assert listed.code == 1
    tables = {table["table"]: table for table in listed.data}
    assert len(tables) == 4
    assert told in tables[AT]["problem"]
    assert [table["problem"] for table in tables.values() if table["table"] != AT] == [None, None, None]
    assert len([line for line in listed.err.splitlines() if line.startswith("error: ")]) == 1
    for words in (["show", AT], ["sql", "from raw.readings"]):
        said = copied(*words)
        assert (said.code, len(said.err.splitlines())) == (1, 1), said.err
        assert told in said.err
    said = copied("run", "--json")
    assert said.code == 1
    assert [table["table"] for table in said.data["tables"]] == ["raw/gauges"]
    assert told in said.data["failures"][0]["message"]
    see_that_the_others_are_whole(copied)


@everywhere(UNWRITABLE, "fewer columns")
def test_a_table_that_is_not_as_its_contract_says_is_neither_read_nor_written(
    copied: CommandLine, lake: Store, kind: str
) -> None:
    change, told = UNWRITABLE[kind]
    change(lake.below(AT))
    before = {file.path: file.tag for file in lake.files(AT)}
    said = copied("run", AT, "--partition", "2013-01")
    assert (said.code, told in said.err) == (1, True), said.err
    assert copied("run", "feature/level_history", "--partition", "2013-01", "--force").code == 1
    assert {file.path: file.tag for file in lake.files(AT)} == before
    see_that_the_others_are_whole(copied)


def test_a_commit_that_says_nothing_of_itself_is_shown(copied: CommandLine, lake: Store) -> None:
    committed({"commitInfo": {"operation": 5}})(lake.below(AT))
    assert copied.done("history", AT, "--json").data[0]["at"] is None
    assert "another program"[:8] in copied.done("history", AT).out
    copied.done("tables")


def test_a_version_whose_files_a_vacuum_has_removed_says_so(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-02")
    copied.done("run", AT)
    assert len(copied.done("show", AT, "--version", "0", "--json").data) == 3 * 224 - 1
    table = DeltaTable(copied.home / "lake" / AT)
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    said = copied("show", AT, "--version", "0")
    assert said.code == 1
    assert f"{AT} version 0 can no longer be read: 1 of its 3 files have been removed, as a vacuum does" in said.err
    assert f"taxiway history {AT}" in said.err
    assert len(copied.done("show", AT, "--json").data) == 3 * 224

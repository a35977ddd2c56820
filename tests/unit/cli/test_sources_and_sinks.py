"""`land` delivers from sources too, and `sink` publishes where others read."""

from pathlib import Path

import pytest
from tests.postgres import PASSWORD, Database
from tests.unit.cli.conftest import SETTINGS, CommandLine
from tests.unit.connectors.wells import RIVERS, filled


@pytest.fixture
def command(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    folder = tmp_path / "deployments" / "local"
    folder.mkdir(parents=True)
    project = SETTINGS.replace("tests.unit.cli.river:project", "tests.unit.connectors.wells:WITH_SINKS")
    (folder / "settings.toml").write_text(project)
    (tmp_path / "url").write_text(filled(database).url)
    monkeypatch.setenv("TAXIWAY_CONNECTION_WAREHOUSE_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("TAXIWAY_CONNECTION_EXPORTS", str(tmp_path / "exports"))
    return CommandLine(tmp_path, tmp_path / "home")


def test_what_comes_from_a_database_goes_back_to_it_and_into_a_file(command: CommandLine, database: Database) -> None:
    landed = command.done("land", "--json").data
    assert [file["file"] for file in landed] == ["gauges.csv", *(f"readings-2013-0{month}.csv" for month in (1, 2, 3))]
    assert command.done("land", "--json").data == []
    command.done("run")
    done = command.done("sink", "--json").data
    assert [(row["place"], row["rows"], row["changed"]) for row in done] == [
        ("warehouse: bi.river_month", 6, True),
        (str(command.root / "exports" / "feature" / "river_month.parquet"), 6, True),
    ]
    again = command.done("sink", RIVERS)
    assert again.out.count("as it was") == 2
    assert "0 sinks of 2 written" in again.err
    assert PASSWORD not in again.out + again.err

    database.do("DROP TABLE bi.river_month; CREATE TABLE bi.river_month AS SELECT 1 AS theirs")
    database.do("DELETE FROM bi.taxiway_published")
    said = command("sink", "--json")
    assert said.code == 1
    assert len(said.data) == 1, "the other sink is published into all the same"
    assert "error: warehouse: bi.river_month is there and was not made from feature/river_month" in said.err


def test_only_the_months_that_are_named_are_landed(command: CommandLine) -> None:
    landed = command.done("land", "--partition", "2013-02", "--json").data
    assert [file["file"] for file in landed] == ["gauges.csv", "readings-2013-02.csv"]


def test_what_is_asked_wrongly_is_one_line(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    said = command("sink", "raw/gauges")
    assert (said.code, "raw/gauges has no sinks" in said.err) == (2, True)
    said = command("sink")
    assert said.code == 1
    assert f"{RIVERS} has not been published yet" in said.err
    said = command("land", "--partition", "2013-02", "--spoil", "one")
    assert (said.code, "has no publisher of its own" in said.err) == (2, True)
    monkeypatch.delenv("TAXIWAY_CONNECTION_WAREHOUSE_FILE")
    said = command("land")
    assert (said.code, "the connection 'warehouse' is not set; there are: exports" in said.err) == (2, True)

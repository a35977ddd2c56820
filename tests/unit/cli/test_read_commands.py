import json
from datetime import datetime
from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine


def test_tables_says_of_each_what_there_is(built: CommandLine) -> None:
    tables = {table["table"]: table for table in built.done("tables", "--json").data}
    assert list(tables) == ["feature/level_history", "feature/river_month", "raw/gauges", "raw/readings"]
    readings = tables["raw/readings"]
    assert (readings["rows"], readings["partitions"], readings["version"]) == (3 * 224 - 1, 3, 0)
    assert readings["bytes"] == sum(
        file.stat().st_size for file in (built.home / "lake").glob("raw/readings/*/*.parquet")
    )
    assert readings["stale"] == []
    assert datetime.fromisoformat(readings["changed"]).tzinfo is not None
    assert "4 of 4 tables made" in built.done("tables").err


def test_tables_shows_what_is_not_made(fresh: CommandLine) -> None:
    assert fresh.done("tables").out.count("not made yet") == 4
    assert {table["version"] for table in fresh.done("tables", "--json").data} == {None}


def test_tables_shows_what_is_stale(copied: CommandLine) -> None:
    copied.done("land", "--month", "2013-02")
    tables = {table["table"]: table["stale"] for table in copied.done("tables", "--json").data}
    assert tables["raw/readings"] == ["2013-02"]
    assert tables["feature/level_history"] == []


def test_show_gives_the_rows_of_a_month_and_of_a_version(copied: CommandLine) -> None:
    rows = copied.done("show", "raw/readings", "--month", "2013-02", "--json").data
    assert len(rows) == 223
    assert {row["month"] for row in rows} == {"2013-02"}
    assert rows[0]["read_at"] == "2013-02-01T00:00:00+00:00"
    assert len(copied.done("show", "raw/readings", "--limit", "5", "--json").data) == 5

    copied.done("land", "--month", "2013-02")
    copied.done("run", "raw", "--month", "2013-02")
    assert len(copied.done("show", "raw/readings", "--month", "2013-02", "--json").data) == 224
    assert copied.done("show", "raw/readings", "--month", "2013-02", "--version", "0", "--json").data == rows


def test_show_tells_people_when_there_is_more(built: CommandLine) -> None:
    said = built.done("show", "raw/readings", "--limit", "3")
    assert len(said.out.splitlines()) == 4
    assert "the first 3 rows" in said.err
    assert "\x1b[" not in said.out


def test_sql_answers_over_the_layers(built: CommandLine) -> None:
    joined = "feature.level_history join raw.gauges using (gauge, river)"
    query = f"select river, count(*) as n from {joined} group by all order by 1"
    assert built.done("sql", query, "--json").data == [{"river": "Elbe", "n": 336}, {"river": "Oder", "n": 335}]
    assert built.done("sql", query).out.split() == ["river", "n", "Elbe", "336", "Oder", "335"]
    assert built.done("sql", "select count(*) as n from quarantine.raw__readings", "--json").data == [{"n": 1}]
    assert built.done("sql", "select 1 as a, 2 as a", "--json").data == [{"a": 1, "a_2": 2}]
    listed = {row["name"] for row in built.done("sql", "show tables", "--json").data}
    assert listed == {
        "feature.level_history",
        "feature.river_month",
        "quarantine.raw__readings",
        "raw.gauges",
        "raw.readings",
    }, "as a query may write them"


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to '{lake}/raw/gauges/x.parquet'",
        "explain analyze copy (select 1) to '{lake}/raw/gauges/x.parquet'",
        "create table raw.mine as select 1",
        "drop view raw.gauges",
        "set enable_external_access = true",
        "select 1; select 2",
        "select * from read_text('/etc/passwd')",
        "select * from raw.gauges; copy (select 1) to '{lake}/raw/gauges/x.parquet'",
        "attach '{lake}/other.duckdb'",
        "",
    ],
)
def test_sql_only_reads(built: CommandLine, query: str) -> None:
    before = sorted((built.home / "lake").rglob("*"))
    said = built("sql", query.format(lake=built.home / "lake"))
    assert said.code == 2, said
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) == 1
    assert sorted((built.home / "lake").rglob("*")) == before


def test_history_says_how_each_version_came_to_be(copied: CommandLine) -> None:
    copied.done("land", "--month", "2013-02")
    copied.done("run", "raw/readings")
    newest, oldest = copied.done("history", "raw/readings", "--json").data
    assert (newest["version"], oldest["version"]) == (1, 0)
    assert list(newest["partitions"]) == ["2013-02"]
    assert sorted(oldest["partitions"]) == ["2013-01", "2013-02", "2013-03"]
    february = oldest["partitions"]["2013-02"]
    assert (february["rows"], february["rejected"]) == (223, 1)
    assert list(february["inputs"]["landing"]) == ["readings-2013-02.csv"]
    assert newest["run"] != oldest["run"]
    assert newest["engine"].startswith("duckdb ")
    told = copied.done("history", "raw/readings", "--limit", "1").out
    assert "2013-02" in told
    assert newest["run"][:8] in told


def test_quarantine_shows_the_row_as_delivered_and_why(built: CommandLine) -> None:
    (row,) = built.done("quarantine", "raw/readings", "--json").data
    assert (row["table"], row["partition"], row["source_file"]) == ("raw/readings", "2013-02", "readings-2013-02.csv")
    assert row["source_row"] == 10
    assert row["row"]["level_cm"] == "high"
    assert row["reasons"] == ["level_cm: 'high' is not a whole number from -2147483648 to 2147483647"]
    assert built.done("quarantine", "--month", "2013-02", "--json").data == [row]
    assert built.done("quarantine", "--month", "2013-01", "--json").data == []
    assert built.done("quarantine", "raw/gauges").err == "nothing is in quarantine\n"
    assert "level_cm=high" in built.done("quarantine").out


def test_numbers_that_json_lacks_are_texts(built: CommandLine) -> None:
    said = built.done(
        "sql", "select 'nan'::double as a, 'inf'::double as b, [1.5, null] as c, date '2013-01-01' as d", "--json"
    )
    assert json.loads(said.out, parse_constant=pytest.fail) == [
        {"a": "nan", "b": "inf", "c": [1.5, None], "d": "2013-01-01"}
    ]


def test_a_lake_that_is_only_read_stays_as_it_was(built: CommandLine) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (built.home / "lake").rglob("*") if path.is_file()}

    before = files()
    for words in (["tables"], ["show", "raw/gauges"], ["sql", "from raw.gauges"], ["history", "raw/gauges"]):
        built.done(*words)
    assert files() == before

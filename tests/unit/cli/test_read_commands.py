import json
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine


def test_tables_says_of_each_what_there_is(built: CommandLine) -> None:
    tables = {table["table"]: table for table in built.done("tables", "--json").data}
    assert list(tables) == ["feature/level_history", "feature/river_month", "raw/gauges", "raw/readings"]
    readings = tables["raw/readings"]
    assert (readings["rows"], readings["partitions"], readings["version"]) == (3 * 224 - 1, 3, 0)
    files = (built.home / "lake" / "raw" / "readings").glob("*/month=*/*.parquet")
    assert readings["bytes"] == sum(file.stat().st_size for file in files)
    assert readings["stale"] == []
    assert datetime.fromisoformat(readings["changed"]).tzinfo is not None
    assert "4 of 4 tables made" in built.done("tables").err


def test_tables_shows_what_is_not_made(fresh: CommandLine) -> None:
    assert fresh.done("tables").out.count("not made yet") == 4
    assert {table["version"] for table in fresh.done("tables", "--json").data} == {None}


def test_tables_shows_what_is_stale(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-02")
    tables = {table["table"]: table["stale"] for table in copied.done("tables", "--json").data}
    assert tables["raw/readings"] == ["2013-02"]
    assert tables["feature/level_history"] == []


def test_show_gives_the_rows_of_a_month_and_of_a_version(copied: CommandLine) -> None:
    rows = copied.done("show", "raw/readings", "--partition", "2013-02", "--json").data
    assert len(rows) == 223
    assert {row["month"] for row in rows} == {"2013-02"}
    assert rows[0]["read_at"] == "2013-02-01T00:00:00+00:00"
    assert len(copied.done("show", "raw/readings", "--limit", "5", "--json").data) == 5

    copied.done("land", "--partition", "2013-02")
    copied.done("run", "raw", "--partition", "2013-02")
    assert len(copied.done("show", "raw/readings", "--partition", "2013-02", "--json").data) == 224
    assert copied.done("show", "raw/readings", "--partition", "2013-02", "--version", "0", "--json").data == rows


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
    copied.done("land", "--partition", "2013-02")
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
    assert built.done("quarantine", "--partition", "2013-02", "--json").data == [row]
    assert built.done("quarantine", "--partition", "2013-01", "--json").data == []
    assert built.done("quarantine", "raw/gauges").err == "nothing is in quarantine\n"
    assert "level_cm=high" in built.done("quarantine").out


def test_numbers_that_json_lacks_are_texts(built: CommandLine) -> None:
    said = built.done(
        "sql",
        "select 'nan'::double as a, 'inf'::double as b, [1.5::double, null] as c, date '2013-01-01' as d",
        "--json",
    )
    assert json.loads(said.out, parse_constant=pytest.fail) == [
        {"a": "nan", "b": "inf", "c": [1.5, None], "d": "2013-01-01"}
    ]


def test_json_has_every_digit(built: CommandLine) -> None:
    query = """
        select 0.10::decimal(38, 20) as d, 0::decimal(20, 15) as zero, [1.50, null] as ds, {'a': 9.99} as s,
            9007199254740993::bigint + 1 as n, sum(9007199254740993) as total, 0.1::double as f, 1e-7 as small,
            0.1::float as narrow, timestamptz '2013-07-01 00:00:00.000001+02' as at, timestamp '2013-01-01' as clock,
            date '2013-01-01' as day, time '01:02:03' as t, timestamp_ns '2013-01-01 00:00:00.000000001' as ns,
            interval 1 month as month, '\\x00\\xFF'::blob as bytes, -170141183460469231731687303715884105728 as least
    """
    said = built.done("sql", query, "--json")
    assert said.data == [
        {
            "d": "0.10000000000000000000",
            "zero": "0.000000000000000",
            "ds": ["1.50", None],
            "s": {"a": "9.99"},
            "n": 9007199254740994,
            "total": 9007199254740993,
            "f": 0.1,
            "small": 1e-7,
            "narrow": 0.10000000149011612,
            "at": "2013-06-30T22:00:00.000001+00:00",
            "clock": "2013-01-01T00:00:00",
            "day": "2013-01-01",
            "t": "01:02:03",
            "ns": "2013-01-01 00:00:00.000000001",
            "month": "1 month",
            "bytes": "00ff",
            "least": -(2**127),
        }
    ]
    assert "0.000000000000000" in built.done("sql", "select 0::decimal(20, 15) as zero").out


STEERING = "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\r\u202e\u2066\u200b\x08"


def unsafe(text: str) -> set[str]:
    return {character for character in text if character not in "\n" and unicodedata.category(character)[0] == "C"}


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_data_does_not_steer_the_terminal(built: CommandLine, words: list[str]) -> None:
    marked = f"a{STEERING}b [red]c[/red] :red_circle:\n\td"
    said = built.done("sql", f"select '{marked}' as \"e{STEERING}\", ['{marked}'] as list", *words)
    assert not unsafe(said.out + said.err)
    if words:
        assert said.data == [{f"e{STEERING}": marked, "list": [marked]}]
    else:
        header, row, *others = said.out.splitlines()
        assert not others, "a line end in data makes no line"
        assert r"e\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\r\u202e\u2066\u200b\x08" in header
        assert r"b [red]c[/red] :red_circle:\n\td" in row


@pytest.mark.parametrize(
    "words",
    [
        ["sql", f"select {STEERING}"],
        ["sql", f"select * from raw.gauges where gauge = error('{STEERING}')"],
        ["sql", f"select '{STEERING}'::integer"],
        ["show", f"raw/{STEERING}"],
        ["show", "raw/readings", "--partition", f"{STEERING}"],
        ["run", f"{STEERING}"],
        ["--debug", "sql", f"select '{STEERING}'::integer"],
        [f"--{STEERING}"],
        [f"{STEERING}"],
        ["compare", f"{STEERING}.csv", "raw/readings"],
    ],
)
def test_messages_do_not_steer_the_terminal(built: CommandLine, words: list[str]) -> None:
    said = built(*words)
    assert said.code != 0
    assert not unsafe(said.out + said.err)
    assert "\\x1b" in said.err


def test_what_happens_in_a_run_does_not_steer_the_terminal(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-01")
    path = fresh.home / "landing" / "readings-2013-01.csv"
    lines = path.read_text().splitlines(keepends=True)
    spoilt = [line.replace(",,", f",{STEERING.replace(chr(13), '')},") for line in lines[:1]]
    spoilt += [f"{line.rsplit(',', 2)[0]},{STEERING.replace(chr(13), '')},\n" for line in lines[1:4]]
    path.write_text("".join([*spoilt, *lines[4:]]))
    said = fresh.done("run", "raw/readings", "--partition", "2013-01")
    assert not unsafe(said.out + said.err)
    assert "\\x1b[2J" in said.out
    shown = fresh.done("quarantine", "raw/readings")
    assert not unsafe(shown.out + shown.err)
    assert "\\x1b[2J" in shown.out
    path.write_text("".join([*spoilt, *(f"{line.rsplit(',', 2)[0]},\x1b[31m,\n" for line in lines[4:])]))
    refused = fresh("run", "raw/readings", "--partition", "2013-01")
    assert refused.code == 1
    assert not unsafe(refused.out + refused.err)
    assert "\\x1b[31m" in refused.err


def test_a_lake_that_is_only_read_stays_as_it_was(built: CommandLine) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (built.home / "lake").rglob("*") if path.is_file()}

    before = files()
    for words in (["tables"], ["show", "raw/gauges"], ["sql", "from raw.gauges"], ["history", "raw/gauges"]):
        built.done(*words)
    assert files() == before


def test_quarantine_shows_all_rows_of_a_refused_month(copied: CommandLine) -> None:
    assert copied.done("quarantine", "--refused").err == "no rows of a refused partition are kept\n"
    before = copied.done("quarantine", "--json").data
    copied.done("land", "--partition", "2013-03", "--spoil", "too-many")
    refused = copied("run", "raw/readings")
    assert refused.code == 1
    command = "taxiway quarantine raw/readings --refused --partition 2013-03"
    assert command in refused.err
    rows = copied.done(*command.split()[1:], "--json").data
    assert len(rows) == 224
    assert {(row["table"], row["partition"]) for row in rows} == {("raw/readings", "2013-03")}
    assert [bool(row["reasons"]) for row in rows] == [True] * 50 + [False] * 174, "those with a reason come first"
    assert {row["row"]["level_cm"] for row in rows[:50]} == {"high"}
    assert copied.done("quarantine", "--refused", "--json").data == rows
    assert copied.done("quarantine", "raw/readings", "--refused", "--partition", "2013-02", "--json").data == []
    assert copied.done("quarantine", "--json").data == before, "they are not what is published without"
    said = copied.done("quarantine", "raw/readings", "--refused", "--limit", "3")
    assert len(said.out.splitlines()) == 4
    assert "3 of 224 rows" in said.err
    assert copied.done("sql", "select count(*) as n from refused.raw__readings", "--json").data == [{"n": 224}]


def test_quarantine_says_where_a_file_lies_of_which_no_row_was_read(copied: CommandLine) -> None:
    path = copied.home / "landing" / "readings-2013-03.csv"
    path.write_text(path.read_text().replace("AAA,2013-03-05", '"AAA,2013-03-05', 1))
    assert copied("run", "raw/readings").code == 1
    for words in (["--partition", "2013-03"], []):
        said = copied.done("quarantine", "raw/readings", "--refused", *words)
        assert f"raw/readings 2013-03: no row was read of {path}: " in said.err
        assert "quote" in said.err
        assert said.err == copied.done("quarantine", "--refused", *words).err, "of all tables without a name"
    assert "no row was read" not in copied.done("quarantine", "raw/readings", "--refused", "--partition", "2013-02").err
    gauges = copied.home / "landing" / "gauges.csv"
    gauges.unlink()
    gauges.symlink_to("nowhere")
    said = copied.done("quarantine", "--refused")
    assert f"raw/gauges: no row was read of {gauges}: gauges.csv is a link to nowhere" in said.err
    assert "gauges" not in copied.done("quarantine", "raw/readings", "--refused").err


ENDLESS = {
    "'infinity'::timestamp": "infinity",
    "'-infinity'::date": "-infinity",
    "'infinity'::timestamptz": "infinity",
    "'-infinity'::timestamp_s": "-infinity",
    "['infinity'::date, '2013-01-01']": "[infinity, 2013-01-01]",
    "{'a''b': ['-infinity'::timestamp]}": "{'a\\'b': [-infinity]}",
    "map {'infinity'::date: 1}": "{infinity=1}",
    "[[{'a': 1, 'b': 'infinity'::timestamp_ms}]]": "[[{'a': 1, 'b': infinity}]]",
    "'9999-12-31 23:59:59.999999'::timestamp": "9999-12-31T23:59:59.999999",
    "'0001-01-01'::date": "0001-01-01",
    "[{'text': 'infinity', 'day': '9999-12-31'::date}]": [{"text": "infinity", "day": "9999-12-31"}],
    "row(1, 'infinity'::date)": "(1, infinity)",
    "null::date": None,
    "'infinity'::double": "inf",
}


def test_what_is_infinite_is_no_date(built: CommandLine) -> None:
    asked = ", ".join(f"{value} as c{number}" for number, value in enumerate(ENDLESS))
    (row,) = built.done("sql", f"select {asked}", "--json").data
    assert list(row.values()) == list(ENDLESS.values())
    rows = built.done("sql", "from (values ('2013-01-01'::date), ('infinity')) t(day)", "--json").data
    assert rows == [{"day": "2013-01-01"}, {"day": "infinity"}], "each value for itself"

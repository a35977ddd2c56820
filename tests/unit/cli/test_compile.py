"""`taxiway compile` prints SQL that stands for itself."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import ROOT

WITHOUT_SPARK = """
import sys
sys.modules["pyspark"] = None
from taxiway.cli import main
main(sys.argv[1:])
"""


def rows(printed: str) -> list[dict[str, object]]:
    found = duckdb.connect().execute(printed).to_arrow_table().to_pylist()
    return sorted(found, key=lambda row: (row["gauge"], row["read_at"]))


def comments(printed: str) -> str:
    return "".join(line for line in printed.splitlines(keepends=True) if line.startswith("--"))


@pytest.mark.parametrize("month", ["2013-02", None])
def test_what_is_printed_runs_in_duckdb_alone(built: CommandLine, month: str | None) -> None:
    chosen = ["--partition", month] if month else []
    wanted = built.done("show", "feature/level_history", *chosen, "--json").data
    found = rows(built.done("compile", "feature/level_history", *chosen).out)
    order = sorted(wanted, key=lambda row: (row["gauge"], row["read_at"]))
    assert [row | {"read_at": row["read_at"].isoformat()} for row in found] == order  # pyright: ignore


def test_it_says_what_each_name_stands_for(built: CommandLine) -> None:
    told = comments(built.done("compile", "feature/level_history", "--partition", "2013-03", "--engine", "spark").out)
    assert "feature/level_history, 2013-03: One row for each reading" in told
    assert (
        "raw_readings is raw/readings, version 0, of 2013-02, 2013-03; "
        "of earlier partitions from read_at 2013-02-28T00:00:00+00:00." in told
    )
    assert "raw_gauges is raw/gauges, version 0." in told
    assert "high_cm = 500" in told


def test_only_functions_that_it_calls_are_made(built: CommandLine, tmp_path: Path) -> None:
    assert "FUNCTION" not in built.done("compile", "feature/level_history", "--engine", "spark").out
    flights = CommandLine(ROOT, tmp_path / "home")
    spark = flights.done("compile", "feature/flights", "--engine", "spark").out
    named = ("known_zone", "clock_of_known", "local_clock", "instant_of", "quotient", "epoch_us")
    assert [name for name in named if f"FUNCTION {name}" in spark] == [
        "known_zone",
        "clock_of_known",
        "local_clock",
        "epoch_us",
    ]
    model = flights.done("compile", "model/delay_model", "--partition", "2013-08").out
    assert model.index("MACRO by_the_day_before") < model.index("MACRO instant_of"), "what a function calls is first"


def test_an_input_that_is_not_published_is_told(fresh: CommandLine) -> None:
    told = fresh.done("compile", "feature/level_history", "--partition", "2013-02").out
    assert "raw_readings is raw/readings, which has not been published: it has no rows." in told
    assert rows(told) == []


def test_a_month_that_is_not_published_is_told(built: CommandLine) -> None:
    told = built.done("compile", "feature/level_history", "--partition", "2013-04").out
    assert "raw_readings is raw/readings, version 0, of 2013-03, 2013-04 (2013-04 not published); " in told


def test_a_raw_table_is_made_of_the_delivered_texts(built: CommandLine) -> None:
    said = built.done("compile", "raw/readings", "--partition", "2013-01").out
    assert (
        "landing_readings has to be there: the records of readings-2013-01.csv, "
        "as CSV('readings-{month}.csv', dropped={'remark': 'string'}) says; " in comments(said)
    )
    (shape,) = (line for line in comments(said).splitlines() if line.startswith("-- SELECT"))
    landing = f"CREATE VIEW landing_readings AS {shape.removeprefix('-- ')};"
    connection = duckdb.connect()
    connection.execute(landing)
    assert connection.execute(said).fetchall() == []


def test_a_function_is_told_with_what_it_is_given(tmp_path: Path) -> None:
    flights = CommandLine(ROOT, tmp_path / "home")
    said = flights.done("compile", "model/delay_model", "--partition", "2013-08", "--engine", "spark").out
    assert (
        "The rows are what flights.model.delay_model.delay_model makes of rows from model_delay_model_rows."
        in comments(said)
    )
    assert "CREATE OR REPLACE TEMPORARY VIEW `model_delay_model_rows` AS" in said
    refused = flights("compile", "model/delay_model")
    assert (refused.code, refused.out) == (2, "")
    assert "computed partition by partition: a function is given the rows of one partition" in refused.err
    assert "name one, e.g. --partition 2013-01" in refused.err


def test_a_mart_says_where_its_sql_is(tmp_path: Path) -> None:
    refused = CommandLine(ROOT, tmp_path / "home")("compile", "mart/airport_day")
    assert (refused.code, refused.out) == (2, "")
    assert "mart/airport_day is made by dbt, which has its SQL: " in refused.err
    assert "dbt_project/models/marts/airport_day.sql" in refused.err


def test_the_sql_of_spark_is_printed_where_there_is_no_spark(built: CommandLine) -> None:
    words = ["compile", "feature/level_history", "--engine", "spark", "--partition", "2013-02"]
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_SPARK, *words],
        env=os.environ | built.variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout == built.done(*words).out

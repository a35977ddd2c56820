"""Which tables may have files whose rows tell their partitions, and what is said of others when definitions load."""

from typing import Any

import ibis.expr.types as ir
import pytest

from taxiway.connectors import PostgresSource
from taxiway.contracts import Contract, Date, Instant, Int32, Text, column, table
from taxiway.errors import DefinitionError
from taxiway.landing import CSV, Files, JSONLines, Parquet
from taxiway.tables import Table
from taxiway.transforms import transform


@transform
def raw_things(landing_things: ir.Table) -> ir.Table:
    return landing_things


def of(files: Files, grain: Any, **options: Any) -> Table:
    class Things(Contract):
        """One row for each thing."""

        id: Int32 = column("Its number")
        what: Text = column("What it is")
        on: Date = column("On which date")
        at: Instant = column("When")
        part: Text = column("The partition")

        class Config:
            unique = ["id"]
            metadata = table(grain=grain, partition="part" if grain else None, key_within_partition=bool(grain))

    return Table("raw/things", Things, raw_things, files, **options)


@pytest.mark.parametrize("kind", [CSV, JSONLines, Parquet])
@pytest.mark.parametrize(
    ("grain", "column"), [("day", "on"), ("week", "on"), ("month", "on"), ("day", "at"), ("hour", "at")]
)
def test_a_date_or_an_instant_tells_the_partition(kind: type[Files], grain: str, column: str) -> None:
    made = of(kind("things-*.data", dated=column), grain)
    assert made.is_dated
    assert made.is_named("things-1.data")
    assert not made.is_named("others-1.data")
    assert made.file_name("2013-01-01") == "things-*.data"
    assert made.keys_of_file("things-1.data") == ()


def test_the_column_may_be_one_that_the_table_does_not_keep() -> None:
    made = of(CSV("things.csv", dated="sent_at", dropped={"sent_at": "timestamp('UTC', 6)"}), "day")
    assert made.file_columns["sent_at"] == "timestamp('UTC', 6)"


SOURCE = PostgresSource(connection="warehouse", cursor="at", table="public.things", partition_by="on")
REFUSED: list[tuple[Files, str | None, dict[str, Any], str]] = [
    (
        CSV("things.csv"),
        "day",
        {},
        r"need {day} in their name, .*; where a column tells the day of each row, write dated",
    ),
    (
        CSV("things-{day}.csv", dated="on"),
        "day",
        {},
        r"name things-{day}.csv tells the day already: leave one of the two",
    ),
    (CSV("things-{month}.csv", dated="on"), "day", {}, r"tells the day already: leave one of the two out"),
    (CSV("things.csv", dated="on"), None, {}, r"dated='on', but the table is not partitioned: leave dated out"),
    (CSV("things.csv", dated="in"), "day", {}, r"dated='in', which they do not have; "),
    (CSV("things.csv", dated="part"), "day", {}, r"dated='part', which they do not have; "),
    (
        CSV("things.csv", dated="what"),
        "day",
        {},
        r"which is string and tells no day: name a column that is a Date or an",
    ),
    (CSV("things.csv", dated="on"), "hour", {}, r"which is date and tells no hour: name a column that is an Instant"),
    (CSV("things.csv", dated="on"), "day", {"source": SOURCE}, r"its source delivers a file for each day: leave dated"),
]


@pytest.mark.parametrize(("files", "grain", "options", "why"), REFUSED)
def test_what_cannot_be_is_refused_with_what_to_write(
    files: Files, grain: str | None, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(DefinitionError, match=why.replace("{", r"\{").replace("}", r"\}")):
        of(files, grain, **options)

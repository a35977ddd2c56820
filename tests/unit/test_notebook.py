import subprocess
import sys
from pathlib import Path

import ibis.expr.types as ir
import pytest
from tests import gauges as river
from tests.working import land, opened, rows, run_all

import taxiway
from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.errors import TableNotFound, UsageError
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake
from taxiway.transforms import transform


class Readings(Contract):
    """One row for each gauge."""

    gauge: Text = column("The gauge")
    readings: Int64 = column("How many readings it has", le=200)
    month: Text = column("The month")

    class Config:
        unique = ["gauge"]
        metadata = table(grain="month")


class ManyReadings(Readings):
    """The same, where nobody may have fewer than 113."""

    readings: Int64 = column("How many readings it has", ge=113)


@transform
def readings(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.group_by("gauge", "month").aggregate(readings=raw_readings.count())


@pytest.fixture
def lake(gauges: Workspace) -> OpenLake:
    """The gauges of two months, made."""
    return opened(gauges, ["2013-01", "2013-02"])


def test_open_imports_nothing_before_it_is_called() -> None:
    code = "import sys, taxiway; taxiway.open; print(sorted({'duckdb', 'pyarrow', 'pydantic'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_open_reads_the_deployment_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", str(tmp_path))
    lake = taxiway.open()
    assert lake.settings.home == tmp_path
    assert lake.tables() == ()


def test_read_gives_every_frame_of_a_month_and_of_all(lake: OpenLake) -> None:
    january = lake.read("raw/readings", partition="2013-01")
    expected = [row for row in rows(lake.lake, "raw/readings") if row["month"] == "2013-01"]
    assert january.arrow().read_all().num_rows == len(expected) == 224
    assert set(january.df().gauge) == {"AAA", "BBB"}
    assert len(lake.read("raw/readings", partition=["2013-01", "2013-02"]).fetchall()) == 448
    assert len(lake.read("raw/readings").fetchall()) == 448
    (total,) = january.aggregate("sum(level_cm)").fetchone() or (None,)
    assert total == sum(row["level_cm"] for row in expected if row["level_cm"] is not None)


def test_a_relation_stays_at_the_version_that_it_was_made_from(lake: OpenLake, gauges: Workspace) -> None:
    read, asked = lake.read("raw/readings"), lake.sql("select * from raw.readings")
    before = sorted(read.fetchall(), key=str)
    land(gauges, ["2013-01"], (b"AAA,2013-01-01T00:00:00Z,11,", b"AAA,2013-01-01T00:00:00Z,12,"))
    run_all(gauges, ["2013-01", "2013-02"])
    assert sorted(read.fetchall(), key=str) == sorted(asked.fetchall(), key=str) == before
    assert sorted(lake.read("raw/readings").fetchall(), key=str) != before
    assert sorted(lake.read("raw/readings", version=0).fetchall(), key=str) == before


def test_sql_knows_every_table_and_only_reads(lake: OpenLake) -> None:
    query = "select river, sum(readings) as n from feature.river_month group by river order by river"
    assert lake.sql(query).fetchall() == [("Elbe", 224), ("Oder", 224)]
    for refused in ("create table x as select 1", "select 1; select 2", "copy (select 1) to 'x.csv'"):
        with pytest.raises(UsageError, match="write one SELECT"):
            lake.sql(refused)


def test_preview_shows_the_verdict_and_publishes_nothing(lake: OpenLake) -> None:
    before = {at: lake.snapshot(at).version for at in lake.tables()}
    found = lake.preview(readings, partition="2013-01", contract=Readings)
    assert found.verdict.published
    assert sorted(found.rows.fetchall()) == [("AAA", 112, "2013-01"), ("BBB", 112, "2013-01")]
    assert list(found.df().columns) == ["gauge", "readings", "month"]
    assert "accepted: 0 of 2 rows rejected" in repr(found)
    assert {at: lake.snapshot(at).version for at in lake.tables()} == before


def test_preview_shows_what_breaks_the_contract(lake: OpenLake) -> None:
    found = lake.preview(readings, partition="2013-01", contract=ManyReadings)
    assert not found.verdict.published
    assert found.rows.fetchall() == []
    assert [row["readings"] for rows in found.samples.values() for row in rows.to_pylist()] == [112, 112]
    assert "not published: 2 of 2 rows rejected" in repr(found)
    assert "must be &gt;= 113" in found._repr_html_()


def test_preview_knows_the_contract_of_a_table_of_the_project(lake: OpenLake) -> None:
    by_name = lake.preview("feature/level_history", partition="2013-02")
    transform = river.project.table("feature/level_history").transform
    assert transform is not None
    by_transform = lake.preview(transform, partition="2013-02")
    published = lake.read("feature/level_history", partition="2013-02")
    for found in (by_name, by_transform):
        assert found.table == "feature/level_history"
        assert sorted(found.rows.fetchall()) == sorted(published.fetchall())
    assert len(lake.preview("feature/river_month").rows.fetchall()) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"what": readings, "partition": "2013-01"}, UsageError, "readings belongs to no table of gauges"),
        ({"what": "feature/level_history"}, UsageError, "partitioned by month: name one"),
        ({"what": "feature/river_month", "partition": "2013-01"}, UsageError, "is not partitioned: leave out"),
        ({"what": "feature/level_history", "partition": "2020-01"}, UsageError, "2020-01 lies outside the calendar"),
        (
            {"what": "feature/level_history", "partition": "2013-03"},
            TableNotFound,
            "readings 2013-03 has not been published",
        ),
        ({"what": "feature/nothing"}, UsageError, "there is no table feature/nothing"),
    ],
)
def test_preview_refuses_what_it_cannot_do(lake: OpenLake, arguments: dict, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        lake.preview(**arguments)

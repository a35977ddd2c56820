"""The rows of a refused partition are kept as a whole, with their reasons, and are never taken for published ones."""

from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import pytest
from tests.gauges.project import RawReadings
from tests.working import contents, land, rows, run, run_all, statuses, with_table

from taxiway.contracts import Int64, Text, column, table, table_rule
from taxiway.contracts.model import Contract
from taxiway.lake import Lake
from taxiway.materialise import Workspace
from taxiway.tables import Table
from taxiway.transforms import transform

RAW = "raw/readings"
KEPT = "refused/raw__readings"
MANY_BAD = (b",1", b",high-1")
TWICE = (b"AAA,2013-02-05T06:00:00Z,", b"AAA,2013-02-05T00:00:00Z,")


@pytest.fixture
def made(gauges: Workspace) -> Workspace:
    land(gauges)
    run_all(gauges)
    return gauges


def kept(lake: Lake, at: str = KEPT) -> list[dict[str, Any]]:
    return rows(lake, at)


def test_all_rows_of_a_refused_month_are_kept_with_their_reasons(made: Workspace) -> None:
    before = rows(made.lake, RAW)
    land(made, ["2013-02"], change=MANY_BAD)
    (result,) = [one for one in run(made, RAW).partitions if one.status == "refused"]
    assert result.message.endswith("; see all its rows: taxiway quarantine raw/readings --refused --partition 2013-02")
    found = kept(made.lake)
    assert len(found) == result.rows == 224
    assert {row["month"] for row in found} == {"2013-02"}
    assert sorted(row["source_row"] for row in found) == list(range(1, 225))
    reasons = [row["reasons"] for row in found if row["reasons"]]
    assert len(reasons) == result.rejected > 22
    assert all(why[0].startswith("level_cm: 'high-1") for why in reasons)
    assert all(("high" in row["delivered"]) == bool(row["reasons"]) for row in found)
    assert rows(made.lake, RAW) == before
    assert made.lake.find(made.project.table(RAW).address.quarantine) is None


def test_all_rows_of_a_key_that_is_there_twice_say_so(made: Workspace) -> None:
    land(made, ["2013-02"], change=TWICE)
    (result,) = [one for one in run(made, RAW).partitions if one.status == "refused"]
    assert result.verdict is not None
    assert result.verdict.duplicated_keys == 1
    found = kept(made.lake)
    assert len(found) == 224
    twice = [row for row in found if row["reasons"]]
    assert [row["reasons"] for row in twice] == [["key (gauge, read_at): more than once"]] * 2
    assert all('"gauge":"AAA","read_at":"2013-02-05T00:00:00Z"' in row["delivered"] for row in twice)


def test_they_go_when_the_month_is_published_and_stay_apart_from_other_months(made: Workspace) -> None:
    land(made, ["2013-02", "2013-03"], change=MANY_BAD)
    run(made, RAW)
    assert {row["month"] for row in kept(made.lake)} == {"2013-02", "2013-03"}
    run(made, RAW)
    assert len(kept(made.lake)) == 448
    land(made, ["2013-03"], change=(b"AAA,2013-03-05T06:00:00Z,", b"AAA,2013-03-05T06:00:00Z,9"))
    run(made, RAW)
    assert {row["month"] for row in kept(made.lake)} == {"2013-02"}
    land(made, ["2013-02"])
    assert statuses(run(made, RAW))["2013-02"] == "skipped", "what is published was made of it"
    assert kept(made.lake) == []


def test_they_go_when_the_file_cannot_be_read_at_all(made: Workspace) -> None:
    land(made, ["2013-02"], change=MANY_BAD)
    run(made, RAW)
    assert len(kept(made.lake)) == 224
    land(made, ["2013-02"], change=(b"AAA,2013-02-05T06:00:00Z,", b'"AAA,2013-02-05T06:00:00Z,'))
    assert statuses(run(made, RAW))["2013-02"] == "refused"
    assert kept(made.lake) == []


class Few(Contract):
    """One row for each reading."""

    gauge: Text = column("The gauge's code")
    source_row: Int64 = column("The record")
    month: Text = column("The month")

    class Config:
        unique = ["gauge", "source_row"]
        metadata = table(grain="month")

    @table_rule("there are fewer than a hundred readings")
    def few(t: ir.Table) -> ir.BooleanValue:
        return t.count() < 100


@transform
def few(raw_readings: ir.Table) -> ir.Table:
    """The readings."""
    return raw_readings.select("gauge", "source_row", "month")


def test_rows_that_break_no_rule_of_rows_have_no_reason(made: Workspace) -> None:
    place = with_table(made, Table("feature/few", Few, few))
    outcome = run(place, "feature/few", ["2013-01", "2013-02"])
    assert set(statuses(outcome).values()) == {"refused"}
    found = kept(place.lake, "refused/feature__few")
    assert len(found) == 448
    assert {tuple(row["reasons"]) for row in found} == {()}
    assert '{"gauge":"AAA","source_row":1,"month":"2013-01"}' in {row["delivered"] for row in found}


def test_a_rebuild_keeps_only_what_broke_its_contract(made: Workspace) -> None:
    land(made, ["2013-02"], change=MANY_BAD)
    assert set(statuses(run(made, RAW, rebuild=True)).values()) == {"refused"}
    assert {row["month"] for row in kept(made.lake)} == {"2013-02"}


def test_a_table_without_partitions_is_kept_whole(gauges: Workspace) -> None:
    land(gauges, ["2013-01"], change=(b"BBB,Oder", b"bbb,Oder"))
    (result,) = run(gauges, "raw/gauges").partitions
    assert result.message.endswith("taxiway quarantine raw/gauges --refused")
    found = kept(gauges.lake, "refused/raw__gauges")
    assert [bool(row["reasons"]) for row in sorted(found, key=lambda row: row["source_row"])] == [False, True]
    land(gauges, ["2013-01"])
    run(gauges, "raw/gauges")
    assert kept(gauges.lake, "refused/raw__gauges") == []


def test_nothing_is_made_where_nothing_is_refused(made: Workspace) -> None:
    assert not [address for address in made.lake.tables() if address.layer == "refused"]
    assert contents(made.lake, RAW).num_rows == 4 * 224


def test_a_month_of_tolerated_rows_is_not_kept(made: Workspace) -> None:
    tolerant = replace(made.project.table(RAW), contract=tolerating(RawReadings))
    land(made, ["2013-02"], change=MANY_BAD)
    assert statuses(run(with_table(made, tolerant), RAW))["2013-02"] == "published"
    assert not [address for address in made.lake.tables() if address.layer == "refused"]


def tolerating(contract: type[Contract]) -> type[Contract]:
    class Config(contract.Config):
        metadata = table(grain="month", tolerance=1.0)

    return type("Tolerant", (contract,), {"Config": Config, "__doc__": contract.__doc__})

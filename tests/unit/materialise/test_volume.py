"""Far fewer rows than are published are refused, or published with a warning, and can be accepted on purpose."""

from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.gauges.project import RawReadings, RiverMonth
from tests.working import land, publish, rows, run, run_all, statuses, with_table

from taxiway.contracts import Contract, Int64, Text, Volume, column, table
from taxiway.lake import WHOLE, Snapshot
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake
from taxiway.tables import Table
from taxiway.transforms import arrow_transform, pandas_transform, transform

RAW, LEVELS, RIVERS, MONTH = "raw/readings", "feature/level_history", "feature/river_month", "2013-02"
ROWS = 224


@pytest.fixture
def made(gauges: Workspace) -> Workspace:
    land(gauges)
    run_all(gauges)
    return gauges


def deliver(place: Workspace, count: int) -> None:
    """Land the first readings of February, that many."""
    assert place.project.deliveries is not None
    data = dict(place.project.deliveries([MONTH]))["readings-2013-02.csv"]
    place.landing.deliver("readings-2013-02.csv", b"".join(data.splitlines(keepends=True)[: count + 1]))


def of_february(place: Workspace, at: str = RAW) -> int:
    return sum(row["month"] == MONTH for row in rows(place.lake, at))


def opened(place: Workspace) -> Snapshot:
    return place.lake.open(place.project.table(RAW).address)


def declared(place: Workspace, at: str, contract: type[Contract], volume: Volume) -> Workspace:
    """The deployment after a contract was given that volume."""
    metadata = contract.__dict__["Config"].metadata | {"volume": volume}
    config = type("Config", (contract.__dict__["Config"],), {"metadata": metadata})
    changed = type(contract.__name__, (contract,), {"__doc__": contract.__doc__, "Config": config})
    return with_table(place, replace(place.project.table(at), contract=changed))


@pytest.mark.parametrize(("count", "status", "told"), [
    (1, "refused", "1 row where 224 are published, below the share of 0.1"),
    (22, "refused", "22 rows where 224 are published, below the share of 0.1"),
    (23, "published", "23 rows where 224 are published, below the share of 0.5"),
    (111, "published", "111 rows where 224 are published, below the share of 0.5"),
    (112, "published", ""),
    (223, "published", ""),
])  # fmt: skip
def test_a_tenth_is_the_least_and_below_a_half_is_told(made: Workspace, count: int, status: str, told: str) -> None:
    deliver(made, count)
    (result,) = run(made, RAW, MONTH).partitions
    assert result.status == status
    assert of_february(made) == (ROWS if status == "refused" else count)
    assert result.verdict is not None
    assert (f"volume: {told}" in result.verdict.message) is bool(told)
    assert ("warning: volume" in result.verdict.message) is (bool(told) and status == "published")
    assert (f"taxiway run {RAW} --partition {MONTH} --accept-fewer" in result.message) is (status == "refused")


def test_fewer_are_published_where_that_is_accepted_and_the_provenance_says_so(made: Workspace) -> None:
    deliver(made, 1)
    (result,) = run(made, RAW, MONTH, accept_fewer=True).partitions
    assert (result.status, of_february(made)) == ("published", 1)
    assert result.verdict is not None
    assert "warning: volume: 1 row where 224 are published, below the share of 0.1; accepted" in result.verdict.message
    assert opened(made).partitions[MONTH].accepted_fewer
    assert statuses(run(made, RAW, MONTH)) == {MONTH: "skipped"}
    assert statuses(run(made, RAW, MONTH, force=True)) == {MONTH: "unchanged"}
    known = opened(made).partitions[MONTH]
    assert (known.accepted_fewer, [finding.rule for finding in known.findings]) == (True, ["volume"])
    land(made)
    run(made, RAW, MONTH, accept_fewer=True)
    assert not opened(made).partitions[MONTH].accepted_fewer


def test_a_refused_month_holds_back_no_other_and_a_rebuild_compares_too(made: Workspace) -> None:
    months = made.settings.calendar.keys("month")
    deliver(made, 1)
    assert statuses(run(made, RAW)) == {key: "refused" if key == MONTH else "skipped" for key in months}
    assert statuses(run(made, RAW, rebuild=True)) == dict.fromkeys(months, "refused")
    assert of_february(made) == ROWS
    assert set(statuses(run(made, RAW, rebuild=True, accept_fewer=True)).values()) == {"published"}
    assert of_february(made) == 1


def test_rows_that_are_rejected_do_not_count(made: Workspace) -> None:
    """The tolerance lets them go; what would be published is too little."""
    place = declared(made, RAW, RawReadings, Volume())
    loose = replace(place.project.table(RAW), contract=_tolerant(place.project.table(RAW).contract))
    place = with_table(place, loose)
    land(place, [MONTH], change=(b"AAA,2013-02-", b"AAA,2013-x-"))
    land(place, [MONTH], change=(b"Z,", b"Z,x"))
    (result,) = run(place, RAW, MONTH).partitions
    assert result.status == "refused"
    assert "volume: 0 rows where 224 are published" in result.message
    assert result.rejected == ROWS


def _tolerant(contract: type[Contract]) -> type[Contract]:
    config = type("Config", (contract.__dict__["Config"],), {"metadata": table(grain="month", tolerance=1.0)})
    return type(contract.__name__, (contract,), {"__doc__": contract.__doc__, "Config": config})


@transform
def none_of_them(feature_level_history: ir.Table) -> ir.Table:
    found = feature_level_history.filter(feature_level_history.river == "Elbe ")
    return found.group_by("river", "month").aggregate(readings=found.count())


def test_a_filter_that_matches_nothing_empties_no_table_without_partitions(made: Workspace) -> None:
    place = with_table(made, Table(RIVERS, RiverMonth, none_of_them))
    (result,) = run(place, RIVERS).partitions
    assert (result.status, len(rows(place.lake, RIVERS))) == ("refused", 8)
    assert (
        f"0 rows where 8 are published, below the share of 0.1; to accept it: taxiway run {RIVERS} --accept-fewer"
        in (result.message)
    )
    assert statuses(run(place, RIVERS, accept_fewer=True)) == {WHOLE: "published"}
    assert rows(place.lake, RIVERS) == []
    assert statuses(run(place, RIVERS, force=True)) == {WHOLE: "unchanged"}


@transform
def levels(feature_level_history: ir.Table) -> ir.Table:
    return feature_level_history.select("gauge", "month")


class Counted(Contract):
    """One row for each month."""

    month: Text = column("The month")
    readings: Int64 = column("Readings", ge=0)

    class Config:
        unique = ["month"]
        metadata = table(grain="month")


@arrow_transform(prepare=levels)
def counted(rows: pa.Table, partition: str = "") -> pa.Table:
    return pa.table({"month": [partition], "readings": [rows.num_rows]})


@arrow_transform(prepare=levels)
def not_counted(rows: pa.Table, partition: str = "") -> pa.Table:
    return pa.table({"month": [partition], "readings": [rows.num_rows]}).slice(1)


@pandas_transform(prepare=levels, by=["month"], columns={"month": "string", "readings": "int64"})
def counted_by_pandas(rows):
    return rows.groupby("month", as_index=False).size().rename(columns={"size": "readings"})


@pandas_transform(prepare=levels, by=["month"], columns={"month": "string", "readings": "int64"})
def not_counted_by_pandas(rows):
    return rows.groupby("month", as_index=False).size().rename(columns={"size": "readings"}).head(0)


@pytest.mark.parametrize(("before", "after"), [(counted, not_counted), (counted_by_pandas, not_counted_by_pandas)])
def test_functions_in_python_are_held_to_it_too(made: Workspace, before: Any, after: Any) -> None:
    at = "model/counted"
    place = with_table(made, Table(at, Counted, before))
    assert set(statuses(run(place, at)).values()) == {"published"}
    place = with_table(made, Table(at, Counted, after))
    # The same file is the same code.
    outcome = run(place, at, force=True)
    assert set(statuses(outcome).values()) == {"refused"}
    assert "volume: 0 rows where 1 are published" in outcome.refused[0].message
    assert len(rows(place.lake, at)) == 4


def test_what_is_empty_from_the_first_is_published_with_a_warning(made: Workspace) -> None:
    at = "model/counted"
    place = with_table(made, Table(at, Counted, not_counted))
    for force, status in ((False, "published"), (False, "skipped"), (True, "unchanged")):
        outcome = run(place, at, force=force)
        assert set(statuses(outcome).values()) == {status}
        assert {finding.reason for result in outcome.partitions for finding in result.findings} == {
            "volume: 0 rows, and none are published; where that is as it should be: Volume(allow_empty=True)"
        }
    free = declared(place, at, Counted, Volume(allow_empty=True))
    assert all(result.findings == () for result in run(free, at, rebuild=True).partitions)


def test_a_contract_states_another_share_none_or_a_least_number(made: Workspace) -> None:
    deliver(made, 200)
    strict = declared(made, RAW, RawReadings, Volume(least_share=0.9))
    (result,) = run(strict, RAW, MONTH).partitions
    assert (result.status, "below the share of 0.9" in result.message) == ("refused", True)
    many = declared(made, RAW, RawReadings, Volume(least_rows=201))
    (result,) = run(many, RAW, MONTH).partitions
    assert (result.status, "volume: 200 rows, at least 201 must be; to accept it" in result.message) == (
        "refused",
        True,
    )
    deliver(made, 1)
    free = declared(made, RAW, RawReadings, Volume(least_share=0, usual_share=0))
    (result,) = run(free, RAW, MONTH).partitions
    assert result.status == "published"
    assert result.verdict is not None
    assert result.verdict.failures == ()


def test_a_least_number_holds_of_the_first_publication_too(gauges: Workspace) -> None:
    place = declared(gauges, RAW, RawReadings, Volume(least_rows=225))
    land(place)
    assert set(statuses(run(place, RAW)).values()) == {"refused"}
    assert place.lake.find(place.project.table(RAW).address) is None
    assert run(place, RAW, accept_fewer=True).refused == ()


def test_what_another_program_published_counts(made: Workspace) -> None:
    """It says nothing of rows in a provenance of ours."""
    at = made.project.table(LEVELS).address
    base = made.lake.open(at)
    publish(made.lake, LEVELS, pa.Table.from_pylist([], base.schema), [MONTH], base)
    assert statuses(run(made, LEVELS, MONTH, force=True)) == {MONTH: "published"}
    assert of_february(made, LEVELS) == ROWS


def test_a_trial_says_what_a_run_would(made: Workspace) -> None:
    lake = OpenLake(made.settings)
    lake.__dict__["workspace"] = made
    few = Table(RIVERS, RiverMonth, none_of_them)
    assert "volume: 0 rows where 8 are published" in lake.preview(few).verdict.message


@pytest.mark.parametrize(("count", "status", "told"), [
    (111, "refused", "111 rows where the median of the 2 partitions before has 224, below the share of 0.5"),
    (112, "published", "112 rows where the median of the 2 partitions before has 224, below the share of 0.9"),
    (202, "published", ""),
])  # fmt: skip
def test_half_a_file_of_a_new_month_is_told_by_the_months_before(
    gauges: Workspace, count: int, status: str, told: str
) -> None:
    volume = Volume(least_share_of_earlier=0.5, usual_share_of_earlier=0.9)
    place = declared(gauges, RAW, RawReadings, volume)
    land(place, ["2013-01", "2013-03", "2013-04"])
    run(place, RAW, ["2013-01"])
    data = place.landing.read("readings-2013-03.csv")
    place.landing.deliver("readings-2013-03.csv", b"".join(data.splitlines(keepends=True)[: count + 1]))
    assert statuses(run(place, RAW, "2013-04")) == {"2013-04": "published"}
    land(place, ["2013-02"])
    first, third = run(place, RAW, ["2013-02", "2013-03"]).partitions
    assert (first.status, third.status) == ("published", status)
    assert first.verdict is not None
    assert "volume" not in first.verdict.message, "there is one month before it, and it has as many"
    assert third.verdict is not None
    assert (f"volume: {told}" in third.verdict.message) is bool(told)
    assert (f"taxiway run {RAW} --partition 2013-03 --accept-fewer" in third.message) is (status == "refused")
    assert statuses(run(place, RAW, "2013-03", accept_fewer=True))["2013-03"] in ("published", "skipped")


def test_a_number_of_rows_may_be_a_warning(gauges: Workspace) -> None:
    place = declared(gauges, RAW, RawReadings, Volume(usual_rows=225))
    land(place, [MONTH])
    (result,) = run(place, RAW, MONTH).partitions
    assert (result.status, result.verdict is not None) == ("published", True)
    assert "warning: volume: 224 rows, at least 225 must be" in (result.verdict.message if result.verdict else "")

"""A partition reads what its lookback and its input's lag can need, and no more."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from tests.gauges.project import LevelHistory, RawReadings, level_history
from tests.gauges.to_the_last_day import project
from tests.unit.lake.test_names import HOSTILE
from tests.working import land, rows, run, run_all, statuses, with_table, workspace

from taxiway.calendar import Calendar
from taxiway.contracts import Date, MaxLag, column, table
from taxiway.errors import ContractBroken, UsageError
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace, make_plan
from taxiway.materialise.plan import partitions_in_reach, read_since
from taxiway.tables import Table
from taxiway.transforms import History, Lookback, Reach, Whole, transform

CALENDAR = Calendar("2013-01", "2014-01")
RAW, LEVELS = "raw/readings", "feature/level_history"


@pytest.fixture
def made(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path / "home", project)
    land(place)
    run_all(place)
    return place


class Lagging(RawReadings):
    """One row for each reading."""

    read_on: Date = column("The day, from whose begin it is read within three days", nullable=True)

    class Config(RawReadings.Config):
        metadata = table(grain="month", max_lag=MaxLag(hours=72, of=("read_at",), since="read_on", zone="UTC"))


def reaching(reach: Reach | None, contract: type = RawReadings) -> tuple[Table, Table]:
    """A table that reads `raw/readings` with this reach, and that input."""
    source = Table(RAW, contract)
    declared = (
        transform(level_history.function)
        if reach is None
        else transform(reach={"raw_readings": reach})(level_history.function)
    )
    return Table(LEVELS, LevelHistory, declared), source


CASES: Mapping[str, tuple[Reach | None, type, str, tuple[str, ...]]] = {
    "the same month": (None, RawReadings, "2013-05", ("2013-05",)),
    "hours": (Lookback(24, "read_at"), RawReadings, "2013-05", ("2013-04", "2013-05")),
    "hours before the first month": (Lookback(24, "read_at"), RawReadings, "2013-01", ("2013-01",)),
    "30 days": (Lookback(720, "read_at"), RawReadings, "2013-03", ("2013-01", "2013-02", "2013-03")),
    "30 days, of which April has as many": (Lookback(720, "read_at"), RawReadings, "2013-05", ("2013-04", "2013-05")),
    "28 days": (Lookback(672, "read_at"), RawReadings, "2013-05", ("2013-04", "2013-05")),
    "28 days and the lag": (Lookback(672, "read_at"), Lagging, "2013-05", ("2013-03", "2013-04", "2013-05")),
    "what was before": (History(), RawReadings, "2013-03", ("2013-01", "2013-02")),
    "what was until then": (History(own=True), RawReadings, "2013-03", ("2013-01", "2013-02", "2013-03")),
    "nothing was before": (History(), RawReadings, "2013-01", ()),
    "all": (Whole(), RawReadings, "2013-03", CALENDAR.keys("month")),
}


@pytest.mark.parametrize("case", CASES)
def test_the_months_in_reach(case: str) -> None:
    reach, contract, month, expected = CASES[case]
    target, source = reaching(reach, contract)
    assert partitions_in_reach(CALENDAR, target, source, reach, month) == expected


def test_rows_are_read_from_lookback_and_lag_before_the_month() -> None:
    reach = Lookback(24, "read_at")
    _, plain = reaching(reach)
    _, lagging = reaching(reach, Lagging)
    assert read_since(CALENDAR, plain, reach, "2013-03") == datetime(2013, 2, 28, tzinfo=UTC)
    assert read_since(CALENDAR, lagging, reach, "2013-03") == datetime(2013, 2, 25, tzinfo=UTC)
    assert read_since(CALENDAR, plain, None, "2013-03") is None


def test_no_more_rows_are_read_than_the_lookback_needs(made: Workspace) -> None:
    readings = rows(made.lake, RAW)
    outcome = run(made, LEVELS, "2013-03", force=True)
    own = sum(row["month"] == "2013-03" for row in readings)
    before = sum(row["month"] == "2013-02" and row["read_at"] >= datetime(2013, 2, 28, tzinfo=UTC) for row in readings)
    assert 0 < before < own
    assert outcome.rows_read == own + before + len(rows(made.lake, "raw/gauges"))
    assert statuses(outcome) == {"2013-03": "unchanged"}


@pytest.mark.parametrize("key", [*HOSTILE, WHOLE, "2012-12", "2014-01", "2013-05"])
@pytest.mark.parametrize("at", [RAW, LEVELS])
def test_a_month_that_is_none_of_the_settings_is_refused(gauges: Workspace, at: str, key: str) -> None:
    with pytest.raises(UsageError, match=r"is no partition|lies outside the calendar"):
        run(gauges, at, key)
    assert not Path(gauges.settings.lake.uri).exists()


@pytest.mark.parametrize("key", ["2013-01", "", "../x"])
def test_a_table_without_partitions_has_none(gauges: Workspace, key: str) -> None:
    with pytest.raises(UsageError, match="has no partitions"):
        run(gauges, "feature/river_month", key)


def test_inputs_are_read_at_the_versions_of_the_plan(made: Workspace) -> None:
    before = make_plan(made, made.project.table(LEVELS), ["2013-02"])
    land(made, ["2013-02"], change=(b",46,", b",47,"))
    run(made, RAW)
    after = make_plan(made, made.project.table(LEVELS), ["2013-02"])
    assert before.partitions[0].inputs[RAW]["2013-01"] == after.partitions[0].inputs[RAW]["2013-01"]
    assert before.partitions[0].inputs[RAW]["2013-02"] != after.partitions[0].inputs[RAW]["2013-02"]
    assert before.to_compute == ()
    assert [plan.partition for plan in after.to_compute] == ["2013-02"]


@transform
def elsewhere(raw_readings: ir.Table, raw_gauges: ir.Table, high_cm: int = 500) -> ir.Table:
    """Rows of a month that was not asked for, under a name that SQL or a path could take amiss."""
    found: Any = level_history(raw_readings, raw_gauges, high_cm=high_cm)
    return found.mutate(month=found.month + "' OR true --/../../x")


@pytest.mark.parametrize("looks_back", [True, False])
def test_rows_that_call_themselves_another_month_are_not_published(made: Workspace, looks_back: bool) -> None:
    transform = replace(elsewhere, reach=level_history.reach) if looks_back else elsewhere
    hostile = with_table(made, Table(LEVELS, LevelHistory, transform))
    before = {path for path in Path(made.settings.lake.uri).rglob("*") if path.is_dir()}
    # What was read as context may come out; where nothing was, a row would be lost.
    with nullcontext() if looks_back else pytest.raises(ContractBroken, match=r"OR true --/../../x out of 2013-02"):
        run(hostile, LEVELS, "2013-02")
    assert not [row for row in rows(made.lake, LEVELS) if len(row["month"]) != 7]
    assert {path for path in Path(made.settings.lake.uri).rglob("*") if path.is_dir()} <= before

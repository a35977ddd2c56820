"""A new nullable column widens the table: the months that were published before it stay readable and can be run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from tests.gauges.project import LevelHistory, level_history
from tests.gauges.to_the_last_day import project
from tests.working import land, rows, run, run_all, statuses, with_table, workspace

from taxiway.contracts import Text, column
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform

LEVELS = "feature/level_history"
MONTHS = ["2013-01", "2013-02", "2013-03", "2013-04"]


class Annotated(LevelHistory):
    """One row for each reading, with a remark."""

    remark: Text = column("What was remarked", nullable=True)


@transform(reach={"raw_readings": Lookback(24, on="read_at")})
def annotated(raw_readings: ir.Table, raw_gauges: ir.Table, high_cm: int = 500) -> ir.Table:
    found: Any = level_history(raw_readings, raw_gauges, high_cm=high_cm)
    return found.mutate(remark=ibis.literal("seen"))


@pytest.fixture
def widened(tmp_path: Path) -> Workspace:
    """Four months, of which the last was published again with a new column."""
    place = workspace(tmp_path / "home", project)
    land(place)
    run_all(place)
    wider = with_table(place, Table(LEVELS, Annotated, annotated))
    assert statuses(run(wider, LEVELS, "2013-04")) == {"2013-04": "published"}
    return wider


def remarks(place: Workspace) -> dict[str, set[str | None]]:
    found: dict[str, set[str | None]] = {}
    for row in rows(place.lake, LEVELS):
        found.setdefault(row["month"], set()).add(row["remark"])
    return found


@pytest.mark.parametrize(
    "months",
    [["2013-02"], ["2013-01", "2013-02", "2013-03"], ["2013-03", "2013-04"]],
    ids=["one without it", "a range without it", "a range of both"],
)
def test_the_other_months_can_be_run(widened: Workspace, months: Sequence[str]) -> None:
    assert set(statuses(run(widened, LEVELS, months, force=True)).values()) <= {"published", "unchanged"}
    have = {*months, "2013-04"}
    assert remarks(widened) == {month: {"seen" if month in have else None} for month in MONTHS}
    assert len(rows(widened.lake, LEVELS)) == 4 * 48


def test_what_is_made_from_them_can_be_run(widened: Workspace) -> None:
    assert statuses(run(widened, "feature/river_month", force=True)) == {WHOLE: "unchanged"}

"""Months of real flights landed in any order end in the same tables, and a month reads only what its windows need."""

from functools import reduce
from operator import or_
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.working import contents, land, run, statuses, workspace

from flights.project import project
from taxiway.materialise import Workspace
from taxiway.transforms import Lookback

MONTHS = ["2013-01", "2013-02", "2013-03"]
TABLES = ("raw/flights", "feature/flights", "feature/origin_congestion", "feature/route_history")


def flights(home: Path) -> Workspace:
    return workspace(home, project, months=3, zone="America/New_York")


def table(place: Workspace, at: str) -> pa.Table:
    return contents(place.lake, at).sort_by([(key, "ascending") for key in project.table(at).rules.key])


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = flights(tmp_path_factory.mktemp("at_once"))
    land(place)
    for at in ("raw/airports", *TABLES):
        assert run(place, at).refused == ()
    return place


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]], ids=["March, January, February", "February, March, January"])
def test_any_order_of_landing_ends_in_the_same_tables(at_once: Workspace, tmp_path: Path, order: list[int]) -> None:
    place = flights(tmp_path)
    landed: list[str] = []
    for number in order:
        landed.append(MONTHS[number])
        land(place, [MONTHS[number]])
        run(place, "raw/airports")
        for at in TABLES:
            assert run(place, at, landed).refused == ()
    for at in TABLES:
        assert table(place, at).equals(table(at_once, at)), at
    for at in TABLES:
        assert set(statuses(run(place, at)).values()) == {"skipped"}


@pytest.mark.parametrize("at", TABLES[2:])
def test_no_more_is_read_than_window_and_lag_need(at_once: Workspace, at: str) -> None:
    source = table(at_once, "feature/flights")
    reach, lag = project.table(at).inputs["feature_flights"], project.table("feature/flights").rules.max_lag
    assert isinstance(reach, Lookback)
    assert lag is not None
    since = at_once.calendar.span("2013-03").start - reach.window - lag.window
    own = source.filter(pc.field("month") == "2013-03").num_rows
    recent = reduce(or_, (pc.field(column) >= since for column in reach.columns))
    before = source.filter((pc.field("month") != "2013-03") & recent).num_rows
    outcome = run(at_once, at, "2013-03", force=True)
    assert statuses(outcome) == {"2013-03": "unchanged"}
    assert 0 < before < own * 1.2
    assert outcome.rows_read == own + before

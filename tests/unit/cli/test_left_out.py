"""Whoever runs a table without what it is made from is told which landed months it will lack."""

from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import publish, workspace

from flights.project import project as flights
from taxiway.cli.left_out import left_out
from taxiway.lake import WHOLE
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace


def told(command: CommandLine, *words: str) -> list[str]:
    return [line for line in command(*words).err.splitlines() if "landed, but not in" in line]


def test_a_month_that_landed_but_was_not_made_is_told(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-04")
    assert told(copied, "run", "feature/river_month") == [
        (
            "2013-04: landed, but not in feature/level_history; feature/river_month will be without, "
            "unless you run with --upstream"
        )
    ]
    copied.done("run", "raw")
    (copied.home / "landing" / "readings-2013-04.csv").unlink()
    assert len(told(copied, "run", "feature/river_month")) == 1, "it still is in the raw table"


def test_a_run_that_makes_it_tells_nothing(copied: CommandLine) -> None:
    assert told(copied, "run", "feature/river_month") == []
    copied.done("land", "--partition", "2013-04")
    assert told(copied, "run", "feature/river_month", "--upstream") == []
    assert told(copied, "run", "feature/river_month") == []


def test_a_run_for_some_months_tells_of_the_others(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-04")
    (line,) = told(copied, "run", "--partition", "2013-03")
    assert line.startswith("2013-04: landed, but not in feature/level_history; feature/river_month ")
    assert line.endswith("unless you run for those too")


def test_an_earlier_month_of_a_lookback_is_told(fresh: CommandLine) -> None:
    fresh.done("land", "--from", "2013-01", "--to", "2013-02")
    fresh.done("run", "raw", "--partition", "2013-02")
    (line,) = told(fresh, "run", "raw/gauges", "feature/level_history", "--partition", "2013-02")
    assert line.startswith("2013-01: landed, but not in raw/readings; feature/level_history ")
    assert told(fresh, "run", "feature/level_history", "--partition", "2013-01") == [], "the step itself refuses it"


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Flights and weather of two months have been delivered, and made of the first."""
    place = workspace(tmp_path, flights, parameters={})
    dbt = DbtProject.of(flights, place.settings)
    assert dbt is not None
    dbt.prepare()
    for month in ("2013-01", "2013-02"):
        for name in ("flights", "weather"):
            place.landing.deliver(f"{name}-{month}.csv", b"x")
    for at in ("raw/flights", "raw/weather", "feature/flights"):
        publish(place.lake, at, pa.table({"origin": ["EWR"], "month": ["2013-01"]}), ["2013-01"])
    publish(place.lake, "raw/airlines", pa.table({"carrier": ["AA"]}), [WHOLE])
    return place


def lacking(place: Workspace, *tables: str) -> list[str]:
    return list(left_out(place, {place.project.table(at): (WHOLE,) for at in tables}))


def test_what_a_mart_reads_is_known_from_dbt(place: Workspace) -> None:
    assert lacking(place, "mart/airport_day", "mart/carrier_month") == [
        (
            "2013-02: landed, but not in feature/flights, raw/weather; mart/airport_day, mart/carrier_month "
            "will be without, unless you run with --upstream"
        )
    ]
    assert lacking(place, "mart/prediction_quality") == [], "the step refuses what reads tables that do not exist"


def test_a_month_that_cannot_be_made_yet_is_not_told(place: Workspace) -> None:
    place.landing.store.remove(["flights-2013-02.csv"])
    assert lacking(place, "mart/carrier_month") == []
    (line,) = lacking(place, "mart/airport_day")
    assert line.startswith("2013-02: landed, but not in raw/weather; mart/airport_day ")

"""One month at a time, a range, everything at once, in whatever order months land and run: the same tables."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gauges.to_the_last_day import project
from tests.working import SOAK, land, rows, run, run_all, statuses, workspace

from taxiway.addresses import Address
from taxiway.materialise import Workspace

MONTHS = ["2013-01", "2013-02", "2013-03", "2013-04"]
RAW, LEVELS, RIVERS = "raw/readings", "feature/level_history", "feature/river_month"
EXAMPLES = 200 if SOAK else 15


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", project)


def tables(place: Workspace) -> dict[str, list[dict]]:
    return {at: rows(place.lake, at) for at in ("raw/gauges", RAW, LEVELS, RIVERS)}


@cache
def all_at_once() -> dict[str, list[dict]]:
    with TemporaryDirectory() as folder:
        place = workspace(Path(folder), project)
        land(place)
        run_all(place)
        return tables(place)


@pytest.mark.parametrize("rows_a_load", [1, 300])
def test_files_that_are_loaded_in_parts_give_the_same_tables(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, rows_a_load: int
) -> None:
    monkeypatch.setattr("taxiway.materialise.stage._ROWS_A_LOAD", rows_a_load)
    land(empty)
    run_all(empty)
    assert tables(empty) == all_at_once()


def test_windows_do_reach_over_the_ends_of_months() -> None:
    first = {row["month"]: row for row in all_at_once()[LEVELS] if row["read_at"].day == 1 and row["read_at"].hour == 0}
    assert {month: row["readings_24h"] for month, row in first.items()} == {
        "2013-01": 1,
        "2013-02": 5,
        "2013-03": 5,
        "2013-04": 5,
    }


@pytest.mark.parametrize("order", [MONTHS, MONTHS[::-1]], ids=["forwards", "backwards"])
def test_one_month_at_a_time_is_everything_at_once(empty: Workspace, order: list[str]) -> None:
    land(empty)
    run(empty, "raw/gauges")
    for at in (RAW, LEVELS):
        for month in order:
            assert statuses(run(empty, at, month)) == {month: "published"}
    run(empty, RIVERS)
    assert tables(empty) == all_at_once()


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    """Months land and run in groups, in any order; runs may repeat, and look at months that are not there yet."""
    steps = []
    for month in draw(st.permutations(MONTHS)):
        steps.append(("land", [month]))
        chosen = draw(st.lists(st.sampled_from([RAW, LEVELS, RIVERS]), max_size=2))
        for at in chosen:
            steps.append((at, draw(st.lists(st.sampled_from(MONTHS), min_size=1, max_size=3, unique=True))))
    return steps


@given(histories())
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_ends_in_the_same_tables(history: list[tuple[str, list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        place = workspace(Path(folder), project)
        land(place, [])
        run(place, "raw/gauges")
        for step, months in history:
            if step == "land":
                land(place, months)
            else:
                run(place, step, None if step == RIVERS else months)
        run_all(place)
        assert tables(place) == all_at_once()
        again = [status for outcome in run_all(place) for status in statuses(outcome).values()]
        assert set(again) == {"skipped"}
        for number, month in enumerate(MONTHS):
            in_reach = MONTHS[max(0, number - 1) : number + 1]
            published = place.lake.open(Address.parse(RAW)).partitions
            assert _readings_of(place, month) == {key: published[key].data_version for key in in_reach}


def _readings_of(place: Workspace, month: str) -> Mapping[str, str | None]:
    """The months of readings, with their versions, that a month of levels is recorded to come from."""
    address = Address.parse(LEVELS)
    return place.lake.open(address).partitions[month].inputs[RAW]

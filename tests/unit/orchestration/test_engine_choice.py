"""Which engine computes a step, and what the step says where there is none."""

from dataclasses import replace

import dagster as dg
import pytest
from tests.working import land, with_table

from taxiway.engines import Engine, OpenEngine, open_engine, spark_session
from taxiway.materialise import Workspace
from taxiway.orchestration.table_asset import ENGINE_TAG, table_asset


def run(place: Workspace, tag: str | None, open_one: OpenEngine) -> dg.ExecuteInProcessResult:
    """A run of raw/gauges."""
    return dg.materialize(
        [table_asset(place, place.project.table("raw/gauges"))],
        resources={"workspace": place, "open_engine": open_one},
        tags={} if tag is None else {ENGINE_TAG: tag},
        raise_on_error=False,
    )


@pytest.mark.parametrize(
    ("own", "tag", "chosen"),
    [(None, None, None), ("spark", None, "spark"), (None, "spark", "spark"), ("spark", "duckdb", "duckdb")],
)
def test_the_run_chooses_before_the_table_and_the_table_before_the_deployment(
    gauges: Workspace, own: str | None, tag: str | None, chosen: str | None
) -> None:
    land(gauges, ["2013-01"])
    asked: list[str | None] = []

    def open_one(name: str | None) -> Engine:
        asked.append(name)
        return open_engine(gauges.settings, "duckdb")

    place = with_table(gauges, replace(gauges.project.table("raw/gauges"), engine=own))
    assert run(place, tag, open_one).success
    assert asked[0] == chosen


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("sparc", "there is no engine 'sparc'; did you mean spark"),
        ("spark", "the engine spark needs the extra 'spark'"),
    ],
)
def test_an_engine_that_is_not_there_fails_the_step_in_one_line(
    gauges: Workspace, monkeypatch: pytest.MonkeyPatch, tag: str, told: str
) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda _: None)
    land(gauges, ["2013-01"])
    result = run(gauges, tag, lambda name: open_engine(gauges.settings, name))
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert told in str(failure.user_failure_data.description)

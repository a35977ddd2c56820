"""What is asked for when something changes, by behaviour: real runs on a real instance."""

import dagster as dg
from tests.unit.orchestration.world import World, key

HISTORY, MONTHS, MART = "feature/level_history", "feature/river_month", "mart/river_month"
EXPERIENCE = "model/experience"


def test_what_was_never_computed_is_asked_for_once_its_inputs_are_there(world: World) -> None:
    assert world.tick() == {}
    world.land("2013-01", "2013-02", gauges=False)
    world.look_twice()
    assert world.tick() == {EXPERIENCE: ["2013-01", "2013-02"]}, "a history cannot do without the gauges"
    world.land("2013-01", "2013-02")
    world.look_twice()
    assert world.tick() == {HISTORY: ["2013-01", "2013-02"]}, "March reaches back to February but has no readings"
    assert world.tick() == {MONTHS: [None], MART: [None]}
    assert world.tick() == {}


def test_a_corrected_month_asks_for_what_has_it_in_its_reach(landed: World) -> None:
    landed.correct("2013-03")
    landed.look_twice()
    assert landed.tick() == {HISTORY: ["2013-03", "2013-04"], EXPERIENCE: ["2013-04"]}
    assert landed.tick() == {MONTHS: [None], MART: [None]}
    assert landed.tick() == {}


def test_equal_rows_ask_for_nothing_downstream(landed: World) -> None:
    landed.correct("2013-03", b"Z,35,\n", b"Z,35,seen\n")
    assert len(landed.look_twice().run_requests or ()) == 1
    assert landed.tick() == {}


def test_a_refused_month_triggers_nothing_and_holds_back_no_other(landed: World) -> None:
    landed.correct("2013-02", b"Z,2", b"Z,wet")
    landed.correct("2013-04")
    landed.look_twice()
    rows = landed.check("raw/readings", "rows")
    assert rows is not None
    assert landed.tick() == {HISTORY: ["2013-04"]}
    landed.land("2013-05")
    landed.look_twice()
    assert landed.tick() == {HISTORY: ["2013-05"], EXPERIENCE: ["2013-05"], MONTHS: [None], MART: [None]}


def test_a_month_of_lookback_that_lands_late_makes_its_successor_ask(world: World) -> None:
    world.tick()
    world.land("2013-01", "2013-03")
    world.look_twice()
    assert world.tick() == {HISTORY: ["2013-01", "2013-03"], EXPERIENCE: ["2013-01", "2013-03"]}
    while world.tick():
        pass
    world.land("2013-02")
    world.look_twice()
    assert world.tick() == {HISTORY: ["2013-02", "2013-03"], EXPERIENCE: ["2013-02", "2013-03"]}


def test_it_waits_for_what_is_in_progress(landed: World) -> None:
    landed.correct("2013-03")
    landed.look_twice()
    job = landed.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection={key("raw/readings")})
    run = landed.instance.create_run_for_job(
        job, tags={"dagster/partition": "2013-04"}, status=dg.DagsterRunStatus.STARTED
    )
    assert landed.tick()[HISTORY] == ["2013-03"], "April waits for its own readings"
    landed.instance.report_run_failed(run)
    assert landed.tick()[HISTORY] == ["2013-04"]


def test_what_asks_twice_is_asked_for_once(landed: World) -> None:
    landed.correct("2013-03")
    landed.look_twice()
    assert landed.tick(run=False) == {HISTORY: ["2013-03", "2013-04"], EXPERIENCE: ["2013-04"]}
    assert landed.tick(run=False) == {}


def test_nothing_is_stale_after_a_range(world: World) -> None:
    world.land("2013-01", "2013-02", "2013-03", "2013-04")
    assert world.run_all("2013-01", "2013-04")
    assert world.stale() == []
    world.correct("2013-03")
    assert world.run([key("raw/readings")], months=("2013-01", "2013-04"))
    assert world.stale() == [f"{HISTORY} 2013-03", f"{HISTORY} 2013-04", f"{EXPERIENCE} 2013-04"]
    assert world.run_all("2013-01", "2013-04")
    assert world.stale() == []


def test_nothing_is_stale_after_single_months(world: World) -> None:
    world.land("2013-01", "2013-02")
    for month in ("2013-01", "2013-02"):
        world.run([key("raw/readings"), key("raw/gauges"), key(HISTORY)], partition=month)
    assert world.stale() == []
    world.correct("2013-01")
    assert world.run([key("raw/readings")], partition="2013-01")
    assert world.stale() == [f"{HISTORY} 2013-01", f"{HISTORY} 2013-02"]


def test_each_partition_of_a_range_has_its_own_version(landed: World) -> None:
    landed.correct("2013-03")
    landed.run([key("raw/readings")], months=("2013-01", "2013-04"))
    versions = {
        month: landed.instance.get_latest_data_version_record(key("raw/readings"), partition_key=month)
        for month in ("2013-02", "2013-03", "2013-04")
    }
    tags = {
        month: (found.event_log_entry.tags or {})["dagster/data_version"] for month, found in versions.items() if found
    }
    assert tags["2013-02"] == tags["2013-04"] != tags["2013-03"]

"""What the landing sensor asks for and reports, by behaviour: real files, real runs on a real instance."""

import os
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from tests import gauges
from tests.unit.orchestration.world import World, asked, key
from tests.unprivileged import unprivileged
from tests.working import land, with_table, workspace

from taxiway.orchestration import build_definitions
from taxiway.orchestration.landing_memory import recalled
from taxiway.orchestration.sensors import LANDING_SENSOR
from taxiway.storage import level
from taxiway.tables import Table

READINGS, GAUGES = ["raw/readings"], ["raw/gauges"]


def events(result: dg.SensorResult) -> list[tuple[str, str | None]]:
    """The deliveries that a look reports: asset and partition."""
    return [
        ("/".join(event.asset_key.path), event.partition)
        for event in result.asset_events
        if isinstance(event, dg.AssetMaterialization)
    ]


def file_of(world: World, name: str) -> Path:
    return Path(world.workspace.landing.address(name))


def requests(result: dg.SensorResult) -> list[dg.RunRequest]:
    return list(result.run_requests or ())


def note(result: dg.SensorResult) -> str:
    reason = result.skip_reason
    return (reason.skip_message or "") if isinstance(reason, dg.SkipReason) else ""


def test_an_empty_landing_zone_asks_for_nothing(world: World) -> None:
    assert asked(world.look_twice()) == []


def test_new_files_ask_for_their_partitions_once(world: World) -> None:
    world.land("2013-01", "2013-02", "2013-04")
    assert asked(world.look(run=False)) == [], "whether they still grow is known at the second look"
    result = world.look()
    assert asked(result) == [(GAUGES, None), (READINGS, "2013-01 to 2013-02"), (READINGS, "2013-04")]
    months = [("landing/readings", month) for month in ("2013-01", "2013-02", "2013-04")]
    assert sorted(events(result), key=str) == [("landing/gauges", None), *months]
    assert asked(world.look()) == []
    assert events(world.look()) == []


def test_a_changed_file_asks_for_its_partition_and_a_touched_one_for_nothing(landed: World) -> None:
    os.utime(file_of(landed, "readings-2013-02.csv"))
    landed.correct("2013-03")
    result = landed.look_twice()
    assert asked(result) == [(READINGS, "2013-03")]
    assert events(result) == [("landing/readings", "2013-03")]
    assert landed.look().asset_events == []


def test_a_delivered_file_is_its_own_data_version(landed: World) -> None:
    record = landed.instance.get_latest_data_version_record(key("landing/readings"), partition_key="2013-02")
    assert record is not None
    digest = landed.workspace.landing.digest("readings-2013-02.csv")
    assert (record.event_log_entry.tags or {})["dagster/data_version"] == digest


def test_a_file_that_two_tables_are_made_from_asks_for_both(tmp_path: Path) -> None:
    readings = gauges.project.table("raw/readings")
    twice = Table("raw/readings_again", readings.contract, readings.transform, readings.files)
    place = with_table(workspace(tmp_path, parameters={}, settle_seconds=0.0), twice)
    land(place, ["2013-01"])
    instance = dg.DagsterInstance.ephemeral()
    sensor = build_definitions(place.project, place.settings, workspace=place).get_sensor_def(LANDING_SENSOR)

    def look(cursor: str | None) -> dg.SensorResult:
        with dg.build_sensor_context(instance, cursor, resources={"workspace": place}) as context:
            found = sensor(context)
        assert isinstance(found, dg.SensorResult)
        return found

    result = look(look(None).cursor)
    assert asked(result) == [(GAUGES, None), (["raw/readings", "raw/readings_again"], "2013-01")]
    months = [("landing/readings", "2013-01"), ("landing/readings_again", "2013-01")]
    assert sorted(events(result), key=str) == [("landing/gauges", None), *months]
    readable = [each for each in result.asset_events if isinstance(each, dg.AssetCheckEvaluation)]
    assert {each.asset_key for each in readable if each.description == "1 files can be read"} >= {
        key("landing/readings"),
        key("landing/readings_again"),
    }


def test_a_growing_file_waits_until_it_has_stopped(world: World) -> None:
    world.land("2013-01", gauges=False)
    path = file_of(world, "readings-2013-01.csv")
    whole = path.read_bytes()
    for end in (200, 400, len(whole)):
        path.write_bytes(whole[:end])
        result = world.look(run=False)
        assert asked(result) == []
        assert "waiting until readings-2013-01.csv has stopped changing" in note(result)
    assert asked(world.look()) == [(READINGS, "2013-01")]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Puts the sensor's clock forward or back, by seconds."""
    now = time.time

    def put(seconds: float) -> None:
        later = SimpleNamespace(time=lambda: now() + seconds, monotonic=time.monotonic)
        monkeypatch.setattr("taxiway.orchestration.landing_look.time", later)

    return put


@pytest.mark.parametrize("date", ["2099-01-01", "1970-01-01", "1901-12-14"])
def test_a_file_waits_until_it_has_been_seen_unchanged_whatever_its_date(
    tmp_path: Path, clock: Callable[[float], None], date: str
) -> None:
    world = World(tmp_path, settle_seconds=3600)
    world.land("2013-01", gauges=False)
    then = datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp()
    os.utime(file_of(world, "readings-2013-01.csv"), (then, then))
    assert asked(world.look_twice(run=False)) == []
    clock(3500)
    assert asked(world.look_twice(run=False)) == []
    clock(3700)
    assert asked(world.look()) == [(READINGS, "2013-01")]
    assert asked(world.look()) == []


def test_a_clock_that_was_put_back_delays_no_file_for_longer(tmp_path: Path, clock: Callable[[float], None]) -> None:
    world = World(tmp_path, settle_seconds=60)
    clock(86_400)
    world.look()
    world.land("2013-01", gauges=False)
    assert asked(world.look(run=False)) == []
    clock(-86_400)
    assert asked(world.look(run=False)) == []
    clock(-86_300)
    assert asked(world.look()) == [(READINGS, "2013-01")]


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "written in place"])
def test_other_bytes_of_the_same_size_and_date_ask_for_the_partition(landed: World, replaced: bool) -> None:
    path = file_of(landed, "readings-2013-02.csv")
    known, data = path.stat(), path.read_bytes()
    other = data.replace(b"Z,22", b"Z,23", 1)
    assert (len(other), other == data) == (len(data), False)
    target = path.with_name(".other") if replaced else path
    target.write_bytes(other)
    os.utime(target, ns=(known.st_atime_ns, known.st_mtime_ns))
    target.replace(path)
    assert asked(landed.look_twice()) == [(READINGS, "2013-02")]
    assert landed.workspace.landing.digest(path.name) in str(recalled(landed.instance, LANDING_SENSOR, landed.looked))


def test_where_the_file_system_tells_nothing_the_files_are_read_again_from_time_to_time(
    landed: World, monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    path = file_of(landed, "readings-2013-02.csv")
    known = path.stat()
    landed.look()
    path.write_bytes(path.read_bytes().replace(b"Z,22", b"Z,23", 1))
    described = level._described
    monkeypatch.setattr(
        level, "_described", lambda place, stat: described(place, known if place.name == path.name else stat)
    )
    assert asked(landed.look_twice()) == []
    clock(7 * 3600)
    assert asked(landed.look()) == [(READINGS, "2013-02")]
    assert asked(landed.look()) == []


def test_after_a_lost_cursor_what_is_published_asks_for_nothing(landed: World) -> None:
    landed.forget()
    assert asked(landed.look_twice()) == []


def test_after_a_lost_cursor_what_was_asked_for_has_the_same_key(landed: World) -> None:
    landed.correct("2013-02", b"Z,2", b"Z,wet")
    (first,) = requests(landed.look_twice())
    assert asked(landed.look()) == [], "the contract refused it, once"
    landed.forget()
    (second,) = requests(landed.look_twice())
    assert second.run_key == first.run_key, "by which Dagster knows that it has run"


def test_content_that_comes_back_after_another_asks_again(landed: World) -> None:
    keys = []
    for _ in range(2):
        landed.correct("2013-02")
        keys += [request.run_key for request in requests(landed.look_twice())]
        landed.land("2013-02")
        keys += [request.run_key for request in requests(landed.look_twice())]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"gauge,read_at\nAAA,2013-02-01T00:00:00Z\n", b"\xff\xfe\x00"]
)
def test_an_unreadable_file_is_one_failing_check(landed: World, content: bytes) -> None:
    before = landed.workspace.lake.open(landed.workspace.project.table("raw/readings").address).version
    landed.workspace.landing.deliver("readings-2013-02.csv", content)
    assert asked(landed.look_twice()) == []
    check = landed.check("landing/readings", "readable")
    assert check is not None
    assert not check.passed
    assert "readings-2013-02.csv" in (check.description or "")
    assert landed.look().asset_events == [], "it is said once"
    landed.forget()
    assert asked(landed.look_twice()) == []
    landed.correct("2013-03")
    landed.look_twice()
    assert not passed(landed, "landing/readings", "readable"), "another file that is well does not hide it"
    landed.correct("2013-02")
    assert asked(landed.look_twice()) == [(READINGS, "2013-02")]
    assert passed(landed, "landing/readings", "readable")
    assert landed.workspace.lake.open(landed.workspace.project.table("raw/readings").address).version == before + 2


def passed(world: World, at: str, name: str) -> bool:
    check = world.check(at, name)
    assert check is not None
    return check.passed


def test_a_file_put_back_as_it_was_clears_the_check_and_asks_for_nothing(landed: World) -> None:
    landed.workspace.landing.deliver("readings-2013-02.csv", b"")
    landed.look_twice()
    assert not passed(landed, "landing/readings", "readable")
    landed.land("2013-02")
    assert asked(landed.look_twice()) == []
    assert passed(landed, "landing/readings", "readable")


def refuse(world: World, month: str) -> bytes:
    """Deliver a month with too many rows that cannot be read, after the published one; gives the good file."""
    path = file_of(world, f"readings-{month}.csv")
    good = path.read_bytes()
    world.workspace.landing.deliver(path.name, good.replace(b"Z,1", b"Z,high"))
    return good


def test_a_refused_file_that_comes_back_is_refused_again_and_a_good_one_clears_the_check(landed: World) -> None:
    for _ in range(2):
        good = refuse(landed, "2013-03")
        assert asked(landed.look_twice()) == [(READINGS, "2013-03")]
        failed = landed.check("raw/readings", "rows")
        assert failed is not None
        assert not failed.passed
        landed.workspace.landing.deliver("readings-2013-03.csv", good)
        assert asked(landed.look_twice()) == [(READINGS, "2013-03")], "so that the check passes again"
        passed = landed.check("raw/readings", "rows")
        assert passed is not None
        assert passed.passed


def test_a_folder_in_place_of_a_file_is_a_failing_check_until_it_is_gone(landed: World) -> None:
    path = file_of(landed, "readings-2013-02.csv")
    good = path.read_bytes()
    path.unlink()
    path.mkdir()
    result = landed.look()
    assert asked(result) == []
    assert "readings-2013-02.csv is a folder: remove it" in note(result)
    check = landed.check("landing/readings", "readable")
    assert check is not None
    assert not check.passed
    assert "readings-2013-02.csv is a folder" in (check.description or "")
    assert landed.look().asset_events == [], "it is said once"
    path.rmdir()
    assert asked(landed.look()) == []
    assert passed(landed, "landing/readings", "readable")
    path.write_bytes(good)
    assert asked(landed.look_twice()) == [], "it is published already"


def test_what_belongs_to_no_table_is_a_failing_check_until_it_is_gone(landed: World) -> None:
    root = Path(landed.workspace.landing.store.uri)
    for name in ("notes.txt", "readings-2012-12.csv", "Readings-2013-02.csv"):
        (root / name).write_bytes(b"x")
    result = landed.look()
    assert asked(result) == []
    assert "; Readings-2013-02.csv belongs to no table: readings-2013-02.csv, which it is near to, lies" in note(result)
    readings, gauges = (landed.check(f"landing/{name}", "expected") for name in ("readings", "gauges"))
    assert readings is not None
    assert gauges is not None
    assert (readings.passed, readings.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "readings-2012-12.csv is of raw/readings for 2012-12, outside the calendar" in (readings.description or "")
    assert (gauges.description or "").startswith("notes.txt belongs to no table"), "what it is no one can tell"
    assert "readings-2012-12" not in (gauges.description or "")
    fresh = landed.check("mart/river_month", "fresh")
    assert fresh is not None
    assert "all that was delivered" not in (fresh.description or "")
    assert "3 in number" in (fresh.description or "")
    assert landed.look().asset_events == [], "it is said once"
    for path in (root / "notes.txt", root / "readings-2012-12.csv", root / "Readings-2013-02.csv"):
        path.unlink()
    landed.look()
    assert passed(landed, "landing/readings", "expected")
    assert passed(landed, "landing/gauges", "expected")


def test_a_link_to_nowhere_and_a_file_that_cannot_be_read_are_a_failing_check(landed: World) -> None:
    with unprivileged(landed.workspace.settings.home):
        file_of(landed, "readings-2013-02.csv").unlink()
        file_of(landed, "readings-2013-02.csv").symlink_to("nowhere")
        file_of(landed, "readings-2013-03.csv").chmod(0)
        result = landed.look()
    assert asked(result) == []
    told = (
        "readings-2013-02.csv is a link to nowhere: remove it from .*; readings-2013-03.csv cannot be read: give rights"
    )
    assert re.search(told, note(result))
    check = landed.check("landing/readings", "readable")
    assert check is not None
    assert not check.passed
    assert re.search(told, check.description or "")


def test_a_withdrawn_file_is_forgotten(landed: World) -> None:
    file_of(landed, "readings-2013-02.csv").unlink()
    assert asked(landed.look_twice()) == []
    landed.land("2013-02")
    assert asked(landed.look_twice()) == []


def test_a_look_is_told_of_even_if_nothing_is_new(tmp_path: Path) -> None:
    world = World(tmp_path, fresh_hours=1 / 60)
    world.land("2013-01", "2013-02")
    world.look_twice()
    reported = events(world.look())
    assert reported == []
    world.looked = world.looked.replace('"reported":', '"reported":-') if world.looked else None
    assert sorted(events(world.look()), key=str) == [("landing/gauges", None), ("landing/readings", "2013-02")]


def test_the_checks_can_be_run_by_hand(landed: World) -> None:
    landed.workspace.landing.deliver("readings-2013-02.csv", b"")
    checks = dg.AssetSelection.checks(dg.AssetCheckKey(key("landing/readings"), "readable"))
    job = dg.define_asset_job("by_hand", selection=checks)
    defs = dg.Definitions.merge(landed.defs, dg.Definitions(jobs=[job]))
    assert defs.resolve_job_def("by_hand").execute_in_process(instance=landed.instance).success
    assert not passed(landed, "landing/readings", "readable")


def test_a_mart_is_fresh_while_nothing_has_waited_too_long(landed: World) -> None:
    assert passed(landed, "mart/river_month", "fresh")
    landed.correct("2013-03")
    landed.look_twice()
    assert passed(landed, "mart/river_month", "fresh"), "it has not waited long"
    check = landed.check("mart/river_month", "fresh")
    assert check is not None
    assert "on their way" in (check.description or "")


def test_a_mart_is_not_fresh_when_a_delivery_has_waited_too_long(landed: World) -> None:
    landed.correct("2013-03")
    landed.age("readings-2013-03.csv", hours=30)
    landed.look_twice(run=False)
    check = landed.check("mart/river_month", "fresh")
    assert check is not None
    assert not check.passed
    assert "readings-2013-03.csv for raw/readings" in (check.description or "")
    assert landed.run_all("2013-01", "2013-04")
    assert passed(landed, "mart/river_month", "fresh"), "the run that builds it says so itself"


def test_a_mart_that_was_never_built_is_not_fresh(world: World) -> None:
    world.land("2013-01")
    world.look_twice()
    assert not passed(world, "mart/river_month", "fresh")


def test_deliveries_are_fresh_by_the_last_look(landed: World) -> None:
    policy = landed.defs.resolve_asset_graph().get(key("landing/readings")).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(timedelta(hours=26))
    event = landed.instance.get_latest_materialization_event(key("landing/readings"))
    assert event is not None
    assert time.time() - event.timestamp < 3600

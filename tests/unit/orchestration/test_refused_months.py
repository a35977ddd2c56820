"""A refusal is seen where people look: the table's checks, as Dagster's UI asks for them."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import ibis.expr.types as ir
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from tests import gauges
from tests.gauges.project import RawReadings
from tests.unit.orchestration.world import World, key
from tests.working import land, with_table, workspace

from taxiway.addresses import Address
from taxiway.contracts import row_rule
from taxiway.orchestration import build_definitions
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest, execute

READINGS = "raw/readings"


def shown(world: World, at: str, name: str) -> bool | None:
    """Whether a check passed, as the UI shows it; None where it says that it has not been run on the latest."""

    async def latest() -> bool | None:
        context = LoadingContextForTest(world.instance)
        record = await AssetCheckExecutionRecord.gen(context, dg.AssetCheckKey(key(at), name))
        if record is None or record.evaluation is None or not await record.targets_latest_materialization(context):
            return None
        return record.evaluation.passed

    return asyncio.run(latest())


def test_the_refusal_of_an_earlier_month_is_shown(landed: World) -> None:
    assert shown(landed, READINGS, "rows") is True
    landed.run([key(READINGS)], partition="2013-04")
    landed.correct("2013-02", b"Z,2", b"Z,wet")
    # Dagster keeps the time of a check in whole seconds, and shows none that is as old as the last event.
    time.sleep(1.1)
    assert not landed.run([key(READINGS)], partition="2013-02")
    assert shown(landed, READINGS, "rows") is False
    assert shown(landed, READINGS, "key") is True
    landed.land("2013-02")
    assert landed.run([key(READINGS)], partition="2013-02")
    assert shown(landed, READINGS, "rows") is True


def test_a_refusal_within_a_range_is_shown(landed: World) -> None:
    landed.correct("2013-02", b"Z,2", b"Z,wet")
    assert not landed.run([key(READINGS)], months=("2013-01", "2013-04"))
    assert shown(landed, READINGS, "rows") is False


def test_what_was_made_without_a_refused_month_is_told_in_the_log(landed: World) -> None:
    landed.correct("2013-05", b"Z,5", b"Z,wet")
    assert not landed.run([key(READINGS)], partition="2013-05")
    landed.land("2013-06")
    assert landed.run([key(READINGS), key("feature/level_history")], partition="2013-06")
    last = landed.instance.get_run_records(limit=1)[0].dagster_run.run_id
    told = [entry.user_message for entry in landed.instance.all_logs(last) if entry.level == logging.WARNING]
    assert told == [f"{READINGS} lacks 2013-05, which has been landed; made without: feature/level_history (2013-06)"]


class Warned(RawReadings):
    """One row for each reading of a gauge."""

    @row_rule("the water is low", severity="warn")
    def low(t: ir.Table) -> ir.BooleanValue:
        return t.level_cm < 20


def test_a_warning_of_a_refused_month_is_told_once(tmp_path: Path) -> None:
    table = replace(gauges.project.table(READINGS), contract=Warned)
    place = with_table(workspace(tmp_path, parameters={}), table)
    land(place, ["2013-01"], (b"Z,1", b"Z,wet"))
    heard: list[RunEvent] = []
    request = RunRequest((Address.parse(READINGS),), ("2013-01",))
    definitions = build_definitions(place.project, place.settings, workspace=place)
    assert not execute(definitions, dg.DagsterInstance.ephemeral(), place.project, request, heard.append)
    (warning,) = [event for event in heard if event.kind == "warning"]
    assert warning.message.startswith("low: the water is low")
    (failure,) = [event for event in heard if event.kind == "failed"]
    assert "not published" in failure.message

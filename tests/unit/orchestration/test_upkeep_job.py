"""The nightly upkeep as Dagster has it."""

import dagster as dg
import pytest
from tests.working import land, run_all

from taxiway.lake import upkeep as of_table
from taxiway.materialise import Workspace
from taxiway.orchestration.definitions import build_definitions
from taxiway.orchestration.upkeep import UPKEEP


def test_it_runs_and_says_what_it_did(gauges: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for change in (b"1", b"2"):
        land(gauges, change=(b"Z,1", b"Z," + change))
        run_all(gauges)
    settings = gauges.settings.model_copy(update={"keep_days": 0, "parameters": {}})
    definitions = build_definitions(gauges.project, settings, workspace=Workspace(gauges.project, settings))
    dg.Definitions.validate_loadable(definitions)
    job = definitions.resolve_job_def(UPKEEP)
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance)
        told = [
            entry.user_message for entry in instance.all_logs(done.run_id) if "removed of old" in entry.user_message
        ]
    assert done.success
    assert any(line.startswith("raw/readings: files removed of old versions: ") for line in told)

    def refuse(*_: object) -> None:
        raise FileExistsError

    land(gauges, change=(b"Z,1", b"Z,3"))
    run_all(gauges)
    monkeypatch.setattr(of_table, "announce", refuse)
    with dg.DagsterInstance.ephemeral() as instance:
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success


@pytest.mark.parametrize("automation", [True, False])
def test_it_is_scheduled_where_dagster_is_to_act_by_itself(gauges: Workspace, automation: bool) -> None:
    settings = gauges.settings.model_copy(update={"automation": automation, "parameters": {}})
    schedule = build_definitions(gauges.project, settings).resolve_schedule_def(UPKEEP)
    assert (schedule.default_status.value == "RUNNING") is automation

"""A run that was told to stop, and lost the signal, stops before its next step."""

from uuid import uuid4

import dagster as dg
from tests.unit.orchestration.world import World, key

from taxiway.addresses import Address


def test_a_run_whose_interrupt_was_lost_stops_before_its_next_step(world: World) -> None:
    world.land("2013-01")
    run_id = str(uuid4())

    def told_to_stop(entry: dg.EventLogEntry) -> None:
        # As `--cancel` and the UI mark it; no signal reaches this process.
        if entry.dagster_event is not None and entry.dagster_event.is_step_start:
            run = world.instance.get_run_by_id(run_id)
            assert run is not None
            if run.status == dg.DagsterRunStatus.STARTED:
                world.instance.report_run_canceling(run)

    world.instance.add_event_listener(run_id, told_to_stop)
    world.defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=world.instance,
        run_id=run_id,
        asset_selection=[key("raw/readings")],
        partition_key="2013-01",
        raise_on_error=False,
    )
    run = world.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.CANCELED
    assert world.workspace.lake.find(Address("raw", "readings")) is None

"""A sensor's cursor is short, whatever it remembers."""

import dagster as dg
from tests.unit.orchestration.world import World

from taxiway.orchestration.sensor_memory import recall, remember


def test_the_last_few_texts_are_found_again() -> None:
    instance = dg.DagsterInstance.ephemeral()
    cursors = [remember(instance, "landing_zone", f"{number}" * 1000) for number in range(5)]
    found = [recall(instance, "landing_zone", cursor) for cursor in cursors]
    assert found == [None, None, "2" * 1000, "3" * 1000, "4" * 1000]
    assert remember(instance, "landing_zone", "4" * 1000) == cursors[-1]
    assert recall(instance, "another", cursors[-1]) is None


def test_the_landing_sensor_has_a_short_cursor_and_remembers_by_it(world: World) -> None:
    world.land("2013-01", "2013-02")
    assert not world.look(run=False).run_requests
    assert world.looked is not None
    assert len(world.looked) < 80
    assert world.look(run=False).run_requests, "they have stopped growing since the last look"
    before = world.looked
    world.look(run=False)
    assert world.looked == before

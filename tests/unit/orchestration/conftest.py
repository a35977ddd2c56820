from pathlib import Path

import pytest
from tests.unit.orchestration.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def landed(world: World) -> World:
    """January to April have been delivered and all that follows was asked for and computed."""
    world.tick()
    world.land("2013-01", "2013-02", "2013-03", "2013-04")
    world.look_twice()
    while world.tick():
        pass
    return world

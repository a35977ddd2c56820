"""The list of processes of a deployment, here and in containers."""

from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.deployment import Layout, Process, processes

PORT = 8443


@pytest.fixture(params=["here", "containers"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    if request.param == "here":
        return Layout.here("staging", ROOT, tmp_path / "home", PORT)
    return Layout.containers("staging", ROOT, PORT)


@pytest.fixture
def listed(layout: Layout) -> tuple[Process, ...]:
    return processes(layout)

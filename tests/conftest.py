"""Tests never see the deployment of whoever runs them; `gauges` is a small project in a temporary home."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Settings read the environment, and a home set there would win over a test's own.
for _name in [name for name in os.environ if name.startswith(("TAXIWAY_", "AWS_"))]:
    if _name not in {"TAXIWAY_SOAK", "TAXIWAY_REQUIRE"}:
        del os.environ[_name]

# What tests start is stopped as by Ctrl-C, which a shell has its background commands ignore, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from flights.model.late_model import let_threads_sleep  # noqa: E402
from taxiway.materialise import Workspace  # noqa: E402
from tests.postgres import database, postgres  # noqa: E402, F401 - fixtures
from tests.s3 import s3, store  # noqa: E402, F401 - fixtures
from tests.working import workspace  # noqa: E402

# How long an example takes says what the machine does.
settings.register_profile("taxiway", deadline=None)
settings.load_profile("taxiway")
# Tests that import LightGBM themselves do so before a model does.
let_threads_sleep()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests (`-n 2 --dist loadgroup`), one has all that use the Spark session; of
    the others, one has all tests of a file.
    """
    for item in items:
        group = "session" if "engine_for" in getattr(item, "fixturenames", ()) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def gauges(tmp_path: Path) -> Workspace:
    """The gauges project, four months of 2013, in a temporary home; nothing has been delivered."""
    return workspace(tmp_path / "home")

"""Both engines, opened once for all tests of a process; Spark's session takes seconds to start."""

from collections.abc import Iterator

import pytest
from tests.working import unavailable, workspace

from taxiway.engines import Engine, OpenEngine, check_engine, engines
from taxiway.errors import EngineError
from taxiway.settings import Settings

ENGINES = ("duckdb", "spark")


@pytest.fixture(scope="session")
def parity_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A deployment of its own for the engines; tests that publish have homes below it, as engines see nothing else."""
    return workspace(tmp_path_factory.mktemp("parity") / "home").settings


@pytest.fixture(scope="session")
def open_engine(parity_settings: Settings) -> Iterator[OpenEngine]:
    """Opens an engine by name; skips the test where this machine lacks what it needs."""
    with engines(parity_settings) as opened:

        def open_here(name: str | None = None) -> Engine:
            try:
                check_engine(parity_settings, name)
            except EngineError as error:
                unavailable(str(error))
            return opened(name)

        yield open_here


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, open_engine: OpenEngine) -> Engine:
    """Each engine in turn."""
    return open_engine(request.param)

"""Both engines for the tests that compare them; one Spark session serves all tests of a process."""

from collections.abc import Callable, Iterator

import pytest
from tests.benchmarks.spark_shell import WITH_DELTA
from tests.working import unavailable, workspace

from taxiway.engines import Engine, check_engine, engines, open_engine
from taxiway.errors import EngineError
from taxiway.settings import Settings

ENGINES = ("duckdb", "spark")

EngineFor = Callable[[str, Settings], Engine]


@pytest.fixture(scope="session")
def engine_for(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFor]:
    """The engine of a name for a deployment; skips the test where this machine lacks what it needs."""
    home = workspace(tmp_path_factory.mktemp("parity") / "home", spark=WITH_DELTA).settings
    with engines(home) as opened:

        def open_for(name: str, settings: Settings) -> Engine:
            try:
                check_engine(settings, name)
            except EngineError as error:
                unavailable(str(error))
            if name != "spark":
                return open_engine(settings, name)
            from taxiway.engines.spark import Spark

            shared = opened(name)
            assert isinstance(shared, Spark)
            return Spark(settings.scratch, lambda: shared.started)

        yield open_for


@pytest.fixture(scope="session")
def parity_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A deployment for what needs none of its own."""
    return workspace(tmp_path_factory.mktemp("engines") / "home").settings


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, engine_for: EngineFor, parity_settings: Settings) -> Engine:
    """Each engine in turn."""
    return engine_for(request.param, parity_settings)

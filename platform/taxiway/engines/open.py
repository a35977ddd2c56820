"""The engine that the settings, a table or a run name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from taxiway.engines.base import Engine
from taxiway.engines.memory import give_back_large_blocks
from taxiway.errors import UsageError
from taxiway.settings import Settings
from taxiway.spelling import nearest

if TYPE_CHECKING:
    from taxiway.engines.spark_session import SessionOf

IN_PROCESS = "duckdb"
"""The engine for what is small or has to be local, whichever engine computes: marts, what the UI shows of a table."""

ENGINES = (IN_PROCESS, "spark")

OpenEngine = Callable[[str | None], Engine]


def see_that_is_engine(name: str) -> None:
    """Raise UsageError, with the nearest name, for an engine that there is not."""
    if name not in ENGINES:
        raise UsageError(f"there is no engine '{name}'; {nearest(name, ENGINES)}")


def check_engine(settings: Settings, name: str | None = None) -> None:
    """See that the engine `name`, the deployment's by default, can be used here, without starting anything.

    Raises UsageError for one that there is not, EngineError where something that it needs is missing.
    """
    chosen = name or settings.engine
    see_that_is_engine(chosen)
    if chosen == "spark":
        from taxiway.engines.spark_session import check_spark

        check_spark(settings)


def open_engine(settings: Settings, name: str | None = None, session_of: "SessionOf | None" = None) -> Engine:
    """The engine `name`, the deployment's by default, to be closed by whoever opens it; see `engines`.

    From then on this process returns large blocks of memory that it frees. Raises as `check_engine`.
    """
    check_engine(settings, name)
    give_back_large_blocks()
    if (name or settings.engine) == IN_PROCESS:
        from taxiway.engines.duckdb import DuckDB

        return DuckDB(settings.threads, settings.memory_limit, settings.scratch, settings.lake)
    from taxiway.engines.spark import Spark
    from taxiway.engines.spark_session import start_session

    return Spark(settings.scratch, partial(start_session, settings, session_of))


@contextmanager
def engines(settings: Settings, session_of: "SessionOf | None" = None) -> Iterator[OpenEngine]:
    """Opens engines by name, each once, with the settings' limits; what they started ends with the block.

    `session_of` makes Spark's session from its configuration. Opening raises as `check_engine`.
    """
    opened: dict[str, Engine] = {}

    def open_one(name: str | None = None) -> Engine:
        chosen = name or settings.engine
        if chosen not in opened:
            opened[chosen] = open_engine(settings, chosen, session_of)
        return opened[chosen]

    try:
        yield open_one
    finally:
        for engine in opened.values():
            engine.close()

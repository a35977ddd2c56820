"""The engine that the settings, a table or a run name."""

from taxiway.engines.base import Engine
from taxiway.engines.memory import give_back_large_blocks
from taxiway.errors import UsageError
from taxiway.settings import Settings

ENGINES = ("duckdb",)


def open_engine(settings: Settings, name: str | None = None) -> Engine:
    """The engine `name`, the deployment's by default, with the settings' limits; raises UsageError for another.

    From then on this process returns large blocks of memory that it frees.
    """
    give_back_large_blocks()
    chosen = name or settings.engine
    if chosen == "duckdb":
        from taxiway.engines.duckdb import DuckDB

        return DuckDB(settings.threads, settings.memory_limit, settings.scratch, settings.lake)
    raise UsageError(f"there is no engine '{chosen}'; there are: {', '.join(ENGINES)}")

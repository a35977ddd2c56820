"""Engines execute compiled SQL: the protocol (`base`), DuckDB, the default (`duckdb`), and Spark (`spark`)."""

from taxiway.engines.base import Engine, Reading, Session
from taxiway.engines.open import ENGINES, IN_PROCESS, OpenEngine, check_engine, engines, open_engine, see_that_is_engine

__all__ = [
    "ENGINES",
    "IN_PROCESS",
    "Engine",
    "OpenEngine",
    "Reading",
    "Session",
    "check_engine",
    "engines",
    "open_engine",
    "see_that_is_engine",
]

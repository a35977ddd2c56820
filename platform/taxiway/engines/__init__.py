"""Engines execute compiled SQL: the protocol (`base`) and DuckDB, the default (`duckdb`)."""

from taxiway.engines.base import Engine, Reading, Session
from taxiway.engines.open import open_engine

__all__ = ["Engine", "Reading", "Session", "open_engine"]

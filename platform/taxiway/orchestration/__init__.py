"""The Dagster glue: tables as assets, checks, partitions, automation, sensors, and the assembled definitions.

The only part of the platform, beside the command line, that knows Dagster.
"""

from taxiway.orchestration.definitions import build_definitions
from taxiway.orchestration.table_asset import table_asset

__all__ = ["build_definitions", "table_asset"]

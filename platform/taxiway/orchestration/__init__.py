"""The Dagster glue: tables as assets, checks, partitions, automation, sensors, and the assembled definitions.

The only part of the platform, beside the command line, that knows Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taxiway.orchestration.definitions import build_definitions
    from taxiway.orchestration.table_asset import table_asset

__all__ = ["build_definitions", "table_asset"]

# Dagster's servers load modules of this package too: they need not import what computes.
_HOMES = {
    "build_definitions": "taxiway.orchestration.definitions",
    "table_asset": "taxiway.orchestration.table_asset",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

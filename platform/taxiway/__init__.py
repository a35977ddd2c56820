"""Taxiway: one transformation for batch, cluster, stream and request; nothing unguarded is published."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taxiway.version import __version__

if TYPE_CHECKING:
    from taxiway.comparison import Comparison
    from taxiway.notebook import OpenLake

__all__ = ["__version__", "compare", "open"]


def open(deployment: str | None = None) -> "OpenLake":  # noqa: A001 - read where it is used: taxiway.open()
    """The lake of a deployment (`TAXIWAY_DEPLOYMENT`, by default `local`), to read in a notebook.

    Raises SettingsError where there is no such deployment.
    """
    from taxiway.notebook import OpenLake
    from taxiway.settings import load_settings

    return OpenLake(load_settings(deployment))


def compare(
    frame: Any,
    table: str,
    *,
    key: Sequence[str] = (),
    partition: str | None = None,
    version: int | None = None,
    within: float | None = None,
) -> "Comparison":
    """Where a frame (pandas, Spark, Arrow), or a file of Parquet or CSV, and a table differ; see `taxiway compare`.

    Rows are matched by `key`, by default that of the table's contract. A Spark frame is written to scratch
    in `TAXIWAY_HOME` by Spark, whose workers have to have it at the same path. Raises UsageError where a side lacks the
    key or has it twice, TableNotFound for a table that has not been made, EngineError where Spark cannot write its
    frame.
    """
    from taxiway.comparison import compare

    return compare(open(), frame, table, key=key, partition=partition, version=version, within=within)

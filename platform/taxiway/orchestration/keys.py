"""What tables, delivered files, sources and sinks, and the partitions of weeks, are called in Dagster."""

import dagster as dg

from taxiway.calendar import grain_of
from taxiway.connectors import Sink
from taxiway.tables import Table

_MONDAY = "-1"


def to_dagster(partition: str) -> str:
    """The partition's key in Dagster, which calls a week by its Monday: `2013-W20-1`; all others are the same."""
    return partition + _MONDAY if grain_of(partition) == "week" else partition


def from_dagster(key: str) -> str:
    """The partition of a key in Dagster."""
    week = key.removesuffix(_MONDAY)
    return week if grain_of(week) == "week" else key


def asset_key(table: Table) -> dg.AssetKey:
    """The key of a table's asset: its layer and its name."""
    return dg.AssetKey([table.address.layer, table.address.name])


def landing_key(table: Table) -> dg.AssetKey:
    """The key of the delivered files that a raw table is made from."""
    return dg.AssetKey(["landing", table.address.name])


def source_key(table: Table) -> dg.AssetKey:
    """The key of the source that delivers the files of a raw table."""
    return dg.AssetKey(["source", table.address.name])


def sink_key(table: Table, sink: Sink) -> dg.AssetKey:
    """The key of a sink of a table."""
    return dg.AssetKey(["sink", f"{sink.name}__{table.address.relation}"])

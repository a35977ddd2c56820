"""What tables, delivered files, sources and sinks are called in Dagster."""

import dagster as dg

from taxiway.connectors import Sink
from taxiway.tables import Table


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

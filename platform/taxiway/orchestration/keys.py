"""What tables and delivered files are called in Dagster."""

import dagster as dg

from taxiway.tables import Table


def asset_key(table: Table) -> dg.AssetKey:
    """The key of a table's asset: its layer and its name."""
    return dg.AssetKey([table.address.layer, table.address.name])


def landing_key(table: Table) -> dg.AssetKey:
    """The key of the delivered files that a raw table is made from."""
    return dg.AssetKey(["landing", table.address.name])

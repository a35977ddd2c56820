"""A broken table as an asset: it is seen where the table would be, and fails with the reason."""

import re

import dagster as dg

from taxiway.broken import BrokenTable

_GROUP = "broken"


def broken_asset(table: BrokenTable) -> dg.AssetsDefinition:
    """The asset of a table that is left out; that of a file which does not say its table is in the group `broken`."""
    layer, _, name = table.at.partition("/")
    known = table.has_address
    key = dg.AssetKey([layer, name] if known else [_GROUP, re.sub(r"\W+", "_", table.at)])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(table.reads.split("/"))] if "/" in table.reads else [],
        description=f"Broken, so that it is not made: {table.problem}",
        group_name=layer if known else _GROUP,
        kinds={"broken"},
    )
    def fail() -> None:
        raise dg.Failure(str(table), allow_retries=False)

    return fail

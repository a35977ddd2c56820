"""`taxiway restore`: an earlier version of a table becomes its next one."""

from typing import Annotated

import typer

from taxiway.cli.options import open_lake
from taxiway.cli.output import hint
from taxiway.home import check_home
from taxiway.users import account


def restore(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/flights.")],
    version: Annotated[int, typer.Option("--version", metavar="N", help="The version; see: taxiway history.")],
) -> None:
    """Make an earlier version of a table its next one, in one commit, with what was known of its partitions then.

    Nothing is lost: the versions in between stay. What was computed from other inputs than there are now, or by other
    code, is stale again, and the next run computes it.
    """
    lake = open_lake()
    check_home(lake.settings.home)
    address = lake.address(table)
    made = lake.lake.restore(address, version, run="restore", user=account())
    hint(f"{address}: version {made} is what version {version} was")

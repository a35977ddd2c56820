"""`taxiway upkeep`: what killed writers left, files that old versions alone need, and many small files."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from taxiway.cli.options import Json, open_lake
from taxiway.cli.output import counted, hint, print_json, print_rows
from taxiway.errors import LakeError
from taxiway.home import check_home


def upkeep(
    tables: Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...", help="Only these tables.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and why, and do nothing.")] = False,
    keep_days: Annotated[
        float | None,
        typer.Option(
            "--keep-days", min=0, metavar="N", help="For so long every version can be read; as set by default."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Keep the lake small and quick: remove what killed writers left and what only old versions need, and write many
    small files anew as few.

    It touches only what it knows to be ours: files that a writer of ours registered, and those that a table's own log
    has replaced. It may run at any time, beside runs on this or other machines. Exits with 1 where a table had to be
    left as it is.
    """
    from taxiway.engines.open import IN_PROCESS, open_engine
    from taxiway.upkeep import upkeep as keep_up

    lake = open_lake()
    check_home(lake.settings.home)
    chosen = [lake.address(table) for table in tables] if tables else list(lake.lake.own_tables())
    keep = timedelta(days=lake.settings.keep_days if keep_days is None else keep_days)
    engine = open_engine(lake.settings, IN_PROCESS)
    found = list(keep_up(lake.lake, engine, chosen, run="upkeep", keep=keep, dry_run=dry_run))
    rows = [asdict(chore) | {"address": str(chore.address)} for chore in found]
    if as_json:
        print_json(rows)
    else:
        shown = [{"table": row["address"], **row} for row in rows]
        print_rows(shown, ["table", "what", "files", "why"], empty="nothing to do")
        hint(f"{counted(len(found), 'thing')} {'to do' if dry_run else 'done'} in {counted(len(chosen), 'table')}")
    left = [chore for chore in found if not chore.files]
    if left:
        raise LakeError(f"{counted(len(left), 'table')} left as it is: {'; '.join(chore.why for chore in left)}")

"""`taxiway drop`: one table is removed from the lake on purpose, with its quarantine."""

import sys
from typing import Annotated

import typer

from taxiway.cli.options import open_lake
from taxiway.cli.output import counted, hint
from taxiway.errors import TableNotFound, TaxiwayError, UsageError
from taxiway.home import check_home


def drop(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer/name, e.g. feature/busy_months.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also a table that the project still makes.")] = False,
) -> None:
    """Remove a table from the lake: all its versions, its quarantine, its refused rows. Nothing else is touched.

    A table that the project still makes is refused without --force; the next run makes it anew.
    """
    lake = open_lake()
    address = lake.address(table)
    check_home(lake.settings.home)
    made = lake.lake.tables()
    owner, is_kept = address.owner, address.owner != str(address)
    found = [each for each in (address, *(() if is_kept else (address.quarantine, address.refused))) if each in made]
    if not found:
        raise TableNotFound(f"{address} is not in the lake; taxiway tables lists what is")
    if not force and is_kept and owner in map(str, made):
        raise UsageError(f"{address} holds what was rejected of {owner}: drop that, or this alone with --force")
    if not force:
        _check_that_nothing_makes(owner)
    names = " and ".join(map(str, found))
    if not yes and not _agreed(f"remove {names} from {lake.settings.lake}, with all versions?"):
        raise UsageError("nothing was removed: answer y, or use --yes")
    for each in found:
        lake.lake.drop(each)
    hint(f"{counted(len(found), 'table')} removed: {names}")


def _agreed(question: str) -> bool:
    """Whether somebody at a terminal says yes."""
    try:
        return sys.stdin.isatty() and typer.confirm(question, err=True)
    except typer.Abort:
        return False


def _check_that_nothing_makes(table: str) -> None:
    """Raise UsageError where the project makes a table, would make it were it not broken, or cannot be asked."""
    try:
        project = open_lake().workspace.project
    except TaxiwayError as error:
        raise UsageError(
            f"the project cannot be loaded, so that it cannot be asked: {error}; or use --force"
        ) from error
    if table in {*map(str, project.by_address), *(broken.at for broken in project.broken)}:
        raise UsageError(f"{table} is made by the project: remove its file first, or use --force")
    for broken in project.broken:
        if not broken.has_address:
            raise UsageError(f"{table} may be of a file that is broken: {broken}; mend that first, or use --force")

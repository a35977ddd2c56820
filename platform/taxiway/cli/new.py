"""`taxiway new`: a project, or a table of one, which runs as it is."""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from taxiway.addresses import Address
from taxiway.cli.options import open_workspace
from taxiway.cli.output import console, hint, warn
from taxiway.cli.program import called, near

if TYPE_CHECKING:
    from taxiway.materialise import Workspace

new = typer.Typer(help="Write a project, or a new part of it, which runs as it is.", no_args_is_help=True)


@new.command("project")
def new_project(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name, and its package's, e.g. shop.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where to write it; a folder of that name by default.")
    ] = None,
) -> None:
    """Write a repository with a raw table, a feature table and a mart, each with its test, and data to land."""
    from taxiway.scaffold import write_project

    folder = (to or Path(name)).absolute()
    has_wheel = write_project(name, folder)
    out, typed = console(), shlex.quote(str(near(folder)))
    out.print(f"wrote the project [bold]{escape(name)}[/] into {escape(typed)}", soft_wrap=True)
    if not has_wheel:
        hint("Taxiway itself comes from your package index; the wheel may lie in wheels/ instead")
    # It goes on with the interpreter that is known to fit.
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    there = "" if folder == Path.cwd() else f"cd {typed} && "
    commands = {"make it": f"{there}make demo PYTHON=python{python}", "test it": "make test", "look": "make ui"}
    for what, command in commands.items():
        out.print(f"  {what + ':':<9} {escape(command)}", soft_wrap=True)


@new.command("table")
def new_table(
    address: Annotated[str, typer.Argument(metavar="LAYER/NAME", help="Where it will live, e.g. feature/busy_months.")],
    reads: Annotated[
        str | None, typer.Option("--reads", metavar="LAYER/NAME", help="The table that it starts from.")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            "--like", metavar="FILE", exists=True, dir_okay=False, help="Of a raw table: a CSV file that is delivered."
        ),
    ] = None,
) -> None:
    """Write one file: a contract, a transform and a test. It is a table of the project from then on."""
    from taxiway.scaffold import write_table

    workspace = open_workspace()
    at = Address.parse(address)
    found = write_table(workspace, at, reads=reads, like=like)
    out, typed = console(), escape(str(near(found.file)))
    made = f"is made from {found.source}" if at.layer == "raw" else f"counts {found.source}"
    out.print(f"wrote [bold]{typed}[/], which {made}; change it to what you need", soft_wrap=True)
    if not found.is_found:
        module = workspace.settings.project.partition(":")[0]
        warn(
            f"{module} does not collect the tables of {near(found.file.parent)}: name its package in collect(...) there"
        )
    for what, command in _next(workspace, at, found.file, like).items():
        out.print(f"  {what + ':':<9} {escape(command)}", soft_wrap=True)


def _next(workspace: "Workspace", at: Address, file: Path, like: Path | None) -> dict[str, str]:
    """What to do with the new file, in commands that can be pasted here as they are."""
    program, tester = called("taxiway"), called("pytest")
    if find_spec("pytest") is None:
        # It comes into this environment, whatever else the shell finds now.
        has_make = (Path.cwd() / "Makefile").is_file()
        install = "make setup-dev" if has_make else f"{near(Path(sys.executable))} -m pip install pytest"
        tester = f"{install} && {near(Path(sys.executable).with_name('pytest'))}"
    landing = "" if workspace.landing.listing().files else f"{program} land && "
    if at.layer == "raw":
        place = workspace.settings.landing
        file_name = shlex.quote(str(near(like.absolute()))) if like is not None else f"{at.name}.csv"
        landing = f"mkdir -p {place.uri} && cp {file_name} {place.uri}/ && " if place.is_folder else ""
    return {
        "test it": f"{tester} {shlex.quote(str(near(file)))}",
        "make it": f"{landing}{program} run {at} --upstream",
        "look": f"{program} show {at}",
    }

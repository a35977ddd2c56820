"""The commands, assembled."""

from typing import Annotated

import typer

from taxiway.cli.bench import bench
from taxiway.cli.compare import compare
from taxiway.cli.compiled import compile_table
from taxiway.cli.demo import demo
from taxiway.cli.deployment import deployment
from taxiway.cli.doctor import doctor
from taxiway.cli.drop import drop
from taxiway.cli.export import export
from taxiway.cli.land import LandCommand, land
from taxiway.cli.new import new
from taxiway.cli.options import of_deployment
from taxiway.cli.overview import history, tables
from taxiway.cli.quarantine import quarantine
from taxiway.cli.read import show, sql
from taxiway.cli.restore import restore
from taxiway.cli.run import run
from taxiway.cli.settings import settings
from taxiway.cli.sink import sink
from taxiway.cli.ui import ui
from taxiway.cli.upkeep import upkeep
from taxiway.version import __version__

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for command in (
    demo,
    land,
    run,
    sink,
    tables,
    show,
    sql,
    history,
    quarantine,
    compare,
    restore,
    drop,
    upkeep,
    ui,
    doctor,
    settings,
):
    app.command(cls=LandCommand if command is land else None)(of_deployment(command))
app.command("compile")(of_deployment(compile_table))
app.add_typer(new, name="new")
app.add_typer(bench, name="bench")
app.add_typer(deployment, name="deployment")
app.add_typer(export, name="export")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"taxiway {__version__}")
        raise typer.Exit


@app.callback(context_settings={"help_option_names": ["-h", "--help"]})
def taxiway(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="With every error, say where it came from.")] = False,
) -> None:
    """Tables you can trust: land files, materialise tables, look at what was published and what was refused.

    Exits with 0 when done, 1 when something failed or was refused, 2 when it was asked wrongly; other outcomes, which
    the command names, from 10 on.
    """

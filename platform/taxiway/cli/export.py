"""`taxiway export`: the project for orchestrators that are there already."""

import typer

from taxiway.cli.options import of_deployment, open_sound_workspace
from taxiway.loading import loading

export = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write the project for another orchestrator than Dagster."
)


# Without it, a group of one command would be that command.
@export.callback()
def _group() -> None: ...


@export.command()
@of_deployment
def airflow() -> None:
    """Print a DAG of Airflow 3: a task a layer, by the shortest grain, which runs the command line."""
    with loading():
        from taxiway.export import render_dag, stages

        workspace = open_sound_workspace()
    settings = workspace.settings
    typer.echo(render_dag(workspace.project.name, settings.deployment, workspace.calendar, stages(workspace)), nl=False)

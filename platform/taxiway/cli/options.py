"""Options that several commands share, and what they come to: settings, project, partitions."""

import os
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.cli.output import hint

if TYPE_CHECKING:
    from taxiway.materialise import Workspace
    from taxiway.notebook import OpenLake

Partition = Annotated[
    str | None,
    typer.Option(
        "--partition", metavar="P", help="An hour, a day, a week or a month: 2013-02-17T08, -17, -W07, 2013-02."
    ),
]
From = Annotated[str | None, typer.Option("--from", metavar="P", help="The first of a range, of any length.")]
To = Annotated[str | None, typer.Option("--to", metavar="P", help="The last of a range, included.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Limit = Annotated[int | None, typer.Option("--limit", min=0, metavar="N", help="At most so many rows.")]
_DEPLOYMENT = Annotated[
    str | None,
    typer.Option("--deployment", metavar="NAME", help="Of this deployment, and not that of TAXIWAY_DEPLOYMENT."),
]


def of_deployment(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option that says of which deployment this process, and all that it starts, is."""

    @wraps(command)
    def run(*words: Any, deployment: str | None = None, **options: Any) -> None:
        if deployment is not None:
            os.environ["TAXIWAY_DEPLOYMENT"] = deployment
        command(*words, **options)

    added = Parameter("deployment", Parameter.KEYWORD_ONLY, default=None, annotation=_DEPLOYMENT)
    own = signature(command)
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), added])  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
    run.__annotations__ = {**command.__annotations__, "deployment": _DEPLOYMENT}
    return run


def open_lake() -> "OpenLake":
    """The deployment's lake, to read; its project is loaded where it is needed."""
    import taxiway

    return taxiway.open()


def open_workspace() -> "Workspace":
    """The project of the deployment, to work on; imports what is heavy.

    Raises SettingsError where TAXIWAY_HOME is of another version, before anything starts.
    """
    from taxiway.home import check_home

    workspace = open_lake().workspace
    check_home(workspace.settings.home)
    return workspace


def open_sound_workspace() -> "Workspace":
    """As `open_workspace`, with what is broken of the project set aside; dbt compiles its models before they count."""
    from taxiway.marts import DbtProject
    from taxiway.project_check import without_broken

    workspace = open_workspace()
    if (dbt := DbtProject.of(workspace.project, workspace.settings)) is not None:
        if not dbt.is_prepared:
            hint("dbt compiles its models")
        dbt.prepare()
    return without_broken(workspace)

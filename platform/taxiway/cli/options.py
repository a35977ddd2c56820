"""Options that several commands share, and what they come to: settings, project, months."""

import os
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxiway.cli.output import hint
from taxiway.errors import UsageError

if TYPE_CHECKING:
    from taxiway.materialise import Workspace
    from taxiway.notebook import OpenLake
    from taxiway.settings import Settings

Month = Annotated[str | None, typer.Option("--month", metavar="M", help="One month, e.g. 2013-02.")]
From = Annotated[str | None, typer.Option("--from", metavar="M", help="The first month of a range.")]
To = Annotated[str | None, typer.Option("--to", metavar="M", help="The last month of a range, included.")]
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


def asked_months(settings: "Settings", month: str | None, first: str | None, last: str | None) -> Sequence[str] | None:
    """The months that the options name, None where they name none; raises UsageError where they contradict."""
    if month is not None and (first is not None or last is not None):
        raise UsageError("--month names one month, --from and --to a range: use one of the two")
    if month is None and first is None and last is None:
        return None
    months = settings.months
    begin, end = month or first or months.first, month or last or months.keys()[-1]
    chosen = months.between(begin, end)
    if not chosen:
        raise UsageError(f"--from {begin} lies after --to {end}")
    return chosen

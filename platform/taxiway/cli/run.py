"""`taxiway run`: materialise tables as Dagster runs, in this process or in the queue, seen in the UI like any other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.addresses import Address
from taxiway.cli.land import tell_unexpected
from taxiway.cli.options import From, Json, Month, To, asked_months, open_sound_workspace
from taxiway.cli.output import counted, hint, print_json, say
from taxiway.errors import UsageError
from taxiway.loading import loading
from taxiway.partitions import blocks, in_words
from taxiway.spelling import near, nearest

if TYPE_CHECKING:
    from taxiway.broken import BrokenTable
    from taxiway.cli.report import Report
    from taxiway.materialise import Workspace
    from taxiway.orchestration.runs import RunRequest
    from taxiway.tables import Project


# As shells report a program that Ctrl-C ended.
_INTERRUPTED = 130


def run(
    selection: Annotated[
        list[str] | None, typer.Argument(metavar="[SELECTION]...", help="layer/name, layer/* or layer; all by default.")
    ] = None,
    *,
    upstream: Annotated[bool, typer.Option("--upstream", help="And all that they depend on.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="And all that depends on them.")] = False,
    month: Month = None,
    first: From = None,
    last: To = None,
    force: Annotated[bool, typer.Option("--force", help="Compute what could be skipped.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Replace tables as a whole, with their columns, all months or nothing.")
    ] = False,
    accept_fewer: Annotated[
        bool, typer.Option("--accept-fewer", help="Publish far fewer rows than are published, or none.")
    ] = False,
    engine: Annotated[str | None, typer.Option("--engine", help="The engine, instead of the deployment's.")] = None,
    cancelled: Annotated[
        str | None, typer.Option("--cancel", metavar="RUN", help="Stop this run of Dagster's, and do nothing else.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Materialise tables for the months that have been landed, or for those named; what is up to date is skipped.

    Where the deployment's runs are those of Dagster's queue, they are followed: Ctrl-C stops that, not the run; SIGTERM
    stops the run too.
    """
    if cancelled is not None:
        _cancel(cancelled)
        return
    hint("loading the project")
    with loading():
        from taxiway.cli.summary import print_summary

        workspace = open_sound_workspace()
    months = asked_months(workspace.settings, month, first, last)
    project = workspace.project
    report = materialise(
        workspace,
        choose(project, selection or []),
        months,
        broken=project.broken if downstream else broken_among(project, selection or []),
        upstream=upstream,
        downstream=downstream,
        force=force,
        rebuild=rebuild,
        accept_fewer=accept_fewer,
        engine=engine,
    )
    if as_json:
        print_json(report.as_data())
    else:
        print_summary(workspace, report)
    end(workspace, report)


def end(workspace: "Workspace", report: "Report") -> None:
    """Tell what failed, and leave with the exit code for that; nothing where all is done."""
    from taxiway.cli.summary import print_failures

    if report.failed:
        print_failures(workspace, report)
        raise typer.Exit(_INTERRUPTED if report.interrupted else 1)


def _cancel(run_id: str) -> None:
    from taxiway.orchestration.instance import open_instance
    from taxiway.orchestration.queued_runs import cancel
    from taxiway.settings import load_settings

    with open_instance(load_settings()) as instance:
        hint(f"the run {run_id} is told to stop")
        say(f"the run {run_id} has ended: {cancel(instance, run_id).value}")


def choose(project: "Project", selection: Sequence[str]) -> list[Address]:
    """The tables that are named, all for none. Raises UsageError, with the nearest names, for what there is not."""
    chosen: list[Address] = []
    layers = list(dict.fromkeys(address.layer for address in project.by_address))
    for word in selection or layers:
        layer = _layer(word)
        if layer not in layers and broken_among(project, [word]):
            continue
        if "/" in layer or "." in layer:
            chosen.append(project.table(layer).address)
        elif layer in layers:
            chosen += [address for address in project.by_address if address.layer == layer]
        else:
            tables = list(map(str, project.by_address))
            known = tables if near(layer, tables) and not near(layer, layers) else layers
            raise UsageError(f"there is no layer '{layer}'; {nearest(layer, known)}")
    return chosen


def broken_among(project: "Project", selection: Sequence[str]) -> list["BrokenTable"]:
    """The broken tables that are named, all for none."""
    named = {_layer(word).replace(".", "/", 1) for word in selection}
    return [table for table in project.broken if not selection or named & {table.at, table.at.split("/")[0]}]


def _layer(word: str) -> str:
    return word.removesuffix("/*").removesuffix("/")


def materialise(
    workspace: "Workspace",
    tables: Sequence[Address],
    months: Sequence[str] | None,
    *,
    upstream: bool = False,
    downstream: bool = False,
    force: bool = False,
    rebuild: bool = False,
    accept_fewer: bool = False,
    engine: str | None = None,
    broken: Sequence["BrokenTable"] = (),
) -> "Report":
    """Run tables for these months, the landed ones for None, with progress: a Dagster run for each block of months,
    which this process executes or, where the deployment says so, follows.

    What is `broken` of the tables that were asked for is told, and is a failure.
    """
    from taxiway.cli.left_out import left_out
    from taxiway.cli.progress import Progress
    from taxiway.cli.report import Report
    from taxiway.engines import check_engine
    from taxiway.landed_months import LandedMonths
    from taxiway.orchestration import build_definitions
    from taxiway.orchestration.instance import open_instance
    from taxiway.orchestration.origin import code_location
    from taxiway.orchestration.queued_runs import execute_queued
    from taxiway.orchestration.remaining import Remaining
    from taxiway.orchestration.run_events import RunEvent
    from taxiway.orchestration.runs import RunRequest, execute, widen

    project, settings = workspace.project, workspace.settings
    definitions = build_definitions(project, settings, workspace=workspace)
    report = Report(project, broken)
    if not tables:
        return report
    chosen = widen(definitions, project, tables, upstream=upstream, downstream=downstream)
    if settings.runs == "process":
        for name in {engine or project.table(address).engine for address in chosen}:
            check_engine(settings, name)
    perform = execute if settings.runs == "process" else execute_queued
    tell_unexpected(workspace)
    monthly = any(project.table(address).monthly for address in chosen)
    if months is not None and not monthly:
        raise UsageError(f"{', '.join(map(str, chosen))} is not partitioned by month: leave out the months")
    over = wanted_months(workspace, chosen, months) if monthly else []
    for told in left_out(workspace, chosen, over):
        hint(told)
    wanted = blocks(over) if monthly else [[]]
    location = code_location(settings, project)
    for block in wanted:
        report.ask(chosen, block)
    with open_instance(settings) as instance, Progress(report) as progress:
        for block in wanted:
            options = {"force": force, "rebuild": rebuild, "accept_fewer": accept_fewer}
            request = RunRequest(chosen, tuple(block), **options, engine=engine, goes_on=True)
            remaining = Remaining(workspace, request)

            def hear(event: RunEvent, remaining: Remaining = remaining) -> None:
                progress.hear(event)
                remaining.hear(event)

            going_on = ""
            while request is not None and not report.interrupted:
                progress.begin(going_on + in_short(request), len(request.tables))
                try:
                    perform(definitions, instance, project, request, hear, location)
                except KeyboardInterrupt:  # between two steps, or while a run is followed
                    report.interrupted = True
                request, going_on = remaining.after(request), "going on with what does not need them: "
    landed = LandedMonths(workspace)
    found = [each for address in chosen for each in landed.incomplete(project.table(address))]
    report.incomplete = tuple(each for each in found if report.has_made(each.table, each.partition))
    return report


def in_short(request: "RunRequest") -> str:
    """What a run is for: how many tables, and which months."""
    return counted(len(request.tables), "table") + (f", {in_words(request.months)}" if request.months else "")


def wanted_months(workspace: "Workspace", chosen: Sequence[Address], months: Sequence[str] | None) -> Sequence[str]:
    """The months to run: those named, or all of which any file that the tables need has been landed.

    Says on stderr which files are missing. Raises UsageError where a month that is named, or every month, has none.
    """
    delivered = [table for table in workspace.project.tables if table.files is not None and table.monthly]
    reading = [table for table in delivered if table.address in chosen]
    if months is not None and not reading:
        return months
    # What is no file counts as delivered: the step refuses it, and says why.
    lying = workspace.landing.listing()
    there = workspace.expected_files.by_partition(lying.readable.keys() | lying.blocked.keys())
    landed = []
    for month in months if months is not None else workspace.settings.months.keys():
        tables = reading or delivered
        missing = [table.file_name(month) for table in tables if (table, month) not in there]
        if len(missing) < len(tables):
            landed.append(month)
            if missing:
                hint(f"{month}: {', '.join(missing)} has not been delivered")
        elif months is not None:
            raise UsageError(f"{month} has not been landed; deliver it with: taxiway land --month {month}")
    if not landed:
        raise UsageError("no month has been landed yet; deliver them with: taxiway land")
    return landed

"""`taxiway run`: materialise tables as Dagster runs, in this process or in the queue, seen in the UI like any other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.addresses import Address
from taxiway.cli.land import tell_unexpected
from taxiway.cli.options import From, Json, Partition, To, open_sound_workspace
from taxiway.cli.output import counted, hint, print_json, say
from taxiway.errors import UsageError
from taxiway.loading import loading
from taxiway.spelling import near, nearest

if TYPE_CHECKING:
    from taxiway.broken import BrokenTable
    from taxiway.calendar import Calendar
    from taxiway.cli.report import Report
    from taxiway.cli.wanted import Asked
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
    partition: Partition = None,
    first: From = None,
    last: To = None,
    force: Annotated[bool, typer.Option("--force", help="Compute what could be skipped.")] = False,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Replace tables as a whole, with their columns, all partitions or nothing."),
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
    """Materialise tables for all that has been landed, or for the partitions named; what is up to date is skipped.

    A month names all that has a part in it, of each table by its own grain; so does a week, a day, an hour.

    Where the deployment's runs are those of Dagster's queue, they are followed: Ctrl-C stops that, not the run; SIGTERM
    stops the run too.
    """
    if cancelled is not None:
        _cancel(cancelled)
        return
    hint("loading the project")
    with loading():
        from taxiway.cli.summary import print_summary
        from taxiway.cli.wanted import asked_for

        workspace = open_sound_workspace()
    asked = asked_for(workspace.calendar, partition, first, last)
    project = workspace.project
    report = materialise(
        workspace,
        choose(project, selection or []),
        asked,
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
    asked: "Asked | None",
    *,
    upstream: bool = False,
    downstream: bool = False,
    force: bool = False,
    rebuild: bool = False,
    accept_fewer: bool = False,
    engine: str | None = None,
    broken: Sequence["BrokenTable"] = (),
) -> "Report":
    """Run tables for what is asked for, all that has been landed for None, with progress: one Dagster run after the
    other, each over consecutive partitions of one grain, which this process executes or, where the deployment says so,
    follows.

    What is `broken` of the tables that were asked for is told, and is a failure.
    """
    from taxiway.cli.left_out import left_out
    from taxiway.cli.progress import Progress
    from taxiway.cli.report import Report
    from taxiway.cli.wanted import wanted_partitions
    from taxiway.engines import check_engine
    from taxiway.landed_partitions import LandedPartitions
    from taxiway.orchestration import build_definitions
    from taxiway.orchestration.instance import open_instance
    from taxiway.orchestration.origin import code_location
    from taxiway.orchestration.queued_runs import execute_queued
    from taxiway.orchestration.remaining import Remaining
    from taxiway.orchestration.run_events import RunEvent
    from taxiway.orchestration.runs import RunRequest, execute, widen

    project, settings = workspace.project, workspace.settings
    definitions = build_definitions(project, settings, workspace=workspace)
    report = Report(project, workspace.calendar, broken)
    if not tables:
        return report
    chosen = widen(definitions, project, tables, upstream=upstream, downstream=downstream)
    if settings.runs == "process":
        for name in {engine or project.table(address).engine for address in chosen}:
            check_engine(settings, name)
    perform = execute if settings.runs == "process" else execute_queued
    tell_unexpected(workspace)
    wanted = wanted_partitions(workspace, [project.table(address) for address in chosen], asked)
    for told in left_out(workspace, wanted):
        hint(told)
    location = code_location(settings, project)
    report.ask({table.at: keys for table, keys in wanted.items()})
    whole = RunRequest(chosen, force=force, rebuild=rebuild, accept_fewer=accept_fewer, engine=engine, goes_on=True)
    remaining = Remaining(workspace, whole, {table.address: keys for table, keys in wanted.items()})

    def hear(event: RunEvent) -> None:
        progress.hear(event)
        remaining.hear(event)

    with open_instance(settings) as instance, Progress(report) as progress:
        request = remaining.first()
        while request is not None and not report.interrupted:
            progress.begin(in_short(workspace.calendar, request, failed=bool(report.failures)), len(request.tables))
            try:
                perform(definitions, instance, project, request, hear, location)
            except KeyboardInterrupt:  # between two steps, or while a run is followed
                report.interrupted = True
            request = remaining.after(request)
    landed = LandedPartitions(workspace)
    found = [each for address in chosen for each in landed.incomplete(project.table(address))]
    report.incomplete = tuple(each for each in found if report.has_made(each.table, each.partition))
    return report


def in_short(calendar: "Calendar", request: "RunRequest", *, failed: bool) -> str:
    """What a run is for: how many tables, and which partitions."""
    told = "going on with what does not need them: " if failed else ""
    told += counted(len(request.tables), "table")
    return told + (f", {calendar.in_words(request.partitions)}" if request.partitions else "")

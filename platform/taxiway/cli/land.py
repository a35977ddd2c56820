"""`taxiway land`: the project's publisher, and its sources, deliver files to the landing zone."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from taxiway.cli.options import From, Json, Partition, To, open_lake, open_workspace
from taxiway.cli.output import counted, hint, print_json, print_rows, size, warn
from taxiway.errors import TaxiwayError, UsageError

if TYPE_CHECKING:
    from taxiway.calendar import Interval
    from taxiway.materialise import Workspace
    from taxiway.tables import Table


class LandCommand(TyperCommand):
    """The command, whose help lists the faults that the project's publisher can make."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, and what each kind of `--spoil` is; says why where the project cannot be loaded."""
        super().format_help(ctx, formatter)
        try:
            faults = open_lake().workspace.project.faults
        except TaxiwayError as error:
            hint(f"the kinds of --spoil are the project's, which cannot be loaded: {error}")
            return
        rows = [{"--spoil": kind, "the fault": what} for kind, what in faults.items()]
        print_rows(rows, ("--spoil", "the fault"), empty="the project knows no kinds of --spoil")


def land(
    partition: Partition = None,
    first: From = None,
    last: To = None,
    spoil: Annotated[
        str | None,
        typer.Option("--spoil", metavar="KIND", help="Deliver a partition with this fault, one of those listed below."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Deliver the publisher's files: reference files, and those of the partitions named (all by default).

    Of tables that come from a source, what has changed there is delivered; of those that others deliver, what lies
    there is told.
    """
    workspace = open_workspace()
    from taxiway.cli.wanted import asked_for

    asked = asked_for(workspace.calendar, partition, first, last)
    if spoil is not None and partition is None:
        raise UsageError("--spoil makes a fault in the files of one partition: name it with --partition")
    span = asked.span if asked is not None else None
    files = deliver(workspace, span, spoil)
    others = delivered_by_others(workspace, span, {file["file"] for file in files})
    tell_unexpected(workspace)
    project = workspace.project
    delivers = project.deliveries is not None or any(table.source is not None for table in project.tables)
    if not files and not others and not delivers:
        raise UsageError(_nothing(workspace))
    if as_json:
        print_json(files + others)
        return
    shown = [
        {"file": f["file"], "size": size(f["bytes"]), "delivery": "new content" if f["changed"] else "as it was"}
        for f in files
    ]
    shown += [{"file": f["file"], "size": size(f["bytes"]), "delivery": "by others"} for f in others]
    print_rows(shown, ("file", "size", "delivery"))
    place = workspace.settings.landing
    if files or not others:
        changed = sum(file["changed"] for file in files)
        hint(f"{counted(len(files), 'file')} delivered to {place}, {changed} with new content")
    if others:
        hint(f"{counted(len(others), 'file')} of others in {place}; make the tables with: taxiway run")


def tell_unexpected(workspace: "Workspace") -> None:
    """Say on stderr what lies in the landing zone that no table will be made from, and what to do, or not yet."""
    from taxiway.materialise.delivered import in_short, unexpected, waiting

    listing = workspace.landing.listing()
    for message in in_short(unexpected(workspace, listing)):
        warn(message)
    for message in waiting(workspace, listing):
        hint(message)


def deliver(workspace: "Workspace", span: "Interval | None", spoil: str | None = None) -> list[dict[str, Any]]:
    """Deliver the files of a time (of all for None), with a fault where one is named; says of each its name,
    bytes and whether anything changed; nothing of a project that has neither a publisher nor sources. Raises
    UsageError where there is no such fault.
    """
    project = workspace.project
    raw = [table for table in project.tables if table.files is not None]
    sources = [table for table in raw if table.source is not None]
    over = {table: workspace.partitions(table) for table in raw if table.is_partitioned}
    if span is not None:
        over = {table: workspace.calendar.among(keys, span) for table, keys in over.items()}
    if project.deliveries is None:
        if spoil is not None:
            raise UsageError(f"{project.name} has no publisher of its own, whose files could be spoiled")
        return _deliver_from(workspace, sources, over, span)
    chosen = tuple(dict.fromkeys(key for keys in over.values() for key in keys))
    files = list(project.deliveries(chosen))
    if spoil is not None:
        if project.spoil is None or not project.faults:
            raise UsageError(f"the publisher of {project.name} knows no faults")
        if spoil not in project.faults:
            raise UsageError(f"there is no fault '{spoil}': choose one of {', '.join(project.faults)}")
        # All faults are made before anything is delivered, so that a wrong request delivers nothing.
        spoiled = [(name, project.spoil(spoil, name, data)) for name, data in files]
        if spoiled == files:
            raise UsageError(f"the fault '{spoil}' changes none of the files of {workspace.calendar.in_words(chosen)}")
        files = spoiled
    delivered = [
        {"file": name, "bytes": len(data), "changed": workspace.landing.deliver(name, data)} for name, data in files
    ]
    return delivered + _deliver_from(workspace, sources, over, span)


def delivered_by_others(workspace: "Workspace", span: "Interval | None", own: Collection[str]) -> list[dict[str, Any]]:
    """The files that lie there for tables without a source, of a time or all, but for the `own` ones: name, bytes,
    and that nothing changed."""
    files = {file.name: file for file in workspace.landing.listing().files if file.name not in own}
    lying = workspace.expected_files.by_partition(files)
    asked = [
        names
        for (table, partition), names in lying.items()
        if table.source is None
        and (span is None or not table.is_partitioned or workspace.calendar.span(partition).overlaps(span))
    ]
    return [{"file": name, "bytes": files[name].size, "changed": False} for name in sorted(set().union(*asked))]


def _nothing(workspace: "Workspace") -> str:
    """That nothing lies there, and what to put there."""
    names = [table.files.name for table in workspace.project.tables if table.files is not None]
    wanted = f"put its files ({', '.join(names)}) into" if names else "it has no table that is made from files, in"
    return f"{workspace.project.name} has no publisher of its own; {wanted} {workspace.settings.landing}"


def _deliver_from(
    workspace: "Workspace",
    tables: Sequence["Table"],
    over: "Mapping[Table, Sequence[str]]",
    span: "Interval | None",
) -> list[dict[str, Any]]:
    """Deliver what has changed in the sources of these tables, of a time or all."""
    from taxiway.materialise.extract import extract

    return [
        {"file": each.file, "bytes": each.bytes, "changed": each.changed}
        for table in tables
        for each in extract(workspace, table, over.get(table, ()) if span is not None else None)
    ]

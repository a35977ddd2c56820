"""The end of a run, for people: what was done to each table, what was rejected and why, and what failed."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from taxiway.broken import BrokenTable
from taxiway.cli.mending import commands
from taxiway.cli.output import complain, console, counted, notes, print_grid
from taxiway.cli.quarantine import reasons
from taxiway.cli.report import Report, TableReport
from taxiway.landed_partitions import made_without
from taxiway.notebook import OpenLake

if TYPE_CHECKING:
    from taxiway.materialise import Workspace


def print_summary(workspace: "Workspace", report: Report) -> None:
    """The tables of the run in the order in which they came, what is in quarantine of them, and the seconds."""
    out = console()
    missing = report.missing()
    rows = [_row(report, table, missing) for table in report.tables.values()]
    rows += [_row(report, TableReport(name, "", True), missing) for name in missing if name not in report.tables]
    if rows:
        out.print()
        print_grid(out, rows, list(rows[0]), counts=True)
    for step in report.steps.values():
        if step.shared:
            out.print(f"{step.step}: {counted(len(step.tables), 'table')} made in one step, {step.seconds:.1f} s")
    lake = OpenLake(workspace.settings)
    found = [
        {"table": table.table, "partition": why["partition"], "rows": why["rows"], "rejected because": why["reason"]}
        for table in report.tables.values()
        if table.rejected
        for why in reasons(lake, table.table, list(table.partitions))
    ]
    if found:
        out.print()
        print_grid(out, found, list(found[0]))
    warned = [{"table": w.table, "partition": w.partition or "whole", "warning": w.message} for w in report.warnings]
    if warned:
        out.print()
        print_grid(out, warned, list(warned[0]))
    total = sum(table.rows for table in report.tables.values())
    out.print(f"\n{counted(len(report.tables), 'table')}, {counted(total, 'row')}, {report.seconds:.1f} s")


def print_failures(workspace: "Workspace", report: Report) -> None:
    """Each failure with its evidence, what was not done because of it, and where an interrupted run has come to."""
    err = notes()
    for broken, readers in _causes(workspace, report).items():
        left_out = "; left out, with what is made from it" if broken in report.broken else "; left out for it"
        complain(f"{broken}" + (f"{left_out}: {', '.join(readers)}" if readers else ""))
    for failure in report.failures:
        complain(failure.message)
        for rule, rows in failure.samples.items():
            if rows:
                err.print(f"[bold]{escape(rule)}[/]", soft_wrap=True)
                print_grid(err, rows, list(rows[0]))
    left = [
        f"{name} ({report.calendar.in_words(keys)})" if keys != ["*"] else name
        for name, keys in report.missing().items()
    ]
    if left:
        err.print(f"[dim]not up to date: {escape('; '.join(left))}[/]", soft_wrap=True)
    for line in made_without(report.lacking(), report.calendar):
        complain(line)
    told = "; ".join(commands(workspace, report)) if left and report.failures else ""
    if told:
        err.print(f"[dim]once what failed is mended: {escape(told)}[/]", soft_wrap=True)
    if report.interrupted:
        done = report.finished()
        names = f" ({', '.join(done)})" if done else ""
        told = f"{len(done)} of {counted(len(report.asked), 'table')} finished{names}"
        goes_on = "the same command goes on from there" + (", once that run has ended" if report.left else "")
        err.print(f"[bold]interrupted[/]: {told}; {goes_on}", soft_wrap=True)


def _causes(workspace: "Workspace", report: Report) -> dict[BrokenTable, list[str]]:
    """The tables that are broken themselves, asked for or not, each with those that were asked for and are left out
    because of it, directly or by way of others."""
    known = {table.at: table for table in (*workspace.project.broken, *report.broken)}
    causes: dict[BrokenTable, list[str]] = {}
    for table in report.broken:
        cause = table
        while cause.reads in known:
            cause = known[cause.reads]
        readers = causes.setdefault(cause, [])
        readers += [table.at] if cause is not table else []
    return causes


def _row(report: Report, table: TableReport, missing: dict[str, list[str]]) -> dict[str, Any]:
    seconds = report.seconds_of(table)
    counts = {status: len(keys) for status, keys in table.by_status().items()}
    return {
        "table": table.table,
        **{status: counts.get(status, 0) for status in ("published", "unchanged", "skipped")},
        "not done": len(missing.get(table.table, [])),
        "rows": table.rows,
        "rejected": table.rejected,
        "seconds": seconds and round(seconds, 1),
    }

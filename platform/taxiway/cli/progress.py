"""What a run looks like while it runs: a line for each step that ended and, on a terminal, what is being done now."""

import os
import sys
from io import UnsupportedOperation
from types import TracebackType
from typing import Self, TextIO

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from taxiway.calendar import Calendar
from taxiway.cli.output import UNLIMITED, SafeConsole
from taxiway.cli.report import Report, TableReport
from taxiway.orchestration.run_events import RunEvent

_COLORS = {"published": "green", "unchanged": "cyan", "skipped": "dim"}


class Progress:
    """Shows the events of a run as they happen, on stderr, after the report has heard them."""

    def __init__(self, report: Report) -> None:
        """Shows nothing before the block begins."""
        self._stream = _unredirected_stderr()
        width = None if self._stream.isatty() else UNLIMITED
        self._console = SafeConsole(file=self._stream, width=width, soft_wrap=True)
        columns = (
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(20),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = Bar(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("starting", total=None)
        self._report = report

    def __enter__(self) -> Self:
        """The progress, shown until the block ends."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing; errors pass."""
        self._bar.stop()
        if self._stream is not sys.stderr:
            self._stream.close()

    def begin(self, what: str, tables: int) -> None:
        """Say what the next run is for, and of how many tables."""
        self._console.print(f"[dim]{escape(what)}[/]")
        self._bar.reset(self._task, total=tables, description="starting")

    def hear(self, event: RunEvent) -> None:
        """Show an event."""
        self._report.hear(event)
        if event.kind == "started":
            self._bar.update(self._task, description=event.step)
            if self._bar.disable:
                self._console.print(f"[dim]started {event.step}[/]")
        elif event.kind == "partition":
            self._bar.update(self._task, description=f"{event.table} {event.partition or ''}")
        elif event.kind == "queued":
            self._bar.update(self._task, description=f"waiting for run {event.step}")
            self._console.print(f"[dim]queued  run {event.step}[/]")
        elif event.kind == "left":
            self._console.print(f"[yellow]left[/]    run {event.step}: {escape(event.message)}")
        elif event.kind == "again":
            self._console.print(f"[yellow]again[/]   {event.step}: {escape(event.message)}")
        elif event.kind != "warning":
            self._show_end(event)

    def _show_end(self, event: RunEvent) -> None:
        step = self._report.steps.get(event.step)
        for table in step.tables if step is not None else ():
            self._console.print(_line(self._report.calendar, table, self._report.seconds_of(table)))
            self._bar.advance(self._task)
        if event.kind != "finished":
            self._console.print(f"[bold red]{event.kind}[/]  {event.step}, {event.seconds:.1f} s")
        elif step is None:
            self._console.print(f"[bold]checked[/] {event.step}, {event.seconds:.1f} s")
        elif step.shared:
            self._console.print(f"[bold]done[/]    {event.step}, in one step, {event.seconds:.1f} s")


def _line(calendar: Calendar, table: TableReport, took: float | None) -> str:
    done = "; ".join(
        f"[{_COLORS[status]}]{status}[/]" + (f" {calendar.in_words(keys)}" if table.is_partitioned else "")
        for status, keys in table.by_status().items()
    )
    rejected = f", [yellow]{table.rejected:,} rejected[/]" if table.rejected else ""
    seconds = f", {took:.1f} s" if took is not None else ""
    return f"[bold]done[/]    {table.table:<30} {done}, {table.rows:,} rows{rejected}{seconds}"


def _unredirected_stderr() -> TextIO:
    """The stderr of now: Dagster turns the process's own into a file while a step runs."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w")
    except (UnsupportedOperation, OSError):
        return sys.stderr

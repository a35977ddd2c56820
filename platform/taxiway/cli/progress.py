"""What a run looks like while it runs: a line for each step that ended and, on a terminal, what is being done now."""

import os
import sys
from collections.abc import Iterable
from io import UnsupportedOperation
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from taxiway.cli.options import in_words
from taxiway.cli.output import UNLIMITED
from taxiway.cli.report import Report, TableReport
from taxiway.orchestration.runs import RunEvent

_COLORS = {"published": "green", "unchanged": "cyan", "skipped": "dim"}


class Progress:
    """Shows the events of a run as they happen, on stderr; `steps` is how many there will be."""

    def __init__(self, report: Report, steps: int) -> None:
        self._stream = _unredirected_stderr()
        width = None if self._stream.isatty() else UNLIMITED
        self._console = Console(file=self._stream, width=width, highlight=False, soft_wrap=True)
        self._status: Status | None = self._console.status("starting") if self._console.is_terminal else None
        self._report = report
        self._steps = steps
        self._ended = 0

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()
        if self._stream is not sys.stderr:
            self._stream.close()

    def say(self, message: str) -> None:
        """A line of its own."""
        self._console.print(f"[dim]{escape(message)}[/]")

    def hear(self, event: RunEvent) -> None:
        """Show an event, after the report has heard it."""
        self._report.hear(event)
        place = f"({min(self._ended + 1, self._steps)}/{self._steps})"
        if event.kind == "started":
            self._now(f"{place} {event.step}")
            if self._status is None:
                self._console.print(f"[dim]{place} {event.step} …[/]")
        elif event.kind == "partition":
            self._now(f"{place} {event.table} {event.partition or ''}")
        elif event.kind == "again":
            self._console.print(f"[yellow]again[/]   {event.step}: {escape(event.message)}")
        else:
            self._ended += 1
            for table in self._report.of_step(event.step):
                self._console.print(_line(table, event))
            if event.kind != "finished":
                self._console.print(f"[bold red]{event.kind}[/]  {event.step}, {event.seconds:.1f} s")

    def _now(self, what: str) -> None:
        if self._status:
            self._status.update(what)


def _line(table: TableReport, event: RunEvent) -> str:
    done = "; ".join(
        f"[{_COLORS[status]}]{status}[/]" + (f" {in_words(months)}" if table.monthly else "")
        for status, months in table.by_status().items()
    )
    rejected = f", [yellow]{table.rejected:,} rejected[/]" if table.rejected else ""
    return f"[bold]done[/]    {table.table:<30} {done}, {table.rows:,} rows{rejected}, {event.seconds:.1f} s"


def _unredirected_stderr() -> TextIO:
    """The stderr of now: Dagster turns the process's own into a file while a step runs."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w")
    except (UnsupportedOperation, OSError):
        return sys.stderr

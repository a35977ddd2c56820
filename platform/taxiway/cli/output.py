"""What the command line prints: data to stdout, as a table for people or as JSON; everything else to stderr."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as Grid

# Nothing is cut where nobody looks: a pipe has no width.
UNLIMITED = 100_000
_LONGEST = 60


def console() -> Console:
    """Where data goes."""
    return Console(width=None if sys.stdout.isatty() else UNLIMITED, highlight=False)


def notes() -> Console:
    """Where progress, hints and errors go."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else UNLIMITED, highlight=False)


def complain(message: str) -> None:
    """An error, told in one line or, where it has evidence, in a few."""
    notes().print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def warn(message: str) -> None:
    """What is not as it should be and stops nothing, on stderr."""
    notes().print(f"[yellow]warning:[/] {escape(message)}", soft_wrap=True)


def hint(message: str) -> None:
    """What else there is to know, on stderr."""
    notes().print(f"[dim]{escape(message)}[/]", soft_wrap=True)


def print_json(data: Any) -> None:
    """Data for machines: one JSON document on stdout; instants in ISO 8601, numbers that JSON lacks as texts."""
    sys.stdout.write(json.dumps(_plain(data), indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str = "no rows", counts: bool = False
) -> None:
    """Rows for people, numbers to the right; `empty` is said on stderr where there are none."""
    if rows:
        print_grid(console(), rows, columns, counts=counts)
    else:
        hint(empty)


def print_grid(
    out: Console, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, counts: bool = False
) -> None:
    """Rows as a table; in a pipe, lines end where their text does."""
    table = _grid(rows, columns, counts=counts)
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as drawn:
        out.print(table)
    out.file.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())


def print_data(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows of a table of the lake: long texts are cut and, on a terminal, columns that do not fit are only named."""
    out = console()
    short = [{name: _cut(row[name]) for name in columns} for row in rows]
    fitting = len(columns)
    while fitting > 1 and _width(out, _grid(short, columns[:fitting])) > out.width:
        fitting -= 1
    print_rows(short, columns[:fitting])
    if rows and fitting < len(columns):
        hint(f"not shown: {', '.join(columns[fitting:])}; name them in taxiway sql, or use --json")


def _grid(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, counts: bool = False) -> Grid:
    """Rows as a table of rich; with `counts`, whole numbers are written 1,000."""
    table = Grid(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        numeric = all(isinstance(row[name], int | float | None) and not isinstance(row[name], bool) for row in rows)
        table.add_column(escape(name), justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(escape(shown(row[name], counts=counts)) for name in columns))
    return table


def shown(value: Any, *, counts: bool = False) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and counts:
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return str(value)


def _width(out: Console, table: Grid) -> int:
    return Measurement.get(out, out.options.update(max_width=UNLIMITED), table).maximum


def _cut(value: Any) -> Any:
    text = shown(value)
    return value if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def counted(number: int, what: str) -> str:
    """A number of things: `1 table`, `1,200 tables`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def size(number: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        value = float(value)
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

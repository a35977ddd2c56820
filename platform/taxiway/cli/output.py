"""What the command line prints: data to stdout, as a table for people or as JSON; everything else to stderr.

Nothing is printed but through here: characters with which data could steer a terminal, or change the order in which it
shows others, are written as escapes, in a pipe too.
"""

import json
import math
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table as Grid
from rich.text import Text

# Nothing is cut where nobody looks: a pipe has no width.
UNLIMITED = 100_000
_LONGEST = 60


# Controls (but for tab and line end), marks of direction, what is not seen, and halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def safe(text: str) -> str:
    """The text with every character that could steer a terminal written as an escape: `\\x1b`, `\\u202e`."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def safe_line(text: str) -> str:
    """The text, safe and on one line."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


class SafeConsole(Console):
    """A console that lets no text through but as `safe` writes it; what steers the terminal is its own."""

    def __init__(self, **options: Any) -> None:
        """A console with these options of rich's; it marks nothing up that was not asked for."""
        super().__init__(highlight=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich draws, with safe texts."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=safe(segment.text))


def console() -> Console:
    """Where data goes."""
    return SafeConsole(width=None if sys.stdout.isatty() else UNLIMITED)


def notes() -> Console:
    """Where progress, hints and errors go."""
    return SafeConsole(stderr=True, width=None if sys.stderr.isatty() else UNLIMITED)


def say(text: str) -> None:
    """Lines of text for people, on stdout, as they are."""
    sys.stdout.write(f"{safe(text)}\n")
    sys.stdout.flush()


def complain(message: str) -> None:
    """An error, told in one line or, where it has evidence, in a few."""
    notes().print(f"[bold red]error:[/] {escape(safe(message))}", soft_wrap=True)


def warn(message: str) -> None:
    """What is not as it should be and stops nothing, on stderr."""
    notes().print(f"[yellow]warning:[/] {escape(message)}", soft_wrap=True)


def hint(message: str) -> None:
    """What else there is to know, on stderr."""
    notes().print(f"[dim]{escape(safe(message))}[/]", soft_wrap=True)


def print_traceback(error: BaseException) -> None:
    """Where an error came from, on stderr."""
    sys.stderr.write(safe("".join(traceback.format_exception(error))))


def print_json(data: Any) -> None:
    """Data for machines: one JSON document on stdout.

    Whole numbers and floats are numbers, each with all of its digits. Decimals are texts, and so are numbers that JSON
    lacks; days and instants are texts in ISO 8601, bytes are texts of hexadecimal digits.
    """
    text = json.dumps(_plain(data), indent=2, ensure_ascii=False)
    sys.stdout.write(_UNSAFE.sub(lambda found: _json_escape(found[0]), text) + "\n")
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
        table.add_column(Text(safe_line(name)), justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(Text(safe_line(shown(row[name], counts=counts))) for name in columns))
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
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


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
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return value.hex()
    return value.isoformat() if isinstance(value, date | time) else shown(value)


def _json_escape(character: str) -> str:
    """A character as an escape of JSON, which writes those beyond 16 bits as two."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))

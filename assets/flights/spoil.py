"""Faults of a delivery, to see and to test that each is met: every kind turns a good file of flights into a bad one.

Where single rows are changed they lie spread over the file, so that the good ones around them must survive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from taxiway.errors import UsageError

Row = dict[str, str]
Expected = Literal["accepted", "accepted with warning", "quarantined", "cut", "refused"]

_NEEDED = {"year", "month", "day", "sched_dep_time", "carrier", "dest", "distance", "time_hour"}
_PAGE = b"<!DOCTYPE html>\n<html><body><h1>503 Service Unavailable</h1></body></html>\n"


@dataclass(frozen=True)
class Spoiler:
    """One kind of fault: what it is, what must become of a month's delivery that has it, and the change itself."""

    description: str
    expected: Expected
    change: Callable[[bytes], bytes]


def spoil(kind: str, name: str, data: bytes) -> bytes:
    """The content of the flights file `name` with the fault `kind`; the same input gives the same bytes.

    Raises UsageError for an unknown kind or a file that does not hold flights.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no fault '{kind}': choose one of {', '.join(KINDS)}")
    header, *rows = data.splitlines()[:2] or [b""]
    if not rows or not set(header.decode(errors="replace").split(",")) >= _NEEDED:
        raise UsageError(f"{name} does not hold flights: faults are made in files such as flights-2013-01.csv")
    return KINDS[kind].change(data)


def _rows(data: bytes) -> list[Row]:
    header, *lines = data.decode().splitlines()
    names = header.split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines]


def _file(header: Row, rows: list[Row]) -> bytes:
    return "".join(",".join(fields) + "\n" for fields in (header, *(row.values() for row in rows))).encode()


def _in_every_row(change: Callable[[Row], Row]) -> Callable[[bytes], bytes]:
    """The change of every row, and of the header with it."""

    def apply(data: bytes) -> bytes:
        rows = [change(row) for row in _rows(data)]
        return _file(rows[0], rows)

    return apply


def _in_some_rows(change: Callable[[Row], Row], share: float = 0.0) -> Callable[[bytes], bytes]:
    """The change of three rows, or of a share of all, evenly spread; the header stays."""

    def apply(data: bytes) -> bytes:
        rows = _rows(data)
        header = rows[0]
        count = max(3, int(len(rows) * share))
        for place in range(count):
            number = len(rows) * (place + 1) // (count + 1)
            rows[number] = change(rows[number])
        return _file(header, rows)

    return apply


def _next_year(row: Row) -> Row:
    moved = {column: str(int(row[column][:4]) + 1) + row[column][4:] for column in ("year", "time_hour")}
    return row | moved


def _repeat_a_row(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines, lines[len(lines) // 2]])


def _cut_in_mid_row(data: bytes) -> bytes:
    return data[: data.index(b",", len(data) // 2)]


def _open_a_quote(data: bytes) -> bytes:
    place = data.index(b",", len(data) // 2) + 1
    return data[:place] + b'"' + data[place:]


KINDS: Mapping[str, Spoiler] = MappingProxyType(
    {
        "missing-column": Spoiler(
            "the column carrier is not there",
            "refused",
            _in_every_row(lambda row: {column: row[column] for column in row if column != "carrier"}),
        ),
        "renamed-column": Spoiler(
            "the column dest is called destination",
            "refused",
            _in_every_row(lambda row: {"destination" if name == "dest" else name: row[name] for name in row}),
        ),
        "reordered-columns": Spoiler(
            "the columns come in reverse order",
            "accepted",
            _in_every_row(lambda row: dict(reversed(row.items()))),
        ),
        "extra-column": Spoiler(
            "a column gate that nobody knows", "accepted with warning", _in_every_row(lambda row: row | {"gate": "A1"})
        ),
        "empty": Spoiler("nothing at all", "refused", lambda _: b""),
        "header-only": Spoiler("a header without rows", "refused", lambda data: data.splitlines(keepends=True)[0]),
        "binary": Spoiler("bytes that are not text", "refused", lambda _: bytes(range(256)) * 64),
        "html": Spoiler("an HTML page instead of the file", "refused", lambda _: _PAGE),
        "truncated": Spoiler("the second half is missing, from mid-row on", "cut", _cut_in_mid_row),
        "unclosed-quote": Spoiler("a quote that is never closed", "refused", _open_a_quote),
        "duplicate-key": Spoiler("a row in the middle is delivered twice", "refused", _repeat_a_row),
        "other-month": Spoiler("every row is of the same month a year later", "refused", _in_every_row(_next_year)),
        "other-month-rows": Spoiler("three rows are of another month", "quarantined", _in_some_rows(_next_year)),
        "crlf": Spoiler("lines end as on Windows", "accepted", lambda data: data.replace(b"\n", b"\r\n")),
        "bom": Spoiler("a byte order mark at the start", "accepted", lambda data: b"\xef\xbb\xbf" + data),
        "bad-date": Spoiler(
            "three rows are of a 32nd of the month", "quarantined", _in_some_rows(lambda row: row | {"day": "32"})
        ),
        "bad-clock": Spoiler(
            "three rows are scheduled at 12:75",
            "quarantined",
            _in_some_rows(lambda row: row | {"sched_dep_time": "1275"}),
        ),
        "text-in-number": Spoiler(
            "three distances say far", "quarantined", _in_some_rows(lambda row: row | {"distance": "far"})
        ),
        "out-of-range": Spoiler(
            "three distances exceed every integer type",
            "quarantined",
            _in_some_rows(lambda row: row | {"distance": "9" * 20}),
        ),
        "missing-value": Spoiler(
            "three rows have no destination", "quarantined", _in_some_rows(lambda row: row | {"dest": "NA"})
        ),
        "too-many-fields": Spoiler(
            "three rows have a field too many", "quarantined", _in_some_rows(lambda row: row | {"": "surplus"})
        ),
        "too-few-fields": Spoiler(
            "three rows lack their last field", "quarantined", _in_some_rows(lambda row: dict(list(row.items())[:-1]))
        ),
        "too-many-bad-rows": Spoiler(
            "two rows in a hundred have text for a distance",
            "refused",
            _in_some_rows(lambda row: row | {"distance": "far"}, share=0.02),
        ),
    }
)

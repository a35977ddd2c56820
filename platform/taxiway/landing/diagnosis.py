"""What a file that is no CSV as agreed is instead, in words, with what to do: asked only once it has been refused."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence

from taxiway.spelling import near

_DELIMITERS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    ":": "colons",
    "^": "'^'",
    "~": "'~'",
    "\x1f": "0x1f",
    " ": "blanks",
}
_PACKED: Mapping[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
}
_BINARY: Mapping[bytes, str] = {
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"ARROW1": "an Arrow file",
}
_EXCEL = (b"xl/workbook", b"[Content_Types].xml")
_TAG = re.compile(r"\s*<(!|\?|/?[A-Za-z][\w:.-]*[\s/>])")
_SEP = re.compile(r'"?sep=(.?)"?,*\s*\Z', re.IGNORECASE)
_LINES_LOOKED_AT = 100
_SHOWN = 80
_NAMES_SHOWN = 5


def binary_kind(data: bytes) -> str:
    """What a file is that is no text in UTF-8, with what to do; empty where it may be one."""
    for start, packer in _PACKED.items():
        if data.startswith(start):
            return f"is packed with {packer}, not CSV: deliver it unpacked, in UTF-8"
    for start, kind in _BINARY.items():
        if data.startswith(start) and b"\0" in data:
            return f"is {kind}, not CSV: export it as CSV in UTF-8"
    if data.startswith(b"PK\3\4"):
        if any(mark in data[:4096] or mark in data[-65536:] for mark in _EXCEL):
            return "is an Excel workbook, not CSV: export its sheet as CSV in UTF-8"
        return "is packed with zip, not CSV: deliver it unpacked, in UTF-8"
    for mark, encoding in (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if data.startswith(mark):
            return f"is binary or {encoding}, not CSV in UTF-8: deliver it in UTF-8 (iconv -f {encoding} -t UTF-8)"
    return _nulls(data) if b"\0" in data else ""


def _nulls(data: bytes) -> str:
    count = data.count(b"\0")
    head = data[:1000]
    if len(head) > 3 and abs(head[1::2].count(0) - head[::2].count(0)) > len(head) // 3:
        return "is binary or UTF-16 without a byte order mark, not CSV in UTF-8: deliver it in UTF-8"
    rest = len(data) - len(data.rstrip(b"\0"))
    if rest == count > 1:
        line = data.count(b"\n") + 1
        return f"ends in {count:,} NUL bytes, from line {line} on: its copy was not finished, deliver it again"
    place = data.index(b"\0")
    line = data.count(b"\n", 0, place) + 1
    if count > 3 and (count * 100 > len(data) or not _is_text(data)):
        where = f"{count:,} NUL bytes, the first in line {line}"
        return f"is binary or UTF-16, not CSV in UTF-8 ({where}): deliver it in UTF-8"
    more = f", and {count - 1:,} more" if count > 1 else ""
    column = place - (data.rfind(b"\n", 0, place) + 1) + 1
    return f"has a NUL byte in line {line}, at byte {column} of it{more}: take it out, no text has one"


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def encoding_hint(data: bytes, place: int) -> str:
    """What the byte that is not UTF-8 would be in the encoding that is mostly meant."""
    try:
        character = data[place : place + 1].decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return (
        f"; in Windows-1252 or Latin-1 it is {character!r} (iconv -f WINDOWS-1252 -t UTF-8)"
        if character.isprintable()
        else ""
    )


def is_page(text: str) -> bool:
    """Whether a text is an HTML or XML page; a header that writes its names as `<DATE>` is none."""
    if not _TAG.match(text):
        return False
    first = text.lstrip().split("\n", 1)[0]
    return not any(
        len(names) > 1 and all(re.fullmatch(r"<[^<>]+>", n.strip()) for n in names) for names in _splits(first)
    )


def wrong_header(text: str, columns: Sequence[str], wanted: str = ",") -> str:
    """Why the first line is not the header that is expected, with the wanted delimiter, and what to do; empty where
    only names are missing."""
    lines = io.StringIO(text, newline=None).read().split("\n")
    # A line of blanks is a record, an empty one is none.
    record = next((number for number, line in enumerate(lines) if line), 0)
    start = next((number for number, line in enumerate(lines) if line.strip()), record)
    first, lines = lines[start], lines[start : start + _LINES_LOOKED_AT]
    if _SEP.match(first):
        also = _and_delimiter(lines[1:], columns, wanted)
        return f"begins with the line {first.strip()!r}, which Excel writes: take it out{also}"
    for number, line in enumerate(lines, start):
        for delimiter, names in _names(line).items():
            if _are(names, columns):
                return _otherwise(number - record, number + 1, delimiter, names, columns, wanted)
    return _no_header(text, first, columns)


def _otherwise(
    number: int, place: int, delimiter: str, names: Sequence[str], columns: Sequence[str], wanted: str
) -> str:
    """How a header with the expected names differs from what it must be; empty where some are only missing."""
    found, advice = [], []
    if number:
        lines = "a line" if number == 1 else f"{number} lines"
        found.append(f"{lines} above its header, which is line {place}")
        advice.append(f"take out what is above (or declare skip={place - 1})")
    if delimiter != wanted:
        found.append(f"fields separated by {_DELIMITERS[delimiter]}")
        advice.append(f"separate them by {_plural(wanted)} (or declare delimiter={delimiter!r})")
    pairs = zip(names, _matched(names, columns), strict=True)
    odd = [(name, column) for name, column in pairs if column and name != column][:_NAMES_SHOWN]
    if odd:
        found.append(f"its column names written otherwise: {', '.join(repr(name) for name, _ in odd)}")
        advice.append(f"write {', '.join(column for _, column in odd)}")
    return f"has {' and '.join(found)}; {', '.join(advice)}" if found else ""


def _no_header(text: str, first: str, columns: Sequence[str]) -> str:
    start = text.lstrip()[:1]
    if start in "{[" and _is_json(text, first):
        return "is JSON, not CSV: deliver it as CSV"
    names = next(iter(_splits(first)), [])
    if any(near(name, columns) or _key(name) in map(_key, columns) for name in names):
        return ""
    shown = first.strip() if len(first.strip()) <= _SHOWN else first.strip()[:_SHOWN] + "…"
    return f"has no header: its first line is {shown!r}; begin it with the names {', '.join(columns)}"


def _is_json(text: str, first: str) -> bool:
    for part in (text, first):
        try:
            json.loads(part)
        except ValueError:
            continue
        return True
    return False


def _and_delimiter(lines: Sequence[str], columns: Sequence[str], wanted: str) -> str:
    for line in lines:
        for delimiter, names in _names(line).items():
            if delimiter != wanted and _are(names, columns):
                return f", and separate the fields by {_plural(wanted)} instead of {_DELIMITERS[delimiter]}"
    return ""


def _plural(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, repr(delimiter))


def _names(line: str) -> dict[str, list[str]]:
    """The fields of a line by the delimiter that may be meant."""
    return dict(zip(_DELIMITERS, _splits(line), strict=True))


def _splits(line: str) -> list[list[str]]:
    found = []
    for delimiter in _DELIMITERS:
        try:
            found.append(next(csv.reader([line], delimiter=delimiter), []))
        except csv.Error:
            found.append([])
    return found


def _are(names: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether these are the expected names, written in whatever way: all of them, or all but a few of many."""
    found = set(_matched(names, columns)) - {""}
    return len(found) == len(columns) or (len(found) > 2 and len(found) * 4 >= len(columns) * 3)


def _matched(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    by_key = {_key(column): column for column in columns}
    return [by_key.get(_key(name), "") for name in names]


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())

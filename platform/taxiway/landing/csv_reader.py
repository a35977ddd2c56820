"""Reading a delivered CSV file into rows of text: either every record is accounted for, or the file is refused.

Nothing is typed here. A record with too many or too few fields stays in its place as a row of nulls with its
raw text, so that it can be quarantined like any other bad row.
"""

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from taxiway.errors import DeliveryRefused
from taxiway.landing.diagnosis import binary_kind, encoding_hint, is_page, wrong_header
from taxiway.landing.doubts import pc
from taxiway.landing.formats import CSV, Field
from taxiway.landing.records import Records

# No record may be longer. Where a file has quotes, no field may be longer than csv.field_size_limit().
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class _Text:
    """The text of a file, what it looks like, and the names of its columns in their order."""

    name: str
    text: str
    files: CSV
    columns: Sequence[str] = ()

    def records(self) -> Iterator[list[str]]:
        """Its records as Python's reader finds them, which raises csv.Error for quotes that break the rules."""
        quoting = csv.QUOTE_MINIMAL if self.files.quote else csv.QUOTE_NONE
        lines = io.StringIO(self.text, newline="")
        return csv.reader(
            lines, strict=True, delimiter=self.files.delimiter, quotechar=self.files.quote, quoting=quoting
        )


def read_csv(name: str, data: bytes, columns: Sequence[str], files: CSV) -> Records:
    """The records of an unpacked file, which must have `columns`, in any order, in its header.

    Unknown columns are left out with a warning, and so is told that the last line has no end. Raises
    DeliveryRefused, naming the file and what to do, where it is not CSV in its encoding, without rows, lacks a column,
    has one twice, or breaks the rules of quoting.
    """
    text = _decode(name, data, files)
    read = _Text(name, text, files, files.columns or _read_header(_Text(name, text, files), columns))
    missing = [column for column in columns if column not in read.columns]
    if missing:
        raise DeliveryRefused(
            f"{name} has no column {', '.join(missing)}: name all columns of its files, in their order"
        )
    if files.quote and files.quote in text:
        _check_quotes(read)
    good, malformed = _parse(read, columns)
    rows = good.num_rows + len(malformed)
    if rows == 0:
        raise DeliveryRefused(f"{name} has a header but no rows: ask the publisher for the whole file")
    extra = [column for column in read.columns if column not in columns]
    warnings = [f"{name} has unknown columns, left out: {', '.join(map(repr, extra))}"] if extra else []
    return _in_order(good, malformed, (*warnings, *_unfinished(read)), read)


def _decode(name: str, data: bytes, files: CSV) -> str:
    """The text of the file, with the lines above its header as empty ones; refused where it is no text."""
    if (kind := binary_kind(data)) and not files.encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
        raise DeliveryRefused(f"{name} {kind}")
    try:
        text = data.decode(files.encoding)
    except UnicodeDecodeError as error:
        encoding = "UTF-8" if files.encoding == "utf-8" else files.encoding
        line = data.count(b"\n", 0, error.start) + 1
        hint = encoding_hint(data, error.start) if encoding == "UTF-8" else ""
        raise DeliveryRefused(
            f"{name} is not {encoding} at byte {error.start}, line {line} (0x{data[error.start]:02x}): deliver it in "
            f"{encoding}{hint}"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DeliveryRefused(f"{name} is empty: ask the publisher to deliver it again")
    if is_page(text):
        raise DeliveryRefused(f"{name} is an HTML or XML page, not CSV: the download failed, fetch the file again")
    return _without_preamble(text, files.skip)


def _without_preamble(text: str, lines: int) -> str:
    """The text with its first lines empty: an empty line is no record, and the others keep their numbers."""
    place = 0
    for _ in range(lines):
        place = text.find("\n", place) + 1
        if not place:
            return ""
    return "\n" * lines + text[place:]


def _unfinished(read: _Text) -> Iterator[str]:
    """A warning that the file may be cut; refused where its declaration says so."""
    if read.text[-1] in "\r\n":
        return
    line = read.text.count("\n") + 1
    if read.files.unfinished == "refuse":
        raise DeliveryRefused(f"{read.name} is truncated: line {line}, the last, has no end; deliver the whole file")
    yield f"{read.name} may be cut: line {line}, the last, has no end, and its record is taken as it is"


def _read_header(read: _Text, columns: Sequence[str]) -> list[str]:
    """The names in the first record; refused where one is twice there or an expected one is missing."""
    name, delimiter = read.name, read.files.delimiter
    try:
        header = next((record for record in read.records() if record), [])
    except csv.Error as error:
        if why := wrong_header(read.text, columns, delimiter):
            raise DeliveryRefused(f"{name} {why}") from None
        raise _bad_quotes(read, 1, error) from None
    missing = [column for column in columns if column not in header]
    if missing and (why := wrong_header(read.text, columns, delimiter)):
        raise DeliveryRefused(f"{name} {why}")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DeliveryRefused(f"{name} has a column twice in its header: {', '.join(map(repr, twice))}")
    if missing:
        unknown = [column for column in header if column not in columns]
        raise DeliveryRefused(
            f"{name} has no column {', '.join(with_hint(column, unknown) for column in missing)}: "
            f"deliver the columns {', '.join(columns)}"
        )
    return header


def with_hint(column: str, unknown: list[str]) -> str:
    """A column that is missing, and which of the unknown ones may be meant by it."""
    close = difflib.get_close_matches(column, unknown, n=1, cutoff=0.4)
    return f"'{column}'" + (f" (is it {close[0]!r}?)" if close else "")


def _check_quotes(read: _Text) -> None:
    """Refuse a field that opens with a quote and does not end with one: it would swallow the records after it."""
    records: Any = read.records()
    line = 0
    try:
        for _ in records:
            line = records.line_num
    except csv.Error as error:
        raise _bad_quotes(read, line + 1, error) from None


def _bad_quotes(read: _Text, line: int, error: csv.Error) -> DeliveryRefused:
    if "field limit" in str(error):
        limit = csv.field_size_limit()
        return DeliveryRefused(
            f"{read.name} has an unclosed or misplaced quote, or a field of more than {limit:,} characters, in "
            f"the record that starts at line {line}: close the quote, or shorten the field"
        )
    return DeliveryRefused(
        f"{read.name} has an unclosed or misplaced quote in the record that starts at line {line} ({error}): "
        f"close it, and write a quote inside a quoted field as {(read.files.quote or '') * 2}"
    )


def _parse(read: _Text, columns: Sequence[str]) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    """The well-formed records as text, and the others with their number (the first line's is 1) and raw text."""
    files, data = read.files, read.text.encode()
    plain = Field(files.null, trim=False, quoted_is_value=files.quoted_is_value)
    table, malformed = _parse_as(read, data, columns, plain)
    others = {column: own for column in columns if (own := _missing(files.of(column))) != plain}
    others = {column: own for column, own in others.items() if not _is_same(own, plain, table[column])}
    if others:
        raw, _ = _parse_as(read, data, list(others), Field((), trim=False, quoted_is_value=False))
        for column, own in others.items():
            values = _understood(read, data, column, raw[column], own)
            table = table.set_column(table.column_names.index(column), column, values)
    return table, malformed


def _missing(field: Field) -> Field:
    """What a field says of missing values alone."""
    return Field(field.null, field.trim, field.quoted_is_value)


def _is_same(own: Field, plain: Field, values: pa.ChunkedArray) -> bool:
    """Whether values that were read in the plain way are what the column's own way would give, as none is missing."""
    narrower = set(own.null or ()) <= set(plain.null or ()) and (own.quoted_is_value or not plain.quoted_is_value)
    return narrower and not own.trim and not values.null_count


def _understood(read: _Text, data: bytes, column: str, raw: pa.ChunkedArray, own: Field) -> pa.ChunkedArray:
    """The texts of a column as its field is declared."""
    texts = pc.utf8_trim_whitespace(raw) if own.trim else raw
    missing = pc.is_in(texts, pa.array(own.null, pa.string()))
    if own.quoted_is_value and pc.any(missing).as_py():
        # Only the parser knows what was quoted: it is asked once more, for the spellings that there are.
        spelt = tuple(raw.filter(missing).unique().to_pylist())
        unquoted, _ = _parse_as(read, data, [column], Field(spelt, trim=False, quoted_is_value=True))
        missing = pc.is_null(unquoted[column])
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts)


def _parse_as(
    read: _Text, data: bytes, columns: Sequence[str], field: Field
) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    malformed: list[arrow_csv.InvalidRow] = []
    files, quote = read.files, read.files.quote or False

    def keep(record: arrow_csv.InvalidRow) -> str:
        malformed.append(record)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            # Only a single thread numbers the records.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=list(files.columns)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=files.delimiter,
                quote_char=quote,
                newlines_in_values=bool(quote),
                invalid_row_handler=keep,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(read.columns, pa.string()),
                strings_can_be_null=True,
                null_values=list(field.null or ()),
                quoted_strings_can_be_null=not field.quoted_is_value,
            ),
        )
    except pa.ArrowInvalid as error:
        endless = next((line for line, text in enumerate(data.split(b"\n"), 1) if len(text) >= _BLOCK_BYTES), None)
        if endless is not None:
            raise DeliveryRefused(
                f"{read.name} has a record of more than {_BLOCK_BYTES:,} bytes, which begins at line {endless}: is its "
                "end missing, or is it no CSV?"
            ) from None
        raise DeliveryRefused(f"{read.name} cannot be read as CSV ({error}): deliver it again") from error
    return table, malformed


def _in_order(
    good: pa.Table, malformed: Sequence[arrow_csv.InvalidRow], warnings: tuple[str, ...], read: _Text
) -> Records:
    """All records in the order of the file; a malformed one is a row of nulls with its raw text."""
    rows = good.num_rows + len(malformed)
    problems: list[list[str]] = [[]] * rows
    delivered: list[str | None] = [None] * rows
    is_malformed = np.zeros(rows, dtype=bool)
    first = 1 if read.files.columns else 2
    for record in malformed:
        place = record.number - first
        amount = "many" if record.actual_columns > record.expected_columns else "few"
        problems[place] = [f"too {amount} fields: {record.actual_columns} of {record.expected_columns}"]
        delivered[place] = record.text
        is_malformed[place] = True
    # Taking a null index gives a row of nulls.
    records = good.take(pa.array(np.cumsum(~is_malformed) - 1, mask=is_malformed)) if malformed else good
    return Records(records, problems, delivered, warnings, len(malformed))

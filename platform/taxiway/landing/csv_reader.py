"""Reading a delivered CSV file into rows of text: either every record is accounted for, or the file is refused.

Nothing is typed here. A record with too many or too few fields stays in its place as a row of nulls with its
raw text, so that it can be quarantined like any other bad row.
"""

import csv
import difflib
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from taxiway.errors import DeliveryRefused
from taxiway.landing.csv_format import CsvFormat, Field, pc
from taxiway.landing.diagnosis import binary_kind, encoding_hint, is_page, wrong_header

# No record may be longer. Where a file has quotes, no field may be longer than csv.field_size_limit().
_BLOCK_BYTES = 1 << 24
_PLAIN = CsvFormat()


@dataclass(frozen=True)
class DeliveredFile:
    """What a file holds: its name, the SHA-256 of its bytes, its records, what was odd about the file as a whole.

    The columns of `table` are the expected ones as text (null where missing, as the file's format says), then
    `source_file`; `source_row` (1 is the first record after the header; blank lines do not count);
    `_problems` (list of text, empty where the record is well formed); `_delivered` (the raw text of a
    malformed record, else null). `malformed` counts the malformed records.
    """

    name: str
    digest: str
    table: pa.Table
    warnings: tuple[str, ...]
    malformed: int


def read_csv(name: str, data: bytes, columns: Sequence[str], form: CsvFormat = _PLAIN) -> DeliveredFile:
    """The records of a delivered file, which must have `columns`, in any order, in its header.

    Unknown columns are left out with a warning, and so is told that the last line has no end. Raises
    DeliveryRefused, naming the file and what to do, where it is not CSV in UTF-8, without rows, lacks a column, has
    one twice, or breaks the rules of quoting.
    """
    text = _decode(name, data)
    header = _read_header(name, text, columns)
    if '"' in text:
        _check_quotes(name, text)
    good, malformed = _parse(name, data, header, columns, form)
    rows = good.num_rows + len(malformed)
    if rows == 0:
        raise DeliveryRefused(f"{name} has a header but no rows: ask the publisher for the whole file")
    extra = [column for column in header if column not in columns]
    warnings = [f"{name} has unknown columns, left out: {', '.join(map(repr, extra))}"] if extra else []
    return DeliveredFile(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        table=_in_order(name, good, malformed),
        warnings=(*warnings, *_unfinished(name, text, form)),
        malformed=len(malformed),
    )


def _decode(name: str, data: bytes) -> str:
    """The text of the file; refused where it is not text in UTF-8."""
    if kind := binary_kind(data):
        raise DeliveryRefused(f"{name} {kind}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DeliveryRefused(
            f"{name} is not UTF-8 at byte {error.start}, line {line} (0x{data[error.start]:02x}): deliver it in UTF-8"
            f"{encoding_hint(data, error.start)}"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DeliveryRefused(f"{name} is empty: ask the publisher to deliver it again")
    if is_page(text):
        raise DeliveryRefused(f"{name} is an HTML or XML page, not CSV: the download failed, fetch the file again")
    return text


def _unfinished(name: str, text: str, form: CsvFormat) -> Iterator[str]:
    """A warning that the file may be cut; refused where its format says so."""
    if text[-1] in "\r\n":
        return
    line = text.count("\n") + 1
    if form.unfinished == "refuse":
        raise DeliveryRefused(f"{name} is truncated: line {line}, the last, has no end; deliver the whole file")
    yield f"{name} may be cut: line {line}, the last, has no end, and its record is taken as it is"


def _read_header(name: str, text: str, columns: Sequence[str]) -> list[str]:
    """The names in the first record; refused where one is twice there or an expected one is missing."""
    try:
        header = next(record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record)
    except csv.Error as error:
        if why := wrong_header(text, columns):
            raise DeliveryRefused(f"{name} {why}") from None
        raise _bad_quotes(name, 1, error) from None
    missing = [column for column in columns if column not in header]
    if missing and (why := wrong_header(text, columns)):
        raise DeliveryRefused(f"{name} {why}")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DeliveryRefused(f"{name} has a column twice in its header: {', '.join(map(repr, twice))}")
    if missing:
        unknown = [column for column in header if column not in columns]
        raise DeliveryRefused(
            f"{name} has no column {', '.join(_with_hint(column, unknown) for column in missing)}: "
            f"deliver the columns {', '.join(columns)}"
        )
    return header


def _with_hint(column: str, unknown: list[str]) -> str:
    close = difflib.get_close_matches(column, unknown, n=1, cutoff=0.4)
    return f"'{column}'" + (f" (is it {close[0]!r}?)" if close else "")


def _check_quotes(name: str, text: str) -> None:
    """Refuse a field that opens with a quote and does not end with one: it would swallow the records after it."""
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 0
    try:
        for _ in records:
            line = records.line_num
    except csv.Error as error:
        raise _bad_quotes(name, line + 1, error) from None


def _bad_quotes(name: str, line: int, error: csv.Error) -> DeliveryRefused:
    if "field limit" in str(error):
        limit = csv.field_size_limit()
        return DeliveryRefused(
            f"{name} has an unclosed or misplaced quote, or a field of more than {limit:,} characters, in "
            f"the record that starts at line {line}: close the quote, or shorten the field"
        )
    return DeliveryRefused(
        f"{name} has an unclosed or misplaced quote in the record that starts at line {line} ({error}): "
        'close it, and write a quote inside a quoted field as ""'
    )


def _parse(
    name: str, data: bytes, header: Sequence[str], columns: Sequence[str], form: CsvFormat
) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    """The well-formed records as text, and the others with their number (the header is number 1) and raw text."""
    plain = Field(form.null, trim=False, quoted_is_value=form.quoted_is_value)
    table, malformed = _parse_as(name, data, header, columns, plain)
    others = {column: form.of(column) for column in columns if form.of(column) != plain}
    others = {column: own for column, own in others.items() if not _is_same(own, plain, table[column])}
    if others:
        raw, _ = _parse_as(name, data, header, list(others), Field((), trim=False, quoted_is_value=False))
        for column, own in others.items():
            values = _understood(name, data, header, column, raw[column], own)
            table = table.set_column(table.column_names.index(column), column, values)
    return table, malformed


def _is_same(own: Field, plain: Field, values: pa.ChunkedArray) -> bool:
    """Whether values that were read in the plain way are what the column's own way would give, as none is missing."""
    narrower = set(own.null or ()) <= set(plain.null or ()) and (own.quoted_is_value or not plain.quoted_is_value)
    return narrower and not own.trim and not values.null_count


def _understood(
    name: str, data: bytes, header: Sequence[str], column: str, raw: pa.ChunkedArray, own: Field
) -> pa.ChunkedArray:
    """The texts of a column as its field is declared."""
    texts = pc.utf8_trim_whitespace(raw) if own.trim else raw
    missing = pc.is_in(texts, pa.array(own.null, pa.string()))
    if own.quoted_is_value and pc.any(missing).as_py():
        # Only the parser knows what was quoted: it is asked once more, for the spellings that there are.
        spelt = tuple(raw.filter(missing).unique().to_pylist())
        unquoted, _ = _parse_as(name, data, header, [column], Field(spelt, trim=False, quoted_is_value=True))
        missing = pc.is_null(unquoted[column])
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts)


def _parse_as(
    name: str, data: bytes, header: Sequence[str], columns: Sequence[str], field: Field
) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    malformed: list[arrow_csv.InvalidRow] = []

    def keep(record: arrow_csv.InvalidRow) -> str:
        malformed.append(record)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            # Only a single thread numbers the records.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=True,
                null_values=list(field.null or ()),
                quoted_strings_can_be_null=not field.quoted_is_value,
            ),
        )
    except pa.ArrowInvalid as error:
        endless = next((line for line, text in enumerate(data.split(b"\n"), 1) if len(text) >= _BLOCK_BYTES), None)
        if endless is not None:
            raise DeliveryRefused(
                f"{name} has a record of more than {_BLOCK_BYTES:,} bytes, which begins at line {endless}: is its end "
                "missing, or is it no CSV?"
            ) from None
        raise DeliveryRefused(f"{name} cannot be read as CSV ({error}): deliver it again") from error
    return table, malformed


def _in_order(name: str, good: pa.Table, malformed: Sequence[arrow_csv.InvalidRow]) -> pa.Table:
    """All records in the order of the file, with their origin and their problems."""
    rows = good.num_rows + len(malformed)
    problems: list[list[str]] = [[]] * rows
    delivered: list[str | None] = [None] * rows
    is_malformed = np.zeros(rows, dtype=bool)
    for record in malformed:
        place = record.number - 2
        amount = "many" if record.actual_columns > record.expected_columns else "few"
        problems[place] = [f"too {amount} fields: {record.actual_columns} of {record.expected_columns}"]
        delivered[place] = record.text
        is_malformed[place] = True
    # Taking a null index gives a row of nulls.
    records = good.take(pa.array(np.cumsum(~is_malformed) - 1, mask=is_malformed)) if malformed else good
    return (
        records.append_column("source_file", pa.repeat(pa.scalar(name), rows))
        .append_column("source_row", pa.array(np.arange(1, rows + 1, dtype=np.int64)))
        .append_column("_problems", pa.array(problems, pa.list_(pa.string())))
        .append_column("_delivered", pa.array(delivered, pa.string()))
    )

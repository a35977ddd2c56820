"""Reading a delivered CSV file into rows of text: either every record is accounted for, or the file is refused.

Nothing is typed here. A record with too many or too few fields stays in its place as a row of nulls with its
raw text, so that it can be quarantined like any other bad row.
"""

import csv
import difflib
import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from taxiway.errors import DeliveryRefused
from taxiway.landing.zone import check_is_file, not_delivered

# No record may be longer. Where a file has quotes, no field may be longer than csv.field_size_limit().
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class DeliveredFile:
    """What a file holds: its name, the SHA-256 of its bytes, its records, what was odd about the file as a whole.

    The columns of `table` are the expected ones as text (null where empty or the null token), then
    `source_file`; `source_row` (1 is the first record after the header; blank lines do not count);
    `_problems` (list of text, empty where the record is well formed); `_delivered` (the raw text of a
    malformed record, else null). `malformed` counts the malformed records.
    """

    name: str
    digest: str
    table: pa.Table
    warnings: tuple[str, ...]
    malformed: int


def read_csv(path: Path, columns: Sequence[str], null: str = "NA") -> DeliveredFile:
    """Read a delivered file that must have `columns`, in any order, in its header.

    Unknown columns are left out with a warning. Raises DeliveryRefused, naming the file and what to do, where it
    is missing, not CSV in UTF-8, truncated, without rows, lacks a column, has one twice, breaks the rules of
    quoting, or changed while it was read.
    """
    data = _read_unchanged(path)
    name = path.name
    text = _decode(name, data)
    header = _read_header(name, text, columns)
    if '"' in text:
        _check_quotes(name, text)
    good, malformed = _parse(name, data, header, columns, null)
    rows = good.num_rows + len(malformed)
    if rows == 0:
        raise DeliveryRefused(f"{name} has a header but no rows: ask the publisher for the whole file")
    extra = [column for column in header if column not in columns]
    return DeliveredFile(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        table=_in_order(name, good, malformed),
        warnings=(f"{name} has unknown columns, left out: {', '.join(map(repr, extra))}",) if extra else (),
        malformed=len(malformed),
    )


def _read_unchanged(path: Path) -> bytes:
    """The file's bytes, read once; refused where the file was replaced or written to meanwhile."""
    check_is_file(path)
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = path.stat()
    except FileNotFoundError:
        raise not_delivered(path) from None
    except OSError as error:
        raise DeliveryRefused(f"{path.name} cannot be read ({error}): check the file and its permissions") from error
    if _identity(before) != _identity(after) or len(data) != after.st_size:
        raise DeliveryRefused(f"{path.name} changed while it was read: read it again once its delivery is complete")
    return data


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _decode(name: str, data: bytes) -> str:
    """The text of the file; refused where it is not whole text in UTF-8."""
    if b"\0" in data:
        raise DeliveryRefused(f"{name} is binary or UTF-16, not CSV in UTF-8: deliver it unpacked, in UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DeliveryRefused(
            f"{name} is not UTF-8 at byte {error.start}, line {line} (0x{data[error.start]:02x}): deliver it in UTF-8"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DeliveryRefused(f"{name} is empty: ask the publisher to deliver it again")
    if text.lstrip().startswith("<"):
        raise DeliveryRefused(f"{name} is an HTML or XML page, not CSV: the download failed, fetch the file again")
    if text[-1] not in "\r\n":
        line = data.count(b"\n") + 1
        raise DeliveryRefused(f"{name} is truncated: line {line}, the last, has no end; deliver the whole file")
    return text


def _read_header(name: str, text: str, columns: Sequence[str]) -> list[str]:
    """The names in the first record; refused where one is twice there or an expected one is missing."""
    try:
        header = next(record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record)
    except csv.Error as error:
        raise _bad_quotes(name, 1, error) from None
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DeliveryRefused(f"{name} has a column twice in its header: {', '.join(map(repr, twice))}")
    missing = [column for column in columns if column not in header]
    if missing:
        unknown = [column for column in header if column not in columns]
        raise DeliveryRefused(
            f"{name} has no column {', '.join(_with_hint(column, unknown) for column in missing)}: "
            f"deliver the columns {', '.join(columns)}"
        )
    return header


def _with_hint(column: str, unknown: list[str]) -> str:
    close = difflib.get_close_matches(column, unknown, n=1, cutoff=0.4)
    return f"'{column}'" + (f" (is it '{close[0]}'?)" if close else "")


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
    return DeliveryRefused(
        f"{name} has an unclosed or misplaced quote in the record that starts at line {line} ({error}): "
        'close it, and write a quote inside a quoted field as ""'
    )


def _parse(
    name: str, data: bytes, header: Sequence[str], columns: Sequence[str], null: str
) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    """The well-formed records as text, and the others with their number (the header is number 1) and raw text."""
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
                null_values=["", null],
            ),
        )
    except pa.ArrowInvalid as error:
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

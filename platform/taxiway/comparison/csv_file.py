"""A file of CSV, read strictly: nothing is guessed or passed over, and each text stands for exactly one value.

The file is read whole, as texts; `Exact` says in SQL which texts are values of a type, and which value.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from taxiway.comparison.values import kind
from taxiway.engines.duckdb import identifier, literal
from taxiway.errors import UsageError

RECORD = "__record"
"""The column that numbers the records, from 1 for the first below the header."""

# No record may be longer.
_BLOCK_BYTES = 1 << 26


def read_texts(path: Path, name: str) -> pa.Table:
    """The records as texts, numbered; a field is null where it is empty and not quoted.

    The first line is the header, fields are separated by commas, quotes are doubled inside quotes. Raises UsageError
    for any line that is not of that form, and for a file that is not in UTF-8.
    """
    text = _decoded(path, name)
    header = _header(text, name)
    if '"' in text:
        _check_quotes(text, name)
    try:
        rows = arrow_csv.read_csv(
            pa.py_buffer(text.encode()),
            # Only a single thread numbers the records that it cannot read.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise UsageError(
            f"{name} is no plain CSV ({' '.join(str(error).split())}): every line below the header needs its "
            f"{len(header)} fields, separated by commas; take out lines that are no records"
        ) from error
    return rows.append_column(RECORD, pa.array(np.arange(1, rows.num_rows + 1, dtype=np.int64)))


def _decoded(path: Path, name: str) -> str:
    try:
        with pa.input_stream(str(path), compression="detect") as file:
            data = file.read()
    except OSError as error:
        raise UsageError(f"{name} cannot be read ({' '.join(str(error).split())})") from error
    if b"\0" in data:
        raise UsageError(f"{name} is binary or UTF-16, not CSV in UTF-8: write it in UTF-8")
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name} is not UTF-8 in line {line}: write it in UTF-8") from None
    if not text.strip():
        raise UsageError(f"{name} is empty")
    return text


def _header(text: str, name: str) -> list[str]:
    with _fields_of_any_length():
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise UsageError(f"{name} has a misplaced quote in its header ({error})") from None
    if not header:
        raise UsageError(f"{name} begins with an empty line: the first line must be the header")
    if len(header) == 1 and (found := re.search(r"[;\t|]", header[0])):
        raise UsageError(f"{name} is separated by {found[0]!r}: write it with commas, or as Parquet")
    if not all(header):
        raise UsageError(f"{name} has a column without a name: write it without the frame's index, index=False")
    refuse_repeated(header, name)
    return header


def refuse_repeated(columns: Iterable[str], name: str) -> None:
    """Raise UsageError where two columns have one name, as SQL tells names apart."""
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            raise UsageError(f"{name} has a column twice, {column}, capital letters aside: rename or drop one")
        seen.add(column.casefold())


def _check_quotes(text: str, name: str) -> None:
    records, line = csv.reader(io.StringIO(text, newline=""), strict=True), 0
    with _fields_of_any_length():
        try:
            for _ in records:
                line = records.line_num
        except csv.Error as error:
            raise UsageError(f"{name} has an unclosed or misplaced quote after line {line} ({error})") from None


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


_DATE = "[0-9]{4,6}-[0-9]{2}-[0-9]{2}"
_CLOCK = _DATE + r"[ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{0,6}0*)?)?"
_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_ZERO = r"[+-]?[0.]+([eE].*)?"
_NO_NUMBER = r"(?i)[+-]?(inf|infinity)|nan"
_FORMS = {
    "BOOLEAN": "true|false|True|False|TRUE|FALSE",
    "DATE": _DATE,
    "TIMESTAMP": _CLOCK,
    "TIMESTAMP WITH TIME ZONE": _CLOCK + r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)",
}
# Of so many digits a float tells every number from the next.
_DIGITS = {"DOUBLE": 15, "FLOAT": 6}


@dataclass(frozen=True)
class Exact:
    """A column of texts as values of a type of DuckDB."""

    name: str
    dtype: str

    @property
    def has_form(self) -> bool:
        """Whether there is one way in which texts stand for values of the type."""
        return self.dtype in _FORMS or kind(self.dtype) in ("whole", "float", "text")

    @property
    def value(self) -> str:
        """The value in SQL, null where the text is not exactly one of the type."""
        text = identifier(self.name)
        cast = f"TRY_CAST({text} AS {self.dtype})"
        if kind(self.dtype) == "text":
            return text
        if kind(self.dtype) == "whole":
            whole = f"TRY_CAST(regexp_replace({text}, '\\.0*$', '') AS {self.dtype})"
            return f"CASE WHEN {_has_form(text, _WHOLE)} THEN {whole} END"
        if kind(self.dtype) == "float":
            kept = f"isfinite({cast}) AND ({cast} <> 0 OR {_has_form(text, _ZERO)})"
            number = f"{_has_form(text, _NUMBER)} AND {kept}"
            return f"CASE WHEN ({number}) OR {_has_form(text, _NO_NUMBER)} THEN {cast} END"
        return f"CASE WHEN {_has_form(text, _FORMS[self.dtype])} THEN {cast} END"

    @property
    def unread(self) -> str:
        """Whether there is a text that is no value, in SQL."""
        return f"({identifier(self.name)} IS NOT NULL AND {self.value} IS NULL)"

    @property
    def long_texts(self) -> str | None:
        """A query of the texts that have more digits than every float can hold; None where there is no such limit."""
        if kind(self.dtype) != "float":
            return None
        text = identifier(self.name)
        digits = f"length(regexp_replace(regexp_replace({text}, '[eE].*', ''), '[^0-9]', '', 'g'))"
        long = f"{digits} > {_DIGITS[self.dtype]} AND {_has_form(text, _NUMBER)}"
        return f"SELECT {text}, min({RECORD}) FROM raw WHERE {long} GROUP BY 1 ORDER BY 2"

    def holds(self, text: str) -> bool:
        """Whether the float that is read from a text is the one that is written so, in as many digits."""
        number = np.float64(text) if self.dtype == "DOUBLE" else np.float32(text)
        told = Decimal(text)
        in_as_many_digits = Context(prec=max(len(told.as_tuple().digits), 1)).plus(Decimal(float(number)))
        return told in (Decimal(str(number)), in_as_many_digits)


def _has_form(text: str, form: str) -> str:
    return f"regexp_full_match({text}, {literal(form)})"

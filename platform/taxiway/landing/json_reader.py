"""Reading delivered JSON lines: each line is a record, or stays in its place as one of nulls with its raw text.

Python's parser is told to leave numbers as they are written: every other reader makes floats of decimals.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from taxiway.errors import DeliveryRefused
from taxiway.landing.diagnosis import binary_kind, is_page
from taxiway.landing.formats import JSONLines
from taxiway.landing.leaves import leaf_of
from taxiway.landing.records import Records

_SHOWN = 60
# What two of are a character: JSON can write one of them as \ud800.
_HALF = re.compile("[\ud800-\udfff]")


class _Number(str):
    """A number as it is written."""


class _Twice(ValueError):
    """A name that an object has twice."""


def read_json_lines(name: str, data: bytes, columns: Mapping[str, pa.DataType], files: JSONLines) -> Records:
    """The records of an unpacked file: the values as text, but lists, records and bytes as of their types.

    What a line does not have is null. Unknown names are left out with a warning, and so is told that the last line has
    no end. Raises DeliveryRefused where it is not text in UTF-8, or has no lines, unless it was packed: what could be
    unpacked is whole, and how many rows there are to be is for the contract to say.
    """
    lines = [] if files.packed and not data.strip() else _lines(name, data)
    values: dict[str, list[Any]] = {column: [] for column in columns}
    readers = {column: _reader(column, dtype, files) for column, dtype in columns.items()}
    problems: list[list[str]] = []
    unknown: dict[str, None] = {}
    malformed = 0
    for line in lines:
        record = _record(line)
        wrong: list[str] = []
        if isinstance(record, str):
            malformed += 1
            wrong, record = [record], {}
        elif not record.keys() <= columns.keys():
            unknown |= dict.fromkeys(record.keys() - columns.keys())
        for column, own in values.items():
            value = record.get(column)
            try:
                own.append(None if value is None else readers[column](value))
            except ValueError as error:
                own.append(None)
                wrong.append(f"{column}: {error}")
        problems.append(wrong)
    table = pa.table({c: pa.array(v, _type(columns[c])) for c, v in values.items()})
    warnings = [f"{name} has unknown names, left out: {', '.join(map(repr, sorted(unknown)))}"] if unknown else []
    absent = [column for column, own in values.items() if all(value is None for value in own)]
    if absent and lines:
        warnings.append(f"{name} has in no line a value of {', '.join(absent)}")
    return Records(table, problems, lines, (*warnings, *_unfinished(name, data, files)), malformed)


def _lines(name: str, data: bytes) -> list[str]:
    if (kind := binary_kind(data)) or not data.strip():
        raise DeliveryRefused(
            f"{name} {kind.replace('CSV', 'JSON lines') or 'is empty: ask the publisher for it again'}"
        )
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DeliveryRefused(
            f"{name} is not UTF-8 at byte {error.start}, line {line} (0x{data[error.start]:02x}): deliver it in UTF-8"
        ) from None
    if is_page(text):
        raise DeliveryRefused(f"{name} is an HTML or XML page, not JSON lines: the download failed, fetch it again")
    lines = [line for line in text.split("\n") if line.strip()]
    if not any(line.lstrip().startswith("{") for line in lines):
        raise DeliveryRefused(
            f"{name} is not JSON lines, of which each is an object: it begins with {lines[0][:_SHOWN]!r}"
        )
    return lines


def _unfinished(name: str, data: bytes, files: JSONLines) -> Iterator[str]:
    if not data.strip() or data.endswith((b"\n", b"\r")):
        return
    line = data.count(b"\n") + 1
    if files.unfinished == "refuse":
        raise DeliveryRefused(f"{name} is truncated: line {line}, the last, has no end; deliver the whole file")
    yield f"{name} may be cut: line {line}, the last, has no end, and its record is taken as it is"


def _record(line: str) -> dict[str, Any] | str:
    """The object of a line, or why it is none."""
    try:
        found = _DECODER.decode(line.strip())
    except _Twice as error:
        return f"the name {error} is there twice"
    except json.JSONDecodeError as error:
        return f"is not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return f"is not JSON: {error}"
    return found if isinstance(found, dict) else "is no JSON object"


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no value of JSON")


_DECODER = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_no_constant, object_pairs_hook=_object
)


def _type(dtype: pa.DataType) -> pa.DataType:
    return pa.string() if _is_text(dtype) else dtype


def _is_text(dtype: pa.DataType) -> bool:
    return not (pa.types.is_nested(dtype) or pa.types.is_binary(dtype))


def _reader(column: str, dtype: pa.DataType, files: JSONLines) -> Callable[[Any], Any]:
    """What reads a value of a column: as its text, or as a value of its type; it raises ValueError, saying why."""
    if not _is_text(dtype):
        return _value_reader(dtype)
    own, form = files.of(column), files.form(column)
    is_text, is_boolean = pa.types.is_string(dtype), pa.types.is_boolean(dtype)

    def read(value: Any) -> str | None:
        if is_boolean and isinstance(value, bool):
            # As a number, JSON's own true is a value, whatever words the texts of the file have for it.
            return (form.true if value else form.false)[0]
        text = _text(value, is_text=is_text)
        if isinstance(value, _Number):
            # A number of JSON has its own decimal point, whatever the texts of the file have.
            return _as_written(text, own.decimal or ".")
        text = text.strip() if own.trim else text
        return None if text in (own.null or ()) else text

    return read


def _as_written(number: str, decimal: str) -> str:
    return number if decimal == "." else number.replace(".", decimal)


def _text(value: Any, *, is_text: bool) -> str:
    """A value as text; of a text column only a text, as it is not known how another value is to be written."""
    if isinstance(value, str) and not (is_text and isinstance(value, _Number)):
        if "\0" in value or (not value.isascii() and _HALF.search(value)):
            raise ValueError("it has a NUL or half a character, which no text has")
        return str(value)
    if isinstance(value, bool) and not is_text:
        return "true" if value else "false"
    raise ValueError(f"{_told(value)} is no text" if is_text else f"{_told(value)} is no single value")


def _told(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a list" if isinstance(value, list) else "a record"


def _value_reader(dtype: pa.DataType) -> Callable[[Any], Any]:
    """What reads a list, a record, bytes, or a value within them."""
    if pa.types.is_list(dtype):
        item = _value_reader(dtype.value_type)

        def read_list(value: Any) -> Any:
            if not isinstance(value, list):
                raise ValueError(f"{_told(value)} is no list")
            return [None if each is None else item(each) for each in value]

        return read_list
    if pa.types.is_struct(dtype):
        members = {field.name: _value_reader(field.type) for field in dtype}

        def read_record(value: Any) -> Any:
            if not isinstance(value, dict):
                raise ValueError(f"{_told(value)} is no record")
            if unknown := value.keys() - members.keys():
                raise ValueError(f"it has {', '.join(sorted(unknown))}, which its type has not")
            return {name: None if value.get(name) is None else read(value[name]) for name, read in members.items()}

        return read_record
    if pa.types.is_binary(dtype):
        return _bytes
    leaf, is_text = leaf_of(dtype), pa.types.is_string(dtype)
    return lambda value: leaf(_text(value, is_text=is_text))


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise ValueError(f"{_told(value)} is no text in base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError(f"{_told(value)} is not base64") from None

"""Reading a delivered Parquet file: its columns in the types that are expected, where no value is another by that."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.errors import DeliveryRefused
from taxiway.landing.csv_reader import with_hint
from taxiway.landing.records import Records

_SHOWN = 60


def read_parquet(name: str, data: bytes, columns: Mapping[str, pa.DataType]) -> Records:
    """The records of a file; a value that its column's type cannot hold is null, and its record says so.

    Unknown columns are left out with a warning. Raises DeliveryRefused where it is no whole Parquet file, has no rows,
    lacks a column, has one twice, or has one of another kind of type.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = file.schema_arrow.names
        _see_that_all_are_there(name, names, columns)
        table = file.read([column for column in columns if column in names])
    except (pa.ArrowException, OSError) as error:
        raise DeliveryRefused(f"{name} is no whole Parquet file ({error}): deliver it again") from error
    if not table.num_rows:
        raise DeliveryRefused(f"{name} has no rows: ask the publisher for the whole file")
    problems: list[list[str]] = [[] for _ in range(table.num_rows)]
    found = {}
    for column, dtype in columns.items():
        own = table[column]
        if not _holds(own.type, dtype):
            raise DeliveryRefused(f"{name} has {own.type} in its column {column}: deliver {_wanted(dtype)}")
        found[column] = _cast(column, own, dtype, problems)
    extra = [column for column in names if column not in columns]
    warnings = (f"{name} has unknown columns, left out: {', '.join(map(repr, extra))}",) if extra else ()
    return Records(pa.table(found), problems, warnings=warnings)


def _see_that_all_are_there(name: str, names: list[str], columns: Mapping[str, pa.DataType]) -> None:
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DeliveryRefused(f"{name} has a column twice: {', '.join(map(repr, twice))}")
    missing = [column for column in columns if column not in names]
    if missing:
        unknown = [column for column in names if column not in columns]
        raise DeliveryRefused(
            f"{name} has no column {', '.join(with_hint(column, unknown) for column in missing)}: "
            f"deliver the columns {', '.join(columns)}"
        )


def _wanted(dtype: pa.DataType) -> str:
    return "instants with their zone (isAdjustedToUTC)" if pa.types.is_timestamp(dtype) else f"{dtype}"


def _holds(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of a type can be told as such of the other without a choice of how."""
    if pa.types.is_dictionary(found):
        return _holds(found.value_type, wanted)
    if pa.types.is_null(found) or found == wanted:
        return True
    if pa.types.is_list(wanted):
        return (pa.types.is_list(found) or pa.types.is_large_list(found)) and _holds(
            found.value_type, wanted.value_type
        )
    if pa.types.is_struct(wanted):
        return pa.types.is_struct(found) and _holds_members(found, wanted)
    if pa.types.is_timestamp(wanted):
        return pa.types.is_timestamp(found) and found.tz is not None
    return any(is_type(wanted) and any(is_found(found) for is_found in others) for is_type, *others in _ALIKE)


def _holds_members(found: pa.DataType, wanted: pa.DataType) -> bool:
    same = {field.name for field in found} == {field.name for field in wanted}
    return same and all(_holds(found.field(field.name).type, field.type) for field in wanted)


# A type, and of which other types a column may be that holds its values.
_ALIKE = (
    (pa.types.is_integer, pa.types.is_integer),
    (pa.types.is_decimal, pa.types.is_decimal, pa.types.is_integer),
    (pa.types.is_floating, pa.types.is_floating, pa.types.is_integer),
    (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary),
    (pa.types.is_date, pa.types.is_date),
    (pa.types.is_time, pa.types.is_time),
)


def _cast(column: str, values: pa.ChunkedArray, dtype: pa.DataType, problems: list[list[str]]) -> pa.ChunkedArray:
    """The values in their type, with a problem for each that it cannot hold."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        return values.cast(_wide(values.type, dtype)).cast(dtype)
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array(_one_by_one(column, values, dtype, problems), dtype)])


def _wide(found: pa.DataType, wanted: pa.DataType) -> pa.DataType:
    """A type between the two: Arrow makes a decimal of a whole number only where the widest one would fit."""
    if pa.types.is_decimal(wanted) and pa.types.is_integer(found):
        return pa.decimal256(76, wanted.scale)
    if pa.types.is_list(wanted) and not pa.types.is_null(found):
        return pa.list_(_wide(found.value_type, wanted.value_type))
    if pa.types.is_struct(wanted) and not pa.types.is_null(found):
        return pa.struct([(field.name, _wide(found.field(field.name).type, field.type)) for field in wanted])
    return found


def _one_by_one(column: str, values: pa.ChunkedArray, dtype: pa.DataType, problems: list[list[str]]) -> Iterator[Any]:
    for place, value in enumerate(values):
        try:
            yield value.cast(_wide(values.type, dtype)).cast(dtype).as_py()
        except pa.ArrowInvalid:
            problems[place].append(f"{column}: {str(value.as_py())[:_SHOWN]} is no {dtype}")
            yield None

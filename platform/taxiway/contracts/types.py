"""The types that a contract's columns may have: pandas annotations with exactly one Arrow type each.

A type that has parameters is written as Arrow has it: `Amount = Annotated[Arrow, pa.decimal128(12, 2)]`.
"""

from typing import Annotated, Any

import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa

Arrow = pd.ArrowDtype
Bool = Annotated[Arrow, pa.bool_()]
Int16 = Annotated[Arrow, pa.int16()]
Int32 = Annotated[Arrow, pa.int32()]
Int64 = Annotated[Arrow, pa.int64()]
Float64 = Annotated[Arrow, pa.float64()]
Text = Annotated[Arrow, pa.string()]
Binary = Annotated[Arrow, pa.binary()]
Date = Annotated[Arrow, pa.date32()]
Instant = Annotated[Arrow, pa.timestamp("us", "UTC")]
TextList = Annotated[Arrow, pa.list_(pa.string())]
FloatList = Annotated[Arrow, pa.list_(pa.float64())]

_IBIS: dict[pa.DataType, Any] = {
    pa.bool_(): dt.boolean,
    pa.int16(): dt.int16,
    pa.int32(): dt.int32,
    pa.int64(): dt.int64,
    pa.float64(): dt.float64,
    pa.string(): dt.string,
    pa.binary(): dt.binary,
    pa.date32(): dt.date,
    pa.timestamp("us", "UTC"): dt.Timestamp(timezone="UTC", scale=6),
}

# What Delta or an engine does not keep as it is, and what to write instead.
_INSTEAD = (
    (pa.types.is_time, "Delta has no times of day: Int64, such as the minutes since midnight, or Text as '10:05:00'"),
    (
        lambda t: pa.types.is_timestamp(t) and t.tz is None,
        "Instant, and its zone as Text: a clock alone tells no instant",
    ),
    (pa.types.is_timestamp, "instants are kept in UTC and microseconds: Instant"),
    (pa.types.is_duration, "Delta has no durations: Int64, such as seconds"),
    (pa.types.is_float16, "Float64, which holds the same values"),
    (pa.types.is_float32, "Float64, which holds the same values"),
    (pa.types.is_unsigned_integer, "Delta has no unsigned numbers: the next wider of Int16, Int32, Int64"),
    (pa.types.is_integer, "Int16"),
    (pa.types.is_decimal, "engines keep up to 38 digits, none of them left of the first: pa.decimal128(38, 0 to 38)"),
    (pa.types.is_large_string, "Text"),
    (pa.types.is_string_view, "Text"),
    (pa.types.is_large_binary, "Binary"),
    (pa.types.is_fixed_size_binary, "Binary, and a rule about its length"),
    (pa.types.is_large_list, "pa.list_(...)"),
    (pa.types.is_fixed_size_list, "pa.list_(...), and a rule about its length"),
    (pa.types.is_map, "a list of structs: pa.list_(pa.struct([('key', ...), ('value', ...)]))"),
    (pa.types.is_dictionary, "the type of its values"),
    (pa.types.is_date64, "Date"),
)


def ibis_type(arrow: pa.DataType) -> Any:
    """The Ibis type that holds the same values; None for a type that no column of a contract has."""
    if pa.types.is_list(arrow):
        item = ibis_type(arrow.value_type)
        return None if item is None else dt.Array(value_type=item)
    if pa.types.is_struct(arrow):
        members = {field.name: ibis_type(field.type) for field in arrow}
        return None if not members or None in members.values() else dt.Struct.from_tuples(members.items())
    if pa.types.is_decimal128(arrow):
        return dt.Decimal(arrow.precision, arrow.scale) if 0 <= arrow.scale <= arrow.precision else None
    return _IBIS.get(arrow)


def instead_of(arrow: pa.DataType) -> str:
    """Why no column of a contract has the type, and what to write instead; empty where one has it."""
    if ibis_type(arrow) is not None:
        return ""
    if pa.types.is_list(arrow):
        return instead_of(arrow.value_type)
    if pa.types.is_struct(arrow):
        return next(filter(None, (instead_of(field.type) for field in arrow)), "a struct with members")
    return next((why for is_type, why in _INSTEAD if is_type(arrow)), "a type of taxiway.contracts, such as Int64")

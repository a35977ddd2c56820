# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Values of one type as values of another, only where each stays the same value: nothing is rounded, cut or assumed."""

from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Values: TypeAlias = pa.Array | pa.ChunkedArray

_WHOLE_IN_FLOAT = 2.0**53


class NotExact(ValueError):
    """Some value is not the same in the other type; says why, and what to do."""


def exactly(values: Values, wanted: pa.DataType) -> Values:
    """The values in the wanted type; raises NotExact where one would be another value there, or is of another kind.

    Whole numbers, floats and decimals pass into each other where the value is the same, but for floats from 2**53 on,
    which may have been rounded before, and between decimals and floats. Booleans, texts and numbers do not mix. A
    clock without a zone is no instant, an instant is no date; a clock at midnight is a date.
    """
    if values.type == wanted:
        return values
    if values.null_count == len(values):
        return pa.nulls(len(values), wanted)
    if pa.types.is_dictionary(values.type):
        return exactly(values.cast(values.type.value_type), wanted)
    kinds = (_kind(values.type), _kind(wanted))
    convert = _CONVERSIONS.get(kinds, _cast if kinds[0] == kinds[1] else None)
    if convert is None:
        raise NotExact(_WAYS_OUT.get(kinds, f"its values are {values.type}"))
    return convert(values, wanted)


_WAYS_OUT = {
    ("clock", "instant"): (
        "times without a zone are no instants: say which zone's clock they show, e.g. .dt.tz_localize('UTC')"
    ),
    ("instant", "clock"): ("instants are no clock: say in which zone, e.g. .dt.tz_convert('UTC').dt.tz_localize(None)"),
    ("instant", "date"): "instants are no dates: say in which zone, e.g. .dt.tz_convert('UTC').dt.date",
}

_KINDS = (
    ("list", lambda t: pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t)),
    ("struct", pa.types.is_struct),
    ("truth", pa.types.is_boolean),
    ("whole", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("decimal", pa.types.is_decimal),
    ("text", lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t)),
    ("bytes", lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_binary_view(t)),
    ("date", pa.types.is_date),
    ("time", pa.types.is_time),
    ("duration", pa.types.is_duration),
    ("instant", lambda t: pa.types.is_timestamp(t) and t.tz is not None),
    ("clock", pa.types.is_timestamp),
)


def _kind(arrow: pa.DataType) -> str:
    """What kind of values a type has; one that mixes with no other where it is none of these."""
    return next((name for name, is_kind in _KINDS if is_kind(arrow)), str(arrow))


def _list(values: Values, wanted: pa.DataType) -> Values:
    exactly(pc.list_flatten(values), wanted.value_type)
    return _cast(values, wanted)


def _struct(values: Values, wanted: pa.DataType) -> Values:
    if _names(values.type) != _names(wanted):
        raise NotExact(f"its values are {values.type}")
    for place, field in enumerate(wanted):
        exactly(pc.struct_field(values, [place]), field.type)
    return _cast(values, wanted)


def _names(struct: pa.DataType) -> list[str]:
    return [field.name for field in struct]


def _cast(values: Values, wanted: pa.DataType) -> Values:
    try:
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise NotExact(str(error)) from error


def _whole(values: Values, wanted: pa.DataType) -> Values:
    large = pc.any(pc.greater_equal(pc.abs(values), pa.scalar(_WHOLE_IN_FLOAT, values.type))).as_py()
    if large:
        raise NotExact(
            "floats from 2**53 on may have lost their last digits: keep the column of whole numbers, e.g. as Int64"
        )
    return _cast(values, wanted)


def _float(values: Values, wanted: pa.DataType) -> Values:
    made = values.cast(wanted, safe=False)
    back = _cast(made, values.type) if _kind(values.type) == "whole" else made.cast(values.type, safe=False)
    same = pc.equal(back, values)
    if _kind(values.type) == "float":
        same = pc.or_(same, pc.is_nan(values))
    if pc.all(same).as_py() is False:
        other = values.filter(pc.invert(same))[0].as_py()
        raise NotExact(f"{other} is not exactly a {wanted}")
    return made


def _date(values: Values, wanted: pa.DataType) -> Values:
    made = values.cast(wanted, safe=False)
    timed = values.filter(pc.not_equal(made.cast(values.type), values))
    if len(timed):
        raise NotExact(f"{timed[0].as_py()} is a time on a date: cut it where that is meant, e.g. .dt.normalize()")
    return made


_CONVERSIONS = {
    ("list", "list"): _list,
    ("struct", "struct"): _struct,
    ("float", "whole"): _whole,
    ("whole", "float"): _float,
    ("float", "float"): _float,
    ("clock", "date"): _date,
    # Here, as within one kind, Arrow's own cast refuses every value that does not fit.
    ("whole", "decimal"): _cast,
    ("decimal", "whole"): _cast,
    ("date", "clock"): _cast,
}

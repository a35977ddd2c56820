"""Constants and changes of type."""

import re
from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import (
    Keys,
    bound,
    certified,
    constant,
    is_decimal,
    is_money,
    is_text_of,
    is_timestamp,
    is_whole,
    is_written,
)
from taxiway.transforms.library.typing import is_deliverable

_DAY = r"(?!0000)\d{4}-\d{2}-\d{2}"
_TIME = _DAY + r"([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?"
_ZONED = _TIME + r"([+-]00:00|Z)?"
_DECIMAL = r"-?\d+(\.\d+)?"
_FLOAT = r"-?(\d+(\.\d*)?([eE][+-]?\d+)?|inf|nan)"


def _is_constant(node: Any, _: Keys) -> bool:
    dtype, value = node.dtype, node.value
    if value is None or dtype.is_null():
        return True
    if dtype.is_string():
        return "\0" not in value
    if dtype.is_array():
        return is_written(dtype.value_type)
    # The digits of a decimal are another one, or a float, to an engine: it is the cast of a text.
    return is_written(dtype) or dtype.is_float64() or dtype.is_interval()


def _to_number(node: Any, _: Keys) -> bool:
    source, to = node.arg.dtype, node.to
    if to.is_signed_integer():
        return is_whole(node.arg) or source.is_boolean()
    return (to.is_float64() or is_money(to)) and is_whole(node.arg)


def _keeps_its_scale(node: Any, _: Keys) -> bool:
    source = node.arg.dtype
    return is_decimal(source) and is_money(node.to) and source.scale == node.to.scale


def _to_text(node: Any, _: Keys) -> bool:
    return node.to.is_string() and (
        is_whole(node.arg) or node.arg.dtype.is_boolean() or node.arg.dtype.is_date() or node.arg.dtype.is_json()
    )


def _of_constant_text(node: Any, _: Keys) -> bool:
    text = constant(node.arg)
    if not isinstance(text, str):
        return False
    if node.to.is_timestamp():
        return re.fullmatch(_ZONED if node.to.timezone else _TIME, text) is not None
    if node.to.is_decimal():
        return re.fullmatch(_DECIMAL, text) is not None
    wanted = _DAY if node.to.is_date() else _FLOAT if node.to.is_float64() else "(?!)"
    return re.fullmatch(wanted, text) is not None


def _to_moment(node: Any, _: Keys) -> bool:
    dates = (node.arg.dtype.is_date(), node.to.is_date())
    return (dates[0] or is_timestamp(node.arg.dtype)) and (dates[1] or is_timestamp(node.to))


def _is_typed(node: Any, _: Keys) -> bool:
    return is_text_of(node.arg) and is_deliverable(node.to)


def _is_place(node: Any, _: Keys) -> bool:
    return node.to.is_interval() and isinstance(constant(node.arg), int)


def _of_text(node: Any, _: Keys) -> bool:
    return is_text_of(node.arg)


def _narrows(node: Any, _: Keys) -> bool:
    return is_whole(node.arg) and node.to.is_signed_integer()


TYPED = "typed(x, dtype) of taxiway.transforms.library.typing, which takes one form and gives null for any other"

TYPES = (
    certified(
        "constant",
        "1, 0.1, 'a', date(2013, 1, 1), ibis.null('int64'), ibis.interval(hours=2)",
        ops.Literal,
        when=_is_constant,
    ),
    certified("as a number", "x.cast('int64'), x.cast('float64'), x.cast('decimal(20, 2)')", ops.Cast, when=_to_number),
    certified(
        "decimal of another length",
        "x.sum().cast('decimal(18, 2)') of decimals with as many digits after the point",
        ops.Cast,
        when=_keeps_its_scale,
    ),
    certified(
        "0 as an interval", "ibis.range_window(preceding=ibis.interval(days=7), following=0)", ops.Cast, when=_is_place
    ),
    bound(
        "float as a whole number",
        "x.cast('int64')",
        ops.Cast,
        ops.TryCast,
        when=lambda node, _: node.arg.dtype.is_floating() and node.to.is_integer(),
        differs="DuckDB rounds, Spark cuts off",
        instead="keep whole numbers of a smaller unit from the start",
    ),
    certified("as text", "x.cast('string')", ops.Cast, when=_to_text),
    bound(
        "float as text",
        "x.cast('string')",
        ops.Cast,
        when=lambda node, _: node.arg.dtype.is_floating() and node.to.is_string(),
        differs="engines write digits and exponents differently",
        instead="keep the number, and write it where it is shown",
    ),
    bound(
        "time as text",
        "x.cast('string')",
        ops.Cast,
        when=lambda node, _: node.arg.dtype.is_timestamp() and node.to.is_string(),
        differs="DuckDB writes an instant's offset, Spark does not",
        instead="x.date().cast('string'), and x.hour() and x.minute() beside it",
    ),
    certified(
        "constant text as a value", "ibis.literal('2013-01-01').cast('timestamp')", ops.Cast, when=_of_constant_text
    ),
    certified("between dates, clocks and instants", "x.cast('date'), x.cast('timestamp')", ops.Cast, when=_to_moment),
    bound(
        "time as a number",
        "x.cast('int64')",
        ops.Cast,
        when=lambda node, _: node.arg.dtype.is_timestamp() and node.to.is_numeric(),
        differs="DuckDB has no such cast, Spark gives seconds",
        instead="microseconds(x) of taxiway.transforms.library.clock",
    ),
    certified(
        "text as a value of one form",
        "x.try_cast('int64'), x.try_cast('date'), x.try_cast('decimal(18, 2)'); null for any other form",
        ops.TryCast,
        when=_is_typed,
    ),
    bound(
        "text as a value",
        "x.cast('int32'), x.try_cast('boolean')",
        ops.Cast,
        ops.TryCast,
        when=_of_text,
        differs="engines take '1.5' and '1e3' for whole numbers or not, 'inf' for a date, ' 1' for true",
        instead=TYPED,
    ),
    certified("whole number, where it fits", "x.try_cast('int16')", ops.TryCast, when=_narrows),
)

# Ibis' operations take values of Python for constants, and do not say to a checker what has a default.
# pyright: reportArgumentType=false, reportCallIssue=false
"""Everyday words as what they are made of: where engines compute a word in ways that differ, it is said in operators
that are exact on each of them. A mean of whole numbers becomes their exact sum, divided once.

What is in here is the same for every engine, but for what one of them can only say in words of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from taxiway.errors import DefinitionError
from taxiway.transforms.catalogue.patterns import portable
from taxiway.transforms.library.clock import microseconds
from taxiway.transforms.library.typing import delivered_text, is_deliverable, typed
from taxiway.transforms.times import MICROSECONDS, STRFTIME, format_pieces, unit_of, width_of

_BLANKS = "[ \\t\\n\\r\\f\\x0B]+"


@ibis.udf.scalar.builtin(signature=((dt.float64,), dt.int64))
def whole_below(number: Any) -> Any:
    """The greatest whole number that is not above; an error beyond 64 bits. Every session defines these functions."""


@ibis.udf.scalar.builtin(signature=((dt.float64,), dt.int64))
def whole_nearest(number: Any) -> Any:
    """The nearest whole number, of two the one farther from 0; an error beyond 64 bits."""


@ibis.udf.scalar.builtin(signature=((dt.Array(dt.float64), dt.float64), dt.float64))
def interpolated(values: Any, share: Any) -> Any:
    """The value at that share of the way through the sorted values, between two in proportion; null of none."""


@ibis.udf.scalar.builtin(signature=((dt.int64, dt.int64, dt.int64), dt.Array(dt.int64)))
def sequence(start: Any, stop: Any, step: Any) -> Any:
    """Spark's own list of numbers, to `stop`."""


def lowered(operation: Any, dialect: str) -> Any:
    """The operation in operators that are the same on every engine, to be written for a dialect."""

    def replacer(node: Any, changed: Mapping[str, Any] | None) -> Any:
        if isinstance(node, ops.IfElse) and delivered_text(node) is not None:
            # Its text as a value is what `typed` makes of it already.
            return (changed or {}).get("true_expr", node)
        if isinstance(node, ops.WindowFunction):
            return _window(node, dict(changed or {}), dialect)
        again = node.__recreate__(changed) if changed else node
        rule = _ONLY.get(dialect, {}).get(type(again)) or _RULES.get(type(again))
        return rule(again) if rule is not None else again

    chosen: Any = replacer
    return operation.replace(chosen)


def _window(node: ops.WindowFunction, changed: dict[str, Any], dialect: str) -> Any:
    """A window over what an aggregate is made of is that, of windows."""
    function = changed.pop("func", node.func)
    frame = {name: changed.get(name, getattr(node, name)) for name in node.__argnames__ if name != "func"}
    if dialect == "duckdb" and isinstance(function, ops.First | ops.Last) and not function.include_null:
        # Ibis forgets for DuckDB that missing values are left out. The last one is the first from the other end.
        if isinstance(function, ops.Last):
            frame |= _backwards(frame)
        function = _aggregate("any_value", function.arg, function.dtype, schema="main")
    if dialect == "pyspark" and isinstance(function, ops.First | ops.Last) and function.include_null:
        raise DefinitionError(
            "Ibis has Spark leave out missing values of first() and last(): write x.lag() or x.lead()"
        )
    if dialect == "pyspark" and isinstance(function, ops.CountDistinct):
        # Spark counts different values over no window, but collects them.
        chosen = function.arg if function.where is None else ops.IfElse(function.where, function.arg, ibis.null())
        function = ops.ArrayLength(_aggregate("collect_set", chosen, dt.Array(function.arg.dtype)))

    def replacer(part: Any, again: Mapping[str, Any] | None) -> Any:
        part = part.__recreate__(again) if again else part
        return ops.WindowFunction(part, **frame) if isinstance(part, ops.Reduction | ops.Analytic) else part

    chosen: Any = replacer
    return function.replace(chosen, filter=ops.Value)


def _backwards(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The order and the bounds of a window, from the other end."""
    order = tuple(key.copy(ascending=not key.ascending, nulls_first=not key.nulls_first) for key in frame["order_by"])
    start, end = (bound and bound.copy(preceding=not bound.preceding) for bound in (frame["end"], frame["start"]))
    return {"order_by": order, "start": start, "end": end}


def _aggregate(name: str, value: Any, dtype: Any, schema: str | None = None) -> Any:
    """An aggregate of the engine's own; with its schema, where Ibis would write that name in words of its own."""

    def function(value: Any) -> Any: ...

    made: Any = ibis.udf.agg.builtin(name=name, database=schema, signature=((value.dtype,), dtype))
    return made(function)(value).op()


def _mean(node: ops.Mean) -> Any:
    if not (node.arg.dtype.is_signed_integer() or node.arg.dtype.is_boolean()):
        return node
    return ops.Divide(ops.Sum(node.arg, node.where), ops.Count(node.arg, node.where))


def _median(node: ops.Median) -> Any:
    return _quantile(ops.Quantile(node.arg, 0.5, node.where))


def _quantile(node: Any) -> Any:
    if not (node.arg.dtype.is_signed_integer() or node.arg.dtype.is_float64()):
        return node
    number = _without_sign_of_zero(node.arg) if node.arg.dtype.is_floating() else ops.Cast(node.arg, dt.float64)
    values = ops.ArrayCollect(number, where=node.where)
    return interpolated(values, ops.Cast(node.quantile, dt.float64)).op()


def _one_zero(node: Any) -> Any:
    return node.copy(arg=_without_sign_of_zero(node.arg)) if node.arg.dtype.is_float64() else node


def _without_sign_of_zero(number: Any) -> Any:
    return ops.Add(number, ops.Literal(0.0, dt.float64))


def _at_extreme(node: Any) -> Any:
    # Of rows that tie, the one with the greatest value, or the least; so that it is one.
    if node.arg.dtype.is_nested() or node.key.dtype.is_nested():
        return node
    value, key = (_without_sign_of_zero(each) if each.dtype.is_float64() else each for each in (node.arg, node.key))
    is_there: Any = ops.And(ops.NotNull(node.arg), ops.NotNull(node.key))
    where = is_there if node.where is None else ops.And(node.where, is_there)
    return type(node)(value, ops.StructColumn(names=("key", "value"), values=(key, value)), where=where)


def _floor(node: Any) -> Any:
    return whole_below(node.arg).op() if node.arg.dtype.is_float64() else node


def _ceil(node: Any) -> Any:
    return ops.Negate(whole_below(ops.Negate(node.arg))) if node.arg.dtype.is_float64() else node


def _round(node: Any) -> Any:
    return whole_nearest(node.arg).op() if node.arg.dtype.is_float64() and node.dtype.is_integer() else node


def _power(node: Any) -> Any:
    exponent = getattr(node.right, "value", None)
    is_number = node.left.dtype.is_signed_integer() or node.left.dtype.is_float64()
    if exponent not in (2, 3) or not is_number:
        return node
    number = node.left if node.left.dtype.is_float64() else ops.Cast(node.left, dt.float64)
    square = ops.Multiply(number, number)
    return square if exponent == 2 else ops.Multiply(square, number)


def _try_cast(node: Any) -> Any:
    if not node.arg.dtype.is_string() or not is_deliverable(node.to):
        return node
    return typed(node.arg.to_expr(), node.to).op()


def _cast(node: Any) -> Any:
    # Beside another bound of a window a 0 is an interval too.
    if node.to.is_interval() and isinstance(node.arg, ops.Literal):
        return ops.Literal(node.arg.value, node.to)
    return node


def _epoch_seconds(node: Any) -> Any:
    return ops.Cast(microseconds(node.arg.to_expr()) // MICROSECONDS["s"], node.dtype)


def _units_between(node: Any) -> Any:
    width = MICROSECONDS.get(unit_of(node))
    if width is None:
        return node
    later, earlier = (microseconds(side.to_expr()) // width for side in (node.left, node.right))
    return (later - earlier).op()


def _bucket(node: Any) -> Any:
    width = width_of(node)
    if width is None:
        return node
    instant = node.arg.to_expr()
    beyond = microseconds(instant) % width
    # An interval of 64 bits overflows on one engine and wraps on the other.
    seconds, rest = (ops.Cast(part, dt.int32).to_expr() for part in (beyond // 1_000_000, beyond % 1_000_000))
    begun: Any = instant - seconds.as_interval("s") - rest.as_interval("us")
    return ops.Cast(begun, node.dtype)


def _strftime(node: Any) -> Any:
    pieces = format_pieces(node)
    if pieces is None:
        return node
    moment = node.arg.to_expr()
    texts: list[Any] = []
    for text, letter in pieces:
        texts += [ibis.literal(text)] if text else []
        if letter:
            part, digits = STRFTIME[letter]
            texts.append(getattr(moment, part)().cast("int64").cast("string").lpad(digits, "0"))
    found = texts[0] if texts else ibis.literal("")
    for text in texts[1:]:
        found = found + text
    # A constant is not missing where the time is.
    return (found if any(letter for _, letter in pieces) else ibis.ifelse(moment.notnull(), found, None)).op()


def _interval_times(node: Any) -> Any:
    count = ops.Multiply(ops.Cast(node.right, dt.int64), ops.Literal(node.left.value, dt.int64))
    return ops.IntervalFromInteger(ops.Cast(count, dt.int32), node.left.dtype.unit)


def _numbers(node: Any) -> Any:
    # Engines give numbers of 64 bits.
    return ops.Cast(node, node.dtype)


def _sequence(node: Any) -> Any:
    # Ibis cannot write it for Spark.
    start, stop, step = (ops.Cast(part, dt.int64).to_expr() for part in node.args)
    is_there = start.notnull() & stop.notnull()
    is_empty = ((step == 0) & is_there) | ((step > 0) & (start >= stop)) | ((step < 0) & (start <= stop))
    last = stop - ibis.ifelse(step > 0, 1, -1)
    found: Any = ibis.ifelse(is_empty, ibis.literal([], type="array<int64>"), sequence(start, last, step))
    return ops.Cast(found, node.dtype)


def _constants(node: ops.InMemoryTable) -> Any:
    """Rows that are written into the query: a list of records, of which each item is a row."""
    rows = node.data.to_pyarrow(node.schema).to_pylist()
    records = [
        ops.StructColumn(
            names=tuple(node.schema), values=tuple(_constant(row[name], dtype) for name, dtype in node.schema.items())
        )
        for row in rows
    ]
    table = ops.DummyTable({"row": ops.Unnest(ops.Array(tuple(records)))})
    row = ops.Field(table, "row")
    return ops.Project(table, {name: ops.StructField(row, name) for name in node.schema})


def _constant(value: Any, dtype: Any) -> Any:
    # The type of a bare constant is what each engine takes it for.
    made = ops.Literal(None, dtype) if value is None else ibis.literal(value, type=dtype).op()
    return made if dtype.is_floating() else ops.Cast(made, dtype)


def _pattern(node: Any) -> Any:
    pattern = portable(getattr(node.pattern, "value", None))
    return node if pattern is None else node.copy(pattern=ops.Literal(pattern, dt.string))


def _stripped(*patterns: str) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        text = node.arg
        for pattern in patterns:
            text = ops.RegexReplace(text, pattern, "")
        return text

    return rule


def _split(node: Any) -> Any:
    # Spark reads the separator as a pattern.
    escaped = "".join(sign if sign.isalnum() else f"\\{sign}" for sign in node.delimiter.value)
    return node.copy(delimiter=ops.Literal(escaped, dt.string))


def _item(node: Any) -> Any:
    @ibis.udf.scalar.builtin(name="get", signature=((node.arg.dtype, dt.int64), node.dtype))
    def get(values: Any, place: Any) -> Any:
        """Spark's own item of a list, null beyond its end."""

    return get(node.arg, ops.Cast(node.index, dt.int64)).op()


Rule = Callable[[Any], Any]

_RULES: Mapping[type, Rule] = {
    ops.Mean: _mean,
    ops.Median: _median,
    ops.Quantile: _quantile,
    # DuckDB forgets the sign of a zero in a column that it sorts by.
    **dict.fromkeys((ops.Min, ops.Max, ops.First, ops.Last, ops.Lag, ops.Lead), _one_zero),
    ops.ArgMin: _at_extreme,
    ops.ArgMax: _at_extreme,
    ops.Floor: _floor,
    ops.Ceil: _ceil,
    ops.Round: _round,
    ops.Power: _power,
    ops.TryCast: _try_cast,
    ops.Cast: _cast,
    ops.ExtractEpochSeconds: _epoch_seconds,
    ops.TimestampDelta: _units_between,
    ops.TimestampBucket: _bucket,
    ops.Strftime: _strftime,
    ops.IntervalMultiply: _interval_times,
    ops.IntegerRange: _numbers,
    ops.InMemoryTable: _constants,
    ops.RegexSearch: _pattern,
    ops.RegexExtract: _pattern,
    ops.RegexReplace: _pattern,
    ops.Strip: _stripped("^" + _BLANKS, _BLANKS + r"\z"),
    ops.LStrip: _stripped("^" + _BLANKS),
    ops.RStrip: _stripped(_BLANKS + r"\z"),
}

_ONLY: Mapping[str, Mapping[type, Rule]] = {
    "pyspark": {ops.StringSplit: _split, ops.ArrayIndex: _item, ops.IntegerRange: _sequence},
}

"""One meaning for every engine: where Ibis says one expression to two engines in ways that differ, it is said anew.

What is in here changes how an expression is written for an engine, never what Ibis says that it means; what
cannot be said alike is refused by the certificate.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from taxiway.transforms.lowered import lowered
from taxiway.transforms.sliding import growing
from taxiway.transforms.whole import divide, floor_divide, modulo

Rewrite = Callable[[Any], Any]


def agreed(operation: Any, dialect: str) -> Any:
    """The operation as it has to be written for a dialect, `duckdb` or `pyspark`."""
    operation = lowered(operation, dialect)
    rules = {**_EVERYWHERE, **_ONLY[dialect]}

    def replacer(node: Any, changed: Mapping[str, Any] | None) -> Any:
        if isinstance(node, ops.WindowFunction):
            window = _window(node, dict(changed or {}))
            return growing(window) if dialect == "pyspark" and isinstance(window, ops.WindowFunction) else window
        again = node.__recreate__(changed) if changed else node
        if type(again) in _DIVISIONS:
            return _DIVISIONS[type(again)](again, dialect)
        rule = rules.get(type(again))
        return rule(again) if rule is not None else again

    chosen: Any = replacer
    return operation.replace(chosen)


def _window(node: ops.WindowFunction, changed: dict[str, Any]) -> Any:
    """A window of an aggregate that has to be cast is the window, cast."""
    cast = changed.get("func")
    if isinstance(cast, ops.Cast):
        changed["func"] = cast.arg
    again: Any = node.__recreate__(changed) if changed else node
    if again.how == "range" and any(map(_is_away, (again.start, again.end))):
        again = again.copy(order_by=tuple(map(_wide_key, again.order_by)))
    return ops.Cast(again, cast.to) if isinstance(cast, ops.Cast) else again


def _is_away(bound: Any) -> bool:
    """Whether the bound of a window is another place than the row's own."""
    return bound is not None and not (isinstance(bound.value, ops.Literal) and bound.value.value == 0)


def _wide_key(key: Any) -> Any:
    # The bounds of a range are the key less and plus an offset, which have to fit into its type.
    is_short = key.arg.dtype.is_signed_integer() and not key.arg.dtype.is_int64()
    return key.copy(arg=ops.Cast(key.arg, dt.int64)) if is_short else key


def _select_instead_of_drop(node: ops.DropColumns) -> Any:
    # Ibis keeps dropped columns as a set, so their order in the text would change from process to process.
    kept = node.to_expr().columns
    return ops.Project(node.parent, {name: ops.Field(node.parent, name) for name in kept})


def _nearest_double(node: ops.Literal) -> Any:
    # Engines read a bare 0.1 as a decimal: Spark then divides decimals, and both round once more.
    if not node.dtype.is_floating() or node.value is None or not math.isfinite(node.value):
        return node
    return ops.Cast(ops.Literal(repr(float(node.value)), dt.string), node.dtype)


def _without_escapes(node: ops.Literal) -> Any:
    # Ibis writes a form feed as an escape that Spark reads as the letter.
    if not node.dtype.is_string() or node.value is None or not set(node.value) & set("\a\f\v"):
        return _nearest_double(node)
    return _decode(_unhex(node.value.encode().hex()), "UTF-8").op()


@ibis.udf.scalar.builtin(name="unhex", signature=((dt.string,), dt.binary))
def _unhex(digits: Any) -> Any:
    """Spark's own: bytes from their hexadecimal digits."""


@ibis.udf.scalar.builtin(name="decode", signature=((dt.binary, dt.string), dt.string))
def _decode(data: Any, encoding: Any) -> Any:
    """Spark's own: bytes as text."""


def _in_its_type(node: Any) -> Any:
    """Arithmetic in the type that Ibis states: engines add two int16 in different types, and overflow alone."""
    if node.dtype.is_decimal():
        return _as_stated(node)
    whole = node.dtype.is_integer() and node.left.dtype.is_integer() and node.right.dtype.is_integer()
    if not whole or any(side.dtype == node.dtype and not isinstance(side, ops.Literal) for side in node.args):
        return node
    left, right = node.args
    if isinstance(left, ops.Literal):
        return type(node)(left, ops.Cast(right, node.dtype))
    return type(node)(ops.Cast(left, node.dtype), right)


def _as_stated(node: Any) -> Any:
    """The value in the type that Ibis states, where an engine gives another: Ibis itself leaves out such a cast."""
    return ops.Cast(node, node.dtype)


def _null_if(node: Any) -> Any:
    # Engines give the value in its own type.
    return node if node.dtype == node.arg.dtype else _as_stated(node)


def _whole_sum(node: Any) -> Any:
    # DuckDB adds whole numbers in 128 bits, Spark in 64, and decimals in types of their own.
    return _as_stated(node) if node.dtype.is_integer() or node.dtype.is_decimal() else node


def _decimal_sum(node: Any) -> Any:
    return _as_stated(node) if node.dtype.is_decimal() else node


def _counted(node: Any) -> Any:
    # Ibis has Spark add up the condition, which is null over no rows.
    if node.where is None:
        return node
    cases: Any = ibis.ifelse(node.where.to_expr(), 1, ibis.null("int64"))
    return cases.count().op()


def _no_value(node: Any) -> Any:
    return node.arg.to_expr().identical_to(ibis.null(node.arg.dtype)).op()


def _is_null(node: ops.IsNull) -> Any:
    # Ibis has Spark take NaN for a missing value.
    return _no_value(node) if node.arg.dtype.is_floating() else node


def _not_null(node: ops.NotNull) -> Any:
    return ops.Not(_no_value(node)) if node.arg.dtype.is_floating() else node


def _is(node: Any, value: float) -> Any:
    return ops.Equals(node.arg, ops.Literal(value, dt.float64))


def _is_nan(node: ops.IsNan) -> Any:
    # Spark's own says false of null.
    return _is(node, math.nan)


def _is_inf(node: ops.IsInf) -> Any:
    # Ibis compiles it to false.
    return ops.Or(_is(node, math.inf), _is(node, -math.inf))


def _correlation(node: ops.Correlation) -> Any:
    # Of a sample and of all there is, it is one number; Ibis writes it for DuckDB under one of the two names.
    return node.copy(how="pop")


_DIVISIONS: Mapping[type, Callable[[Any, str], Any]] = {
    ops.FloorDivide: floor_divide,
    ops.Modulus: modulo,
    ops.Divide: divide,
}

_EVERYWHERE: Mapping[type, Rewrite] = {
    ops.DropColumns: _select_instead_of_drop,
    ops.Literal: _nearest_double,
    ops.Add: _in_its_type,
    ops.Subtract: _in_its_type,
    ops.Multiply: _in_its_type,
    ops.NullIf: _null_if,
    # The first day of a month is a timestamp to both, and the start of an instant's hour an instant.
    ops.DateTruncate: _as_stated,
    ops.TimestampTruncate: _as_stated,
}

_ONLY: Mapping[str, Mapping[type, Rewrite]] = {
    # A day and an interval give a timestamp.
    "duckdb": {ops.Sum: _whole_sum, ops.Correlation: _correlation, ops.DateAdd: _as_stated, ops.DateSub: _as_stated},
    "pyspark": {
        ops.Literal: _without_escapes,
        # Parts of a second are in it.
        ops.ExtractSecond: _as_stated,
        ops.CountStar: _counted,
        ops.Sum: _decimal_sum,
        ops.IsNull: _is_null,
        ops.NotNull: _not_null,
        ops.IsNan: _is_nan,
        ops.IsInf: _is_inf,
    },
}

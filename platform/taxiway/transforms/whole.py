"""Divisions of whole numbers, without floats: what Ibis writes for `//` and `/` is wrong beyond 2^53, and engines give
what is left over the sign of the dividend.

`floor_divide`, `modulo` and `quotient` are functions that every engine's session defines.
"""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

_WHOLE = ((dt.int64, dt.int64), dt.int64)


@ibis.udf.scalar.builtin(name="divide", signature=_WHOLE)
def _divide(left: Any, right: Any) -> Any:
    """DuckDB's own quotient, cut off towards 0; an error beyond 64 bits."""


@ibis.udf.scalar.builtin(name="div", signature=_WHOLE)
def _div(left: Any, right: Any) -> Any:
    """Spark's own."""


@ibis.udf.scalar.builtin(name="floor_divide", signature=_WHOLE)
def _floor_divide(left: Any, right: Any) -> Any:
    """The quotient rounded down, null of a division by 0."""


@ibis.udf.scalar.builtin(name="modulo", signature=_WHOLE)
def _modulo(left: Any, right: Any) -> Any:
    """What that quotient leaves."""


@ibis.udf.scalar.builtin(name="quotient", signature=((dt.int64, dt.int64), dt.float64))
def _quotient(total: Any, count: Any) -> Any:
    """The double nearest to the quotient, null of a division by 0."""


_CUT_OFF = {"duckdb": _divide, "pyspark": _div}


def floor_divide(node: ops.FloorDivide, dialect: str) -> Any:
    """The whole quotient rounded down, as Python's; null where the divisor is 0, an error beyond 64 bits."""
    if not _is_whole(node):
        return node
    left, divisor = _wide(node.left), _constant(node.right)
    if divisor is None:
        return _floor_divide(left, _wide(node.right)).op()
    rest = _rest(left, 1 if divisor == -1 else divisor)
    is_rounded_up = rest < 0 if divisor > 0 else rest > 0
    cut_off: Any = _CUT_OFF[dialect](left, divisor)
    return (cut_off - ibis.ifelse(is_rounded_up, 1, 0)).op()


def modulo(node: ops.Modulus, _: str) -> Any:
    """What the whole quotient leaves, with the sign of the divisor, as Python's; null where the divisor is 0."""
    if not _is_whole(node):
        return node
    left, divisor = _wide(node.left), _constant(node.right)
    if divisor is None:
        found: Any = _modulo(left, _wide(node.right))
        return ops.Cast(found, node.dtype)
    # DuckDB cannot divide the least number by -1.
    divisor = 1 if divisor == -1 else divisor
    return ops.Cast(_rest(_rest(left, divisor) + divisor, divisor), node.dtype)


def divide(node: ops.Divide, _: str) -> Any:
    """The double nearest to the quotient of whole numbers, null where the divisor is 0; of floats the node itself."""
    if not _is_whole(node):
        return node
    # A float holds every number of 32 bits, and a division of two floats rounds once.
    if any(side.dtype.is_int64() for side in node.args):
        return _quotient(*node.args).op()
    return node if _constant(node.right) is not None else ops.Divide(node.left, node.right.to_expr().nullif(0))


def _is_whole(node: Any) -> bool:
    return all(side.dtype.is_signed_integer() for side in node.args)


def _wide(value: Any) -> Any:
    return value.to_expr() if value.dtype.is_int64() else ops.Cast(value, dt.int64).to_expr()


def _constant(value: Any) -> int | None:
    """A constant divisor whose double fits into 64 bits; None for any other."""
    fits = isinstance(value, ops.Literal) and value.value is not None and 0 < abs(value.value) <= 2**62
    return value.value if fits else None


def _rest(left: Any, divisor: int) -> Any:
    operation: Any = ops.Modulus
    return operation(left, divisor).to_expr()

"""Numbers: what may be computed with them row by row. Whole numbers are of up to 64 bits, floats of 64."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import (
    Keys,
    bound,
    certified,
    constant,
    is_money,
    is_never_zero,
    is_number,
    is_whole,
    refused,
)


def _of_numbers(node: Any, _: Keys) -> bool:
    return all(is_number(side) for side in node.args)


def _computes(node: Any, keys: Keys) -> bool:
    """Whether decimals are added to each other, or to whole numbers, or multiplied by these."""
    sides = [is_money(side.dtype) for side in node.args]
    if not any(sides):
        return _of_numbers(node, keys)
    if not all(money or is_whole(side) for money, side in zip(sides, node.args, strict=True)):
        return False
    return not all(sides) or (not isinstance(node, ops.Multiply) and node.left.dtype == node.right.dtype)


def _of_whole(node: Any, _: Keys) -> bool:
    return all(is_whole(side) for side in node.args)


def _of_float(node: Any, _: Keys) -> bool:
    return node.arg.dtype.is_floating()


def _not_by_zero(node: Any, keys: Keys) -> bool:
    return _of_numbers(node, keys) and is_never_zero(node.right)


ROUND = "keep the number as it is and round it where it is shown, or keep it in whole numbers of a smaller unit"

NUMBERS = (
    certified("arithmetic", "x + y, x - y, x * y", ops.Add, ops.Subtract, ops.Multiply, when=_computes),
    certified("sign and size", "-x, x.abs()", ops.Negate, ops.Abs, when=lambda node, _: is_number(node.arg)),
    certified("division of whole numbers", "x / y; the nearest double, null by 0", ops.Divide, when=_of_whole),
    certified("division", "x / y.nullif(0), x / 0.3", ops.Divide, when=_not_by_zero),
    bound(
        "division by what may be 0",
        "x / y",
        ops.Divide,
        differs="a division of floats by 0 is infinite on DuckDB and an error on Spark",
        instead="x / y.nullif(0), or exact_mean(total, count) of taxiway.transforms.library.arithmetic",
    ),
    certified("whole quotient", "x // 7, x // y; rounded down, null by 0", ops.FloorDivide, when=_of_whole),
    bound(
        "whole quotient of floats",
        "x // y",
        ops.FloorDivide,
        differs="a quotient beyond 64 bits is an error on DuckDB and the largest number on Spark",
        instead="x // y of whole numbers of a smaller unit",
    ),
    certified("remainder", "x % 7, x % y; with the sign of the divisor, null by 0", ops.Modulus, when=_of_whole),
    bound(
        "remainder of floats",
        "x % y",
        ops.Modulus,
        differs="a division by 0 is not a number on DuckDB and an error on Spark",
        instead="x % y of whole numbers of a smaller unit",
    ),
    certified(
        "bits", "x & y, x | y, x ^ y, ~x", ops.BitwiseAnd, ops.BitwiseOr, ops.BitwiseXor, ops.BitwiseNot, when=_of_whole
    ),
    bound(
        "shift to the left",
        "x << n",
        ops.BitwiseLeftShift,
        differs="a negative number is an error on DuckDB",
        instead="x * 8, which raises where it overflows",
    ),
    certified("not a number, infinite", "x.isnan(), x.isinf()", ops.IsNan, ops.IsInf, when=_of_float),
    certified(
        "float to a whole number",
        "x.floor(), x.ceil()",
        ops.Floor,
        ops.Ceil,
        when=lambda node, _: node.arg.dtype.is_float64(),
    ),
    certified(
        "float to the nearest whole number",
        "x.round(); of two the one farther from 0",
        ops.Round,
        when=lambda node, _: node.arg.dtype.is_float64() and node.dtype.is_integer(),
    ),
    certified(
        "square and cube",
        "x ** 2, x ** 3",
        ops.Power,
        when=lambda node, _: is_number(node.left) and constant(node.right) in (2, 3),
    ),
    bound(
        "power",
        "x ** 0.5, x ** y",
        ops.Power,
        differs="the last digits come from the engine's own mathematics",
        instead="x ** 2, x * x * x",
    ),
    bound(
        "rounding",
        "x.round(2)",
        ops.Round,
        differs="engines round -0.0 and large numbers to other digits",
        instead=ROUND,
    ),
    bound(
        "sign",
        "x.sign()",
        ops.Sign,
        differs="of NaN DuckDB says 0, Spark NaN, and -0.0 keeps its sign on Spark only",
        instead="ibis.cases((x > 0, 1), (x < 0, -1), (x == 0, 0))",
    ),
    bound(
        "square root",
        "x.sqrt()",
        ops.Sqrt,
        differs="of a negative number it is an error on DuckDB and NaN on Spark",
        instead="compare squares, x * x; or compute it in a batch_transform",
    ),
    bound(
        "exponential and trigonometric functions",
        "x.exp(), x.sin()",
        ops.Exp,
        ops.Sin,
        ops.Cos,
        ops.Tan,
        differs="the last digits come from the engine's own mathematics",
        instead="compute it in a batch_transform, which runs the same code for every engine",
    ),
    bound(
        "logarithm",
        "x.ln(), x.log(b)",
        ops.Ln,
        ops.Log,
        ops.Log2,
        ops.Log10,
        differs="of 0 and below it is an error on DuckDB and null on Spark",
        instead="compute it in a batch_transform, which runs the same code for every engine",
    ),
    refused(
        "random values",
        "ibis.random(), ibis.uuid()",
        ops.RandomScalar,
        ops.RandomUUID,
        differs="not reproducible: they are other values each time, so no result could be made again",
        instead="a key that the data has, or x.hexdigest('sha256') of one",
    ),
)

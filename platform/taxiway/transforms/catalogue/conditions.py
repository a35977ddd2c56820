"""Conditions and missing values: logic, comparison, choice."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import (
    Keys,
    bound,
    certified,
    is_moment,
    is_number,
    is_plain,
    is_single,
    is_whole,
)
from taxiway.transforms.library.typing import delivered_text


def _alike(left: Any, right: Any) -> bool:
    """Whether two values compare by one rule: two numbers, or two of one type."""
    if left.dtype.is_null() or right.dtype.is_null() or (is_number(left) and is_number(right)):
        return True
    if left.dtype.is_decimal() or right.dtype.is_decimal():
        return left.dtype.copy(nullable=True) == right.dtype.copy(nullable=True)
    if is_moment(left) and is_moment(right):
        zones = [getattr(side.dtype, "timezone", None) for side in (left, right)]
        return left.dtype.is_date() == right.dtype.is_date() and zones[0] == zones[1]
    return type(left.dtype) is type(right.dtype)


def _compares(node: Any, _: Keys) -> bool:
    return _alike(node.left, node.right)


def _orders(node: Any, _: Keys) -> bool:
    return _alike(node.left, node.right) and is_single(node.left.dtype) and is_single(node.right.dtype)


def _is_one_of(node: Any, _: Keys) -> bool:
    return all(_alike(node.value, option) for option in node.options)


def _lies_between(node: Any, _: Keys) -> bool:
    bounds = (node.lower_bound, node.upper_bound)
    # Of a whole number between one of each DuckDB makes floats, Spark only where it meets the float.
    kinds = {bound.dtype.is_floating() for bound in bounds if is_number(bound)}
    if is_whole(node.arg) and len(kinds) > 1:
        return False
    return is_single(node.arg.dtype) and all(_alike(node.arg, bound) for bound in bounds)


def _nulls_alike(node: Any, _: Keys) -> bool:
    return _alike(node.arg, node.null_if_expr)


def _chooses_single(node: Any, _: Keys) -> bool:
    return all(is_single(value.dtype) and _alike(node.arg[0], value) for value in node.arg)


ORDERING = (ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual)

CONDITIONS = (
    certified("logic", "a & b, a | b, a ^ b, ~a", ops.And, ops.Or, ops.Xor, ops.Not),
    certified(
        "equality", "x == y, x != y, x.identical_to(y)", ops.Equals, ops.NotEquals, ops.IdenticalTo, when=_compares
    ),
    certified("comparison", "x < y, x <= y, x > y, x >= y", *ORDERING, when=_orders),
    bound(
        "comparison of lists",
        "x < y",
        *ORDERING,
        when=lambda node, _: node.left.dtype.is_array(),
        differs="a missing item is the greatest on DuckDB and the least on Spark",
        instead="a comparison of values, which are no lists",
    ),
    certified("between", "x.between(low, high)", ops.Between, when=_lies_between),
    bound(
        "between a float and a whole number",
        "x.between(0.5, y)",
        ops.Between,
        when=lambda node, _: is_whole(node.arg),
        differs="DuckDB compares all as floats, Spark whole numbers with each other exactly",
        instead="(x >= low) & (x <= high)",
    ),
    certified("one of", "x.isin([1, 2]), x.notin([1, 2])", ops.InValues, when=_is_one_of),
    certified("one of a column", "x.isin(t.y)", ops.InSubquery, when=lambda node, _: is_plain(node.needle.dtype)),
    certified("missing", "x.isnull(), x.notnull()", ops.IsNull, ops.NotNull),
    certified("null for a value", "x.nullif(y)", ops.NullIf, when=_nulls_alike),
    certified("first that is there", "ibis.coalesce(x, y), x.fill_null(y)", ops.Coalesce),
    certified(
        "delivered text as a value",
        "typed(text, dtype), calendar_date(y, m, d)",
        ops.IfElse,
        when=lambda node, _: delivered_text(node) is not None,
        parts=lambda node: [delivered_text(node)],
    ),
    certified(
        "choice",
        "ibis.ifelse(a, x, y), ibis.cases((a, x), (b, y)), x.cases((1, y))",
        ops.IfElse,
        ops.SearchedCase,
        ops.SimpleCase,
    ),
    certified(
        "least and greatest of columns",
        "ibis.least(x, y), ibis.greatest(x, y)",
        ops.Least,
        ops.Greatest,
        when=_chooses_single,
    ),
    certified(
        "least and greatest with bounds",
        "x.clip(0, 10)",
        ops.Clip,
        when=lambda node, _: is_number(node.arg) and not node.arg.dtype.is_floating(),
    ),
)

"""Aggregates and windows."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import (
    Keys,
    certified,
    constant,
    is_moment,
    is_plain,
    is_whole,
    refused,
)
from taxiway.transforms.catalogue.order import is_ordered

_ORDER_FREE: tuple[Any, ...] = (ops.Count, ops.CountStar, ops.Sum, ops.Min, ops.Max, ops.Any, ops.All)
_NUMBERS: tuple[Any, ...] = (*_ORDER_FREE, ops.RowNumber, ops.NTile, ops.Lag, ops.Lead)
_RANKS = (ops.MinRank, ops.DenseRank)
_BATCH = "compute it in a batch_transform, over rows in the order of a key"


def _adds(node: Any, _: Keys) -> bool:
    return is_whole(node.arg) or node.arg.dtype.is_boolean()


def _of_plain(node: Any, _: Keys) -> bool:
    return is_plain(node.arg.dtype)


def _bound(bound: Any) -> bool:
    if bound is None:
        return True
    value = constant(bound.value)
    return bound.value.dtype.is_interval() or isinstance(value, int)


def _is_free(node: Any, keys: Keys) -> bool:
    """Whether ties cannot matter: a rank, or an aggregate of a whole group or of what lies in a range of values."""
    if isinstance(node.func, _RANKS):
        return True
    if not isinstance(node.func, _ORDER_FREE):
        return False
    return (node.start is None and node.end is None) if node.how == "rows" else _ranges(node, keys)


def _ranges(node: Any, _: Keys) -> bool:
    kinds = [is_whole(key.arg) or is_moment(key.arg) for key in node.order_by]
    offsets = [bound for bound in (node.start, node.end) if bound is not None and constant(bound.value) != 0]
    if not offsets:
        return True
    return kinds == [True] and _bound(node.start) and _bound(node.end)


def _numbers(node: Any, keys: Keys) -> bool:
    """Whether rows are numbered in an order in which none tie."""
    return isinstance(node.func, _NUMBERS) and is_ordered(node, keys)


AGGREGATES = (
    certified(
        "counts", "t.count(), x.count(), x.nunique(), each with where=", ops.Count, ops.CountStar, ops.CountDistinct
    ),
    certified("sum of whole numbers", "x.sum()", ops.Sum, when=_adds),
    certified(
        "sum of decimals",
        "x.sum(), which is a decimal(38, scale)",
        ops.Sum,
        when=lambda node, _: node.arg.dtype.is_decimal(),
    ),
    refused(
        "sum of floats",
        "x.sum()",
        ops.Sum,
        differs="the last digits depend on the order in which an engine adds",
        instead="add whole numbers of a smaller unit, and divide the total once: exact_mean(total, count)",
    ),
    refused(
        "mean",
        "x.mean()",
        ops.Mean,
        differs="DuckDB adds whole numbers exactly, Spark as floats; a sum of floats depends on the order",
        instead="exact_mean(x.sum(), x.count()) of taxiway.transforms.library.arithmetic, of whole numbers",
    ),
    certified("least and greatest", "x.min(), x.max()", ops.Min, ops.Max, when=_of_plain),
    refused(
        "least and greatest float",
        "x.min(), x.max()",
        ops.Min,
        ops.Max,
        when=lambda node, _: node.arg.dtype.is_floating(),
        differs="of 0.0 and -0.0 an engine takes the one that comes first",
        instead="whole numbers of a smaller unit",
    ),
    certified("any and all", "x.any(), x.all()", ops.Any, ops.All),
    refused(
        "deviation, variance, correlation, covariance",
        "x.std(), x.var(), x.corr(y), x.cov(y)",
        ops.StandardDev,
        ops.Variance,
        ops.Correlation,
        ops.Covariance,
        differs="the last digits depend on the engine and on the order in which it adds",
        instead="sums of x, y, x * x and x * y as whole numbers, and one division; or a batch_transform",
    ),
    refused(
        "estimated number of values",
        "x.approx_nunique()",
        ops.ApproxCountDistinct,
        differs="each engine estimates in its own way",
        instead="x.nunique()",
    ),
    refused(
        "most frequent value",
        "x.mode()",
        ops.Mode,
        differs="of values that are as frequent any may come; Ibis cannot write it for Spark",
        instead="count by value, and take the first by row_number over count and value",
    ),
    refused(
        "value of the greatest",
        "x.argmax(y), x.argmin(y)",
        ops.ArgMax,
        ops.ArgMin,
        differs="of rows that tie each engine takes another",
        instead="ibis.row_number() over an order that names a key, and a filter; latest_as_of(...) of the library",
    ),
    refused(
        "first, last, any value",
        "x.first(), x.last(), x.arbitrary()",
        ops.First,
        ops.Last,
        ops.Arbitrary,
        differs="rows have no order, and Spark takes none for it",
        instead="x.min(), x.max(), or ibis.row_number() over an order that names a key, and a filter",
    ),
    refused(
        "collected values",
        "x.collect(), x.group_concat()",
        ops.ArrayCollect,
        ops.GroupConcat,
        differs="rows have no order, and Spark takes none for it",
        instead=_BATCH,
    ),
    certified(
        "window over ties",
        "x.sum().over(ibis.range_window(...)), ibis.rank(), x.max().over(group_by=...)",
        ops.WindowFunction,
        when=_is_free,
    ),
    certified(
        "numbering",
        "ibis.row_number(), x.lag(), sums over rows, in an order that names a key",
        ops.WindowFunction,
        when=_numbers,
    ),
    refused(
        "numbering in an order with ties",
        "ibis.row_number().over(...), x.lag().over(...), x.sum().over(ibis.window(preceding=2, ...))",
        ops.WindowFunction,
        when=lambda node, _: isinstance(node.func, _NUMBERS),
        differs="rows that tie come in any order",
        instead="an order_by that names every column of a key, with the partition; ibis.range_window for totals",
    ),
    certified(
        "parts of a window",
        "the function in it and its bounds",
        ops.WindowBoundary,
        ops.RowNumber,
        ops.NTile,
        ops.Lag,
        ops.Lead,
        ops.MinRank,
        ops.DenseRank,
    ),
)

"""Aggregates and windows."""

from collections.abc import Sequence
from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import (
    Keys,
    bound,
    certified,
    constant,
    is_decimal,
    is_moment,
    is_number,
    is_plain,
    is_whole,
    refused,
)
from taxiway.transforms.catalogue.order import is_determined, is_ordered

_ORDER_FREE: tuple[Any, ...] = (ops.Count, ops.CountStar, ops.Sum, ops.Min, ops.Max, ops.Any, ops.All)
_ORDER_FREE += (ops.Mean, ops.Median, ops.Quantile)
_NUMBERS: tuple[Any, ...] = (*_ORDER_FREE, ops.RowNumber, ops.NTile, ops.Lag, ops.Lead, ops.First, ops.Last)
_RANKS = (ops.MinRank, ops.DenseRank, ops.PercentRank, ops.CumeDist)
_ESTIMATES: tuple[Any, ...] = (ops.ApproxCountDistinct, ops.ApproxMedian, ops.ApproxQuantile, ops.ApproxMultiQuantile)
_IN_ORDER: tuple[Any, ...] = (ops.First, ops.Last, ops.ArrayCollect, ops.GroupConcat, ops.NthValue)
_DEPEND_ON_ORDER: tuple[Any, ...] = (*_IN_ORDER, *_ESTIMATES, ops.Arbitrary, ops.Mode, ops.AggUDF)
_BATCH = "an order_by that names a key, on one engine; for every engine compute it in a batch_transform"


def _adds(node: Any, _: Keys) -> bool:
    return is_whole(node.arg) or node.arg.dtype.is_boolean()


def _adds_decimals(node: Any, _: Keys) -> bool:
    # So many that their total has more than 38 digits are in no table.
    return is_decimal(node.arg.dtype) and node.arg.dtype.precision <= 20


def _interpolates(node: Any, _: Keys) -> bool:
    share = 0.5 if isinstance(node, ops.Median) else constant(node.quantile)
    return is_number(node.arg) and isinstance(share, int | float) and 0 <= share <= 1


def _of_single(node: Any, _: Keys) -> bool:
    return is_plain(node.arg.dtype) or node.arg.dtype.is_float64()


def _of_singles(node: Any, _: Keys) -> bool:
    return all(is_plain(each.dtype) or each.dtype.is_float64() for each in (node.arg, node.key))


def _bound(bound: Any) -> bool:
    if bound is None:
        return True
    value = constant(bound.value)
    return bound.value.dtype.is_interval() or isinstance(value, int)


def _is_free(node: Any, keys: Keys) -> bool:
    """Whether ties cannot matter: a rank, or an aggregate of a whole group or of what lies in a range of values."""
    if isinstance(node.func, _RANKS):
        return True
    if isinstance(node.func, ops.CountDistinct):
        return _is_whole_group(node) and is_plain(node.func.arg.dtype)
    return isinstance(node.func, _ORDER_FREE) and (_is_whole_group(node) or _ranges(node, keys))


def _is_whole_group(node: Any) -> bool:
    return node.how == "rows" and node.start is None and node.end is None


def _ranges(node: Any, _: Keys) -> bool:
    if node.how == "rows":
        return False
    kinds = [is_whole(key.arg) or is_moment(key.arg) for key in node.order_by]
    offsets = [bound for bound in (node.start, node.end) if bound is not None and constant(bound.value) != 0]
    if not offsets:
        return True
    return kinds == [True] and _bound(node.start) and _bound(node.end)


def _numbers(node: Any, keys: Keys) -> bool:
    """Whether rows are numbered in an order in which none tie."""
    if isinstance(node.func, ops.First | ops.Last) and (node.func.where is not None or node.func.include_null):
        return False
    return isinstance(node.func, _NUMBERS) and is_ordered(node, keys)


def _below(node: Any) -> Sequence[Any]:
    """The parts of a window; what is taken in its order needs no other."""
    below = [part for part in node.__children__ if part is not node.func]
    return [*below, *node.func.__children__] if isinstance(node.func, _IN_ORDER) else node.__children__


def _is_the_same_each_time(node: Any, keys: Keys) -> bool:
    """Whether one engine gives the same each time: no two rows tie in the order, or ties cannot matter."""
    if is_ordered(node, keys) or isinstance(node.func, _RANKS):
        return True
    is_total = isinstance(node.func, ops.Reduction) and not isinstance(node.func, _DEPEND_ON_ORDER)
    return is_total and (node.how == "range" or _is_whole_group(node))


AGGREGATES = (
    certified(
        "counts", "t.count(), x.count(), x.nunique(), each with where=", ops.Count, ops.CountStar, ops.CountDistinct
    ),
    certified("sum of whole numbers", "x.sum()", ops.Sum, when=_adds),
    certified(
        "sum of decimals", "x.sum() of up to 20 digits, which is a decimal(38, scale)", ops.Sum, when=_adds_decimals
    ),
    bound(
        "sum of long decimals",
        "x.sum() of more than 20 digits",
        ops.Sum,
        when=lambda node, _: is_decimal(node.arg.dtype),
        differs="a total of more than 38 digits is an error on Spark, and one of 39 digits on DuckDB",
        instead="the sum of decimals of up to 20 digits",
    ),
    bound(
        "sum of floats",
        "x.sum()",
        ops.Sum,
        differs="the last digits depend on the order in which an engine adds",
        instead="add whole numbers of a smaller unit, and divide the total once: exact_mean(total, count)",
    ),
    certified(
        "mean of whole numbers", "x.mean() of whole numbers, or of conditions: their share", ops.Mean, when=_adds
    ),
    bound(
        "mean of floats",
        "x.mean()",
        ops.Mean,
        differs="a sum of floats depends on the order in which an engine adds",
        instead="the mean of whole numbers of a smaller unit",
    ),
    certified("median and quantile", "x.median(), x.quantile(0.9)", ops.Median, ops.Quantile, when=_interpolates),
    certified("least and greatest", "x.min(), x.max(); of 0.0 and -0.0 it is 0.0", ops.Min, ops.Max, when=_of_single),
    certified("any and all", "x.any(), x.all()", ops.Any, ops.All),
    bound(
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
        "estimates",
        "x.approx_nunique(), x.approx_median()",
        *_ESTIMATES,
        differs="each engine estimates in its own way, and not the same each time",
        instead="x.nunique(), x.median(), x.quantile(0.9)",
    ),
    refused(
        "most frequent value",
        "x.mode()",
        ops.Mode,
        differs="of values that are as frequent any may come; Ibis cannot write it for Spark",
        instead="count by value, and take the first by row_number over count and value",
    ),
    certified(
        "value of the greatest",
        "x.argmax(y), x.argmin(y); of rows that tie the greatest x, or the least",
        ops.ArgMax,
        ops.ArgMin,
        when=_of_singles,
    ),
    refused(
        "list of the greatest",
        "x.argmax(y), x.argmin(y)",
        ops.ArgMax,
        ops.ArgMin,
        differs="of rows that tie any may come",
        instead="ibis.row_number() over an order that names a key, and a filter; latest_as_of(...) of the library",
    ),
    bound(
        "values in an order",
        "x.first(order_by='key'), x.last(order_by='key'), x.collect(order_by='key'), x.group_concat(order_by=x)",
        ops.First,
        ops.Last,
        ops.ArrayCollect,
        ops.GroupConcat,
        when=is_determined,
        differs="Ibis cannot tell Spark of an order",
        instead="x.min(), x.max(), or ibis.row_number() over an order that names a key, and a filter",
    ),
    refused(
        "first, last, any value",
        "x.first(), x.last(), x.arbitrary()",
        ops.First,
        ops.Last,
        ops.Arbitrary,
        differs="rows have no order, and of those that tie any comes first",
        instead="x.min(), x.max(), or ibis.row_number() over an order that names a key, and a filter",
    ),
    refused(
        "collected values",
        "x.collect(), x.group_concat()",
        ops.ArrayCollect,
        ops.GroupConcat,
        differs="rows have no order, and of those that tie any comes first",
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
        "ibis.row_number(), x.lag(), x.first(), x.last(), sums over rows, in an order that names a key; -0.0 as 0.0",
        ops.WindowFunction,
        when=_numbers,
        parts=_below,
    ),
    bound(
        "other functions in a window",
        "x.std().over(group_by=...), x.first(include_null=True).over(...)",
        ops.WindowFunction,
        when=_is_the_same_each_time,
        parts=_below,
        differs="nothing proves that engines agree",
        instead="sums, counts, x.min(), x.max(), ranks, ibis.row_number(), x.lag() over a window",
    ),
    refused(
        "numbering in an order with ties",
        "ibis.row_number().over(...), x.lag().over(...), x.sum().over(ibis.window(preceding=2, ...))",
        ops.WindowFunction,
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
        ops.PercentRank,
        ops.CumeDist,
    ),
)

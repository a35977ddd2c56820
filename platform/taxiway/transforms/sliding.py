"""Totals over sliding frames as differences of totals over growing ones, for an engine that adds up a frame anew for
every row: there a window of 30 days costs time by the number of its rows."""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

# Sums of whole numbers of 64 bits, however many, fit in it.
_WIDE: Any = dt.Decimal(20, 0)


def growing(window: ops.WindowFunction) -> Any:
    """The same counts and sums of whole numbers, to the bit: all up to the frame's end less all before its start.

    Other windows are returned as they are.
    """
    if not _is_total(window.func) or not _slides(window):
        return window
    total: Any = window.func
    counts = _between(window, total.arg.to_expr().count().op() if isinstance(total, ops.Sum) else total)
    if not isinstance(total, ops.Sum):
        found = counts[0] - counts[1]
    else:
        wide: Any = total.copy(arg=ops.Cast(total.arg, _WIDE))
        now, before = _between(window, wide)
        nothing: Any = ops.Cast(ops.Literal(0, dt.int8), _WIDE).to_expr()
        difference = (now - ibis.coalesce(before, nothing)).cast(total.dtype)
        # A sum of nothing is null.
        found = ibis.ifelse(counts[0] == counts[1], ibis.null(total.dtype), difference)
    if window.how == "rows":
        return found.op()
    # A row without a place in the order has in its frame those that have none either.
    (key,) = window.order_by
    here = ops.WindowBoundary(ops.Literal(0, dt.int8), preceding=True)
    alike = window.copy(start=here, end=here).to_expr()
    return ibis.ifelse(key.arg.to_expr().isnull(), alike, found).op()


def _is_total(function: Any) -> bool:
    if not isinstance(function, ops.Sum | ops.Count | ops.CountStar) or function.where is not None:
        return False
    kind: Any = function.dtype
    return kind.is_integer()


def _slides(window: ops.WindowFunction) -> bool:
    start: Any = window.start
    if start is None or window.end is None or not start.preceding or len(window.order_by) != 1:
        return False
    return isinstance(start.value, ops.Literal) and start.value.dtype.is_integer()


def _between(window: ops.WindowFunction, function: Any) -> tuple[Any, Any]:
    """The function over all rows up to the frame's end, and over all rows before its start."""
    start: Any = window.start
    last = ops.WindowBoundary(ops.Literal(start.value.value + 1, dt.int64), preceding=True)
    ends = (window.end, last)
    up_to_now, before = (window.copy(func=function, start=None, end=end).to_expr() for end in ends)
    return up_to_now, before

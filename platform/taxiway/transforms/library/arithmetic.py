"""Exact arithmetic: whole numbers are added, and divided once, so that no order of rows can change a bit."""

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from taxiway.transforms.library.values import Number, Whole


def as_int64(total: Whole) -> Whole:
    """The whole number as int64, also where an engine adds in a wider type than Ibis says it does."""
    # Ibis leaves out a cast to the type that it believes a value has.
    return ops.Cast(total, dt.int64).to_expr()


def exact_mean(total: Whole, count: Whole) -> Number:
    """The total divided by the count, null where the count is 0; of true cases it is their share."""
    return total.cast("float64") / count.nullif(0).cast("float64")

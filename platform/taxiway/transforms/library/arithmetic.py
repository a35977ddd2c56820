"""Exact arithmetic: whole numbers are added, and divided once, so that no order of rows can change a bit."""

from taxiway.transforms.library.values import Number, Whole


def exact_mean(total: Whole, count: Whole) -> Number:
    """The total divided by the count, null where the count is 0; of true cases it is their share."""
    return total.cast("float64") / count.nullif(0).cast("float64")

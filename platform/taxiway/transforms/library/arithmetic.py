"""Exact arithmetic: whole numbers are added, and divided once, so that no order of rows can change a bit."""

from taxiway.transforms.library.values import Number, Whole


def exact_mean(total: Whole, count: Whole) -> Number:
    """The double nearest to the total divided by the count, null where the count is 0; of true cases it is their share.

    It is rounded once, also where total or count is beyond 2^53.
    """
    return total / count

"""Counts by clock bucket: how many rows share an hour, and how many were in the one before."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from taxiway.transforms.blocks import EventWindow, state
from taxiway.transforms.library.clock import MINUTE, microseconds


def bucket_counts(rows: ir.Table, *, by: Sequence[str], at: str, width_min: int, keep: Sequence[str]) -> ir.Table:
    """For each row the number of rows of the same `by` in its bucket of `width_min` minutes of UTC, and before it.

    Returns the columns `keep`, `same` (the row itself included) and `previous`, both int64 and never null. Buckets
    start at multiples of their width since 1970; rows without an instant are left out.
    """
    width = width_min * MINUTE
    instant = microseconds(rows[at])
    placed = rows.select(*dict.fromkeys((*by, *keep)), _bucket=instant - instant % width)
    placed = placed.filter(placed["_bucket"].notnull())
    same = ibis.window(group_by=[*by, "_bucket"])
    before = ibis.range_window(preceding=(width, width), group_by=list(by), order_by=placed["_bucket"])
    result = placed.select(*keep, same=placed.count().over(same), previous=placed.count().over(before))
    return state(result, EventWindow(rows.op(), rows.op(), at, at, width, bucket_us=width))

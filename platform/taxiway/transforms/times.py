"""What differences, buckets and formats of times say: their units and parts, where all of them have one meaning."""

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops

MICROSECONDS: Mapping[str, int] = {
    "us": 1,
    "ms": 1000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "D": 86_400_000_000,
}
"""By unit of time how long it is; longer units are not all of one length."""

STRFTIME: Mapping[str, tuple[str, int]] = {
    "Y": ("year", 4),
    "m": ("month", 2),
    "d": ("day", 2),
    "H": ("hour", 2),
    "M": ("minute", 2),
    "S": ("second", 2),
}
"""By letter of a format of times the part that it stands for, and its digits."""


def unit_of(node: Any) -> str:
    """The unit in which a difference of times is counted, in short; empty for one that is none of a fixed length."""
    found = {"day": "D", "hour": "h", "minute": "m", "second": "s", "millisecond": "ms", "microsecond": "us"}
    return found.get(getattr(node.part, "value", ""), "")


def width_of(node: Any) -> int | None:
    """The width of a bucket of time in microseconds, up to a year of days; None for any other."""
    interval = node.interval
    unit = MICROSECONDS.get(interval.dtype.unit.short) if isinstance(interval, ops.Literal) else None
    if unit is None or node.offset is not None or not 0 < interval.value * unit <= 366 * MICROSECONDS["D"]:
        return None
    return interval.value * unit


def format_pieces(node: Any) -> list[tuple[str, str]] | None:
    """A format as texts, each with the letter that follows it; None where one is not of `STRFTIME`."""
    text = getattr(node.format_str, "value", None)
    if not isinstance(text, str):
        return None
    allowed = STRFTIME if node.arg.dtype.is_timestamp() else {"Y", "m", "d"}
    pieces, before = [], ""
    signs = iter(text)
    for sign in signs:
        letter = next(signs, None) if sign == "%" else ""
        if letter == "%" or not letter:
            if letter is None:
                return None
            before += sign
        elif letter in allowed:
            pieces.append((before, letter))
            before = ""
        else:
            return None
    return [*pieces, (before, "")] if before else pieces

"""Dates, clocks (timestamps without a zone), instants of UTC and intervals."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, is_moment, is_short, is_timestamp, refused
from taxiway.transforms.times import format_pieces, unit_of, width_of

_LONG = ("W", "Y", "Q", "ns")


def _of_moment(node: Any, _: Keys) -> bool:
    return is_moment(node.arg)


def _of_timestamp(node: Any, _: Keys) -> bool:
    return is_timestamp(node.arg.dtype)


def _begins(node: Any, _: Keys) -> bool:
    return is_moment(node.arg) and node.unit.short in ("Y", "M", "W", "D", "h", "m", "s")


def _moves(node: Any, _: Keys) -> bool:
    return is_moment(node.left) and isinstance(node.right, ops.Literal | ops.IntervalFromInteger | ops.IntervalMultiply)


def _times(node: Any, _: Keys) -> bool:
    return isinstance(node.left, ops.Literal) and node.left.dtype.unit.short not in _LONG and is_short(node.right)


def _has_format(node: Any, _: Keys) -> bool:
    return is_moment(node.arg) and format_pieces(node) is not None


def _has_width(node: Any, _: Keys) -> bool:
    return is_timestamp(node.arg.dtype) and width_of(node) is not None


def _has_unit(node: Any, _: Keys) -> bool:
    return is_timestamp(node.left.dtype) and is_timestamp(node.right.dtype) and unit_of(node) != ""


def _counts(node: Any, _: Keys) -> bool:
    return is_short(node.arg) and node.unit.short not in _LONG


DIFFERENCE = "minutes_between(earlier, later) or microseconds(x) of taxiway.transforms.library.clock, and subtract"

MOMENTS = (
    certified(
        "parts of a day",
        "x.year(), x.quarter(), x.month(), x.day(), x.day_of_year(), x.week_of_year()",
        ops.ExtractYear,
        ops.ExtractQuarter,
        ops.ExtractMonth,
        ops.ExtractDay,
        ops.ExtractDayOfYear,
        ops.ExtractWeekOfYear,
        when=_of_moment,
    ),
    certified("day of the week", "x.day_of_week.index()", ops.DayOfWeekIndex, when=_of_moment),
    certified(
        "parts of a time",
        "x.hour(), x.minute(), x.second()",
        ops.ExtractHour,
        ops.ExtractMinute,
        ops.ExtractSecond,
        when=_of_timestamp,
    ),
    bound(
        "parts of a second",
        "x.millisecond(), x.microsecond()",
        ops.ExtractMillisecond,
        ops.ExtractMicrosecond,
        differs="Ibis cannot write it for each of them",
        instead="microseconds(x) % 1_000_000, of taxiway.transforms.library.clock",
    ),
    certified("seconds since 1970", "x.epoch_seconds(), rounded down", ops.ExtractEpochSeconds, when=_of_moment),
    bound(
        "year of the week",
        "x.iso_year()",
        ops.ExtractIsoYear,
        differs="Ibis cannot write it for Spark",
        instead="(x + ibis.interval(days=3) - ibis.interval(days=1) * x.day_of_week.index()).year(), its Thursday's",
    ),
    certified("day of a time", "x.date()", ops.Date, when=_of_moment),
    certified("date of numbers", "ibis.date(y, m, d)", ops.DateFromYMD),
    certified("start of a unit", "x.truncate('M')", ops.DateTruncate, ops.TimestampTruncate, when=_begins),
    certified("interval of a number", "n.as_interval('m')", ops.IntervalFromInteger, when=_counts),
    certified("interval, so many times", "ibis.interval(days=1) * n", ops.IntervalMultiply, when=_times),
    bound(
        "interval of a large number",
        "n.as_interval('m')",
        ops.IntervalFromInteger,
        differs="of 64 bits, and of weeks or years, it overflows on DuckDB and gives another time on Spark",
        instead="n.cast('int32').as_interval('m'), in days, months or less; plus_minutes of the library",
    ),
    certified(
        "moved time",
        "x + ibis.interval(hours=2), x - n.as_interval('D')",
        ops.TimestampAdd,
        ops.TimestampSub,
        ops.DateAdd,
        ops.DateSub,
        when=_moves,
    ),
    certified("days between", "x.delta(y, unit='day')", ops.DateDelta, when=lambda node, _: node.part.value == "day"),
    bound(
        "months between",
        "x.delta(y, unit='month')",
        ops.DateDelta,
        differs="DuckDB counts the bounds between, Spark what is whole",
        instead="x.year() * 12 + x.month(), and subtract; x.delta(y, unit='day')",
    ),
    certified(
        "bounds between times",
        "x.delta(y, unit='hour'): how many hours begin between; days or less",
        ops.TimestampDelta,
        when=_has_unit,
    ),
    bound(
        "units between times",
        "x.delta(y, unit='month')",
        ops.TimestampDelta,
        differs="DuckDB counts the bounds between, Spark what is whole",
        instead=DIFFERENCE,
    ),
    bound(
        "interval between",
        "x - y",
        ops.TimestampDiff,
        ops.DateDiff,
        differs="no table can hold an interval, and between dates DuckDB has a whole number in its place",
        instead=DIFFERENCE,
    ),
    certified("bucket of time", "x.bucket(minutes=15); since 1970", ops.TimestampBucket, when=_has_width),
    bound(
        "bucket of months",
        "x.bucket(months=1), x.bucket(hours=1, offset=...)",
        ops.TimestampBucket,
        differs="Ibis cannot write it for Spark",
        instead="x.truncate('h'), or bucket_counts of taxiway.transforms.library.buckets",
    ),
    certified("time in digits", "x.strftime('%Y-%m-%d %H:%M:%S')", ops.Strftime, when=_has_format),
    bound(
        "time in words",
        "x.strftime('%d. %b')",
        ops.Strftime,
        differs="engines write parts of a second, names and halves of a day differently",
        instead="x.strftime of %Y, %m, %d, %H, %M, %S",
    ),
    refused(
        "the present",
        "ibis.now(), ibis.today()",
        ops.TimestampNow,
        ops.DateNow,
        differs="not reproducible: it is another moment each time, so no result could be made again",
        instead="a moment that the data has, in an _at column or in the partition's key",
    ),
)

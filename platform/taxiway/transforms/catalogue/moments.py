"""Dates, clocks (timestamps without a zone), instants of UTC and intervals."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, is_moment, is_short, is_timestamp, refused

_LONG = ("W", "Y", "Q", "ns")


def _of_moment(node: Any, _: Keys) -> bool:
    return is_moment(node.arg)


def _of_timestamp(node: Any, _: Keys) -> bool:
    return is_timestamp(node.arg.dtype)


def _begins(node: Any, _: Keys) -> bool:
    return is_moment(node.arg) and node.unit.short in ("Y", "M", "W", "D", "h", "m", "s")


def _moves(node: Any, _: Keys) -> bool:
    return is_moment(node.left) and isinstance(node.right, ops.Literal | ops.IntervalFromInteger)


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
    bound(
        "seconds since 1970",
        "x.epoch_seconds()",
        ops.ExtractEpochSeconds,
        differs="DuckDB rounds a part of a second, Spark cuts it off",
        instead="microseconds(x) // 1_000_000, of taxiway.transforms.library.clock",
    ),
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
    bound(
        "units between times",
        "x.delta(y, unit='hour')",
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
    bound(
        "interval bucket",
        "x.bucket(hours=1)",
        ops.TimestampBucket,
        differs="Ibis cannot write it for Spark",
        instead="x.truncate('h'), or bucket_counts of taxiway.transforms.library.buckets",
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

"""For each entry of the catalogue, by its name, uses of it: of a certified one to compare, of a refused one to differ.

`ROWS` are values of a row of `hard_values.hard`, `WINDOWS` values of one among others, `AGGREGATES` values of a
group, `TABLES` tables. `RAISES` are uses with values that are an error on every engine.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from taxiway.transforms.library import clock
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.typing import to_json, typed

Use = Callable[..., Any]
Uses = Mapping[str, Sequence[Use]]

NEW_YORK = "America/New_York"
CENTS: Any = dt.Decimal(20, 2)
LONG: Any = dt.Decimal(38, 2)
SPRING = datetime(2013, 3, 10, 6, 59, 59, 999999, tzinfo=UTC)


CONSTANTS = ibis.memtable(
    [("a", date(2013, 3, 10), 0.1, 1), ("é'\\n", None, None, None), ("𝄞", date(1, 1, 1), float("nan"), -(2**63))],
    schema={"key": "string", "day": "date", "share": "float64", "n": "int64"},
)


def of_64_bits(number: Any) -> Any:
    """The floats that are near a whole number of 64 bits."""
    return ibis.ifelse(number.abs() < 2.0**63, number, ibis.null("float64"))


def near(t: Any) -> Any:
    """Instants that can be moved by some thousand years."""
    return ibis.ifelse(t.t.year() < 2100, t.t, ibis.null(clock.INSTANT))


@ibis.udf.scalar.builtin(signature=((), dt.string))
def gen_random_uuid():
    """Another text each time, by a function of DuckDB's own."""


@ibis.udf.scalar.builtin(signature=((), dt.Timestamp(timezone="UTC")))
def clock_timestamp():
    """The moment, by a function of PostgreSQL's."""


def written(value: Any) -> Any:
    """The value, as an expression of any type to a checker."""
    return value if isinstance(value, ir.Value) else ibis.literal(value)


def least_left_out(number: Any) -> Any:
    """The numbers of a type whose negative is one too."""
    return number.nullif(number.type().bounds.lower)


def fits(t: Any, name: str, divide: Callable[[Any, Any], Any]) -> Any:
    """A whole quotient, but for the one of each type that is beyond 64 bits."""
    number: Any = t[name]
    return divide(ibis.ifelse(number == -(2**63), ibis.null("int64"), number), t[name + "2"])


def over(function: Callable[[Any], Any], **window: Any) -> Use:
    return lambda t: function(t).over(ibis.window(group_by="g", **window))


def ranged(function: Callable[[Any], Any], order: str, before: Any, after: Any = 0) -> Use:
    return lambda t: function(t).over(
        ibis.range_window(group_by="g", order_by=order, preceding=before, following=after)
    )


ENDS = (2**53 + 1, 2**62, -(2**62), 2**62 + 1, 2**63 - 1, -(2**63))
"""Divisors of 64 bits."""

HOURS = [ibis.interval(hours=n) for n in (24, 0)]
DAYS = [ibis.interval(days=n) for n in (1, 1)]

ROWS: Uses = {
    "logic": [lambda t: t.b & t.b2, lambda t: t.b | t.b2, lambda t: t.b ^ t.b2, lambda t: ~t.b],
    "equality": [
        *(lambda t, n=n: t[n] == t[n + "2"] for n in "bhilfsdtcvwp"),
        *(lambda t, n=n: t[n] != t[n + "2"] for n in "bhilfsdtcv"),
        *(lambda t, n=n: t[n].identical_to(t[n + "2"]) for n in "bhlfsdtv"),
        lambda t: t.l == t.f,
        lambda t: t.h == t.l,
        lambda t: t.k == t.l,
        lambda t: t.h == 2**15,
        lambda t: t.l == -(2**63),
        lambda t: t.h == 7,
        lambda t: t.f == 0.1,
        lambda t: t.s == "a\\b'\"%\n",
    ],
    "comparison": [
        *(lambda t, n=n: t[n] < t[n + "2"] for n in "bhilfsdtcp"),
        *(lambda t, n=n: t[n] >= t[n + "2"] for n in "bhilfsdtc"),
        lambda t: t.f <= t.f2,
        lambda t: t.f > t.f2,
        lambda t: t.l < t.f,
        lambda t: t.h <= t.l,
        lambda t: t.k > -(2**31) - 1,
        lambda t: t.l < 2**63 - 1,
        lambda t: t.f > 2**53 + 1,
        lambda t: t.t > SPRING,
    ],
    "between": [
        lambda t: t.h.between(t.h2, 100),
        lambda t: t.f.between(t.f2, 1.0),
        lambda t: t.l.between(t.f, t.f2),
        lambda t: t.s.between("A", t.s2),
    ],
    "between a float and a whole number": [lambda t: t.l.between(t.f, t.l2)],
    "one of": [
        lambda t: t.l.isin([1, 2, None]),
        lambda t: t.l.notin([1, 2]),
        lambda t: t.f.isin([0.0, 0.1]),
        lambda t: t.l.isin([2**53 + 1, -(2**63), 2**63 - 1]),
        lambda t: t.f.isin([2**53 + 1, 7]),
        lambda t: t.l.isin([0.5, 2**53 + 1]),
        lambda t: t.k.isin([-(2**7), 2**7]),
        lambda t: t.s.isin(["a", "é", ""]),
        lambda t: t.d.isin([date(2013, 3, 10)]),
    ],
    "one of a column": [],
    "missing": [
        *(lambda t, n=n: t[n].isnull() for n in "blfsdtcvw"),
        *(lambda t, n=n: t[n].notnull() for n in "blfsdtcvw"),
    ],
    "null for a value": [
        *(lambda t, n=n: t[n].nullif(t[n + "2"]) for n in "bhlfsdt"),
        lambda t: t.f.nullif(0),
        lambda t: t.l.nullif(t.f),
    ],
    "first that is there": [
        *(lambda t, n=n: ibis.coalesce(t[n], t[n + "2"]) for n in "bhlfsdtcvw"),
        lambda t: t.l.fill_null(0),
        lambda t: ibis.coalesce(t.l, t.f),
        lambda t: ibis.coalesce(t.k, t.h, t.i, t.l),
        lambda t: ibis.coalesce(t.k, -(2**63)),
        lambda t: ibis.coalesce(t.v, ibis.literal([], type="array<string>")),
    ],
    "delivered text as a value": [
        lambda t: typed(t.s, dt.int8),
        lambda t: typed(t.s, dt.int16),
        lambda t: typed(t.s, dt.int32),
        lambda t: typed(t.s, dt.int64),
        lambda t: typed(t.s, dt.float64),
        lambda t: typed(t.s, dt.date),
        lambda t: typed(t.s, clock.INSTANT),
        lambda t: clock.calendar_date(t.h, t.i, t.h2),
        lambda t: clock.calendar_date(t.d.year(), t.d.month(), t.d.day()),
        lambda t: clock.calendar_date(t.d.year(), t.d2.month(), t.d2.day()),
    ],
    "choice": [
        lambda t: ibis.ifelse(t.b, t.s, t.s2),
        lambda t: ibis.ifelse(t.f > 0, t.f, t.f2),
        lambda t: ibis.ifelse(t.b, t.l, t.f),
        lambda t: ibis.ifelse(t.b, t.k, t.l),
        lambda t: ibis.ifelse(t.b, t.v, t.v2),
        lambda t: ibis.ifelse(t.b, 1.0, 0.0),
        lambda t: ibis.cases((t.b, 1), (t.b2, 2), else_=3),
        lambda t: ibis.cases((t.b, t.l), (t.b2, t.l2)),
        lambda t: t.h.cases((1, "a"), (2, "b"), else_="c"),
    ],
    "least and greatest of columns": [
        *(lambda t, n=n: ibis.least(t[n], t[n + "2"]) for n in "bhlfsdtc"),
        *(lambda t, n=n: ibis.greatest(t[n], t[n + "2"]) for n in "bhlfsdtc"),
        lambda t: ibis.least(t.l, t.f),
        lambda t: ibis.greatest(t.k, t.l, 2**53 + 1),
    ],
    "least and greatest with bounds": [
        lambda t: t.l.clip(0, 10),
        lambda t: t.l.clip(-(2**63), 2**53 + 1),
        lambda t: t.h.clip(lower=-7),
        lambda t: t.k.clip(-1000, 1000),
    ],
    "comparison of lists": [lambda t: t.v < t.v2],
    "arithmetic": [
        *(lambda t, n=n: t[n] + t[n + "2"] for n in "khimf"),
        *(lambda t, n=n: t[n] - t[n + "2"] for n in "khimf"),
        *(lambda t, n=n: t[n] * t[n + "2"] for n in "khif"),
        lambda t: t.p + t.p2,
        lambda t: t.p - t.p2,
        lambda t: t.p * (t.k % 2),
        lambda t: t.i + t.p,
        *(lambda t, n=n: t[n] * -1 + 2**40 for n in "khi"),
        lambda t: t.h + 1,
        lambda t: 1 - t.h,
        lambda t: t.h * 1000,
        lambda t: t.i * t.h,
        lambda t: t.d.year() * 100000000 + t.d.month(),
        lambda t: t.f * 0.1,
        lambda t: t.h + t.f,
        lambda t: t.f + ibis.literal(0.1) * ibis.literal(3.0),
        lambda t: t.s.length() + t.h,
    ],
    "sign and size": [
        lambda t: -t.f,
        lambda t: t.f.abs(),
        *(lambda t, n=n: -least_left_out(t[n]) for n in "khil"),
        *(lambda t, n=n: least_left_out(t[n]).abs() for n in "khil"),
    ],
    "division of whole numbers": [
        *(lambda t, n=n: t[n] / t[n + "2"] for n in "khil"),
        *(lambda t, d=d: t.l / d for d in (1, 2, 7, -1, -7, 0, *ENDS)),
        lambda t: t.h / 0,
        lambda t: t.h / t.l,
        lambda t: 7 / t.l,
        lambda t: exact_mean(t.l, t.l2),
    ],
    "division": [
        lambda t: t.f / t.f2.nullif(0),
        lambda t: t.f / 0.3,
        lambda t: t.l / t.f.nullif(0),
        lambda t: t.f / t.l.nullif(0),
        lambda t: t.l.cast("float64") / t.l2.nullif(0).cast("float64"),
        lambda t: ibis.literal(0.1) / ibis.literal(0.3) + t.f,
    ],
    "division by what may be 0": [lambda t: t.f / t.f2],
    "whole quotient": [
        *(lambda t, n=n: fits(t, n, lambda a, b: a // b) for n in "khil"),
        *(lambda t, d=d: fits(t, "l", lambda a, _: a // d) for d in (1, 2, 7, -1, -7, 0, *ENDS)),
        lambda t: t.h // t.l,
        lambda t: 7 // t.k,
        lambda t: clock.minutes_between(t.t, t.t2),
        lambda t: clock.microseconds(t.t) // 1_000_000,
    ],
    "whole quotient of floats": [lambda t: t.f // t.f2.nullif(0)],
    "remainder": [
        *(lambda t, n=n: t[n] % t[n + "2"] for n in "khil"),
        *(lambda t, d=d: t.l % d for d in (1, 2, 7, -1, -7, *ENDS)),
        lambda t: t.h % t.l,
        lambda t: t.l % t.k,
        lambda t: 7 % t.k,
        lambda t: clock.microseconds(t.t) % 1_000_000,
    ],
    "remainder of floats": [lambda t: t.f % t.f2],
    "bits": [
        lambda t: t.l & t.l2,
        lambda t: t.l | t.l2,
        lambda t: t.l ^ t.l2,
        lambda t: ~t.l,
        lambda t: ~t.k,
        lambda t: t.k & t.h,
    ],
    "shift to the left": [lambda t: t.i << 3],
    "not a number, infinite": [lambda t: t.f.isnan(), lambda t: t.f.isinf()],
    "float to a whole number": [
        lambda t: of_64_bits(t.f).floor(),
        lambda t: of_64_bits(t.f).ceil(),
        lambda t: (of_64_bits(t.f) / 1000.0 * 2.5).floor().cast("int64"),
    ],
    "float to the nearest whole number": [
        lambda t: of_64_bits(t.f).round(),
        lambda t: (t.h / 2).round(),
        lambda t: ibis.ifelse(t.b, 0.49999999999999994, 4503599627370497.5).round(),
    ],
    "square and cube": [lambda t: t.f**2, lambda t: t.l**2, lambda t: t.h**3, lambda t: t.f**3.0],
    "power": [lambda t: t.h.cast("float64").abs() ** 0.37],
    "rounding": [lambda t: t.f.round(2)],
    "sign": [lambda t: t.f.sign()],
    "square root": [lambda t: t.f.sqrt()],
    "exponential and trigonometric functions": [
        lambda t: ibis.ifelse(t.f.abs() < 100, t.f, ibis.null("float64")).exp(),
        lambda t: ibis.ifelse(t.f.abs() < 100, t.f, ibis.null("float64")).sin(),
    ],
    "logarithm": [lambda t: t.f.ln(), lambda t: t.f.log10()],
    "text put together": [
        lambda t: t.s + t.s2,
        lambda t: t.s + "-" + t.s2,
        lambda t: ibis.literal("-").join([t.s, t.s2]),
    ],
    "length of text": [lambda t: t.s.length()],
    "part of text": [
        lambda t: t.s.substr(0, 1),
        lambda t: t.s.substr(1, 2),
        lambda t: t.s.substr(2),
        lambda t: t.s.substr(0, 0),
        lambda t: t.s.substr(60, 100),
        lambda t: t.s.substr(69, 1),
        lambda t: t.s.substr(70),
        lambda t: t.s.substr(0, 2**30),
        lambda t: t.s.substr(2**30),
        lambda t: t.s.left(2**30),
        lambda t: t.s.right(2**30),
        lambda t: t.s[1:3],
        lambda t: t.s.left(2),
        lambda t: t.s.right(2),
        lambda t: t.s.right(0),
    ],
    "part of text at a variable place": [
        lambda t: t.s.substr(-(t.h.cast("int64") % 5), 2),
        lambda t: t.s.substr(-2, 1),
    ],
    "text within text": [
        lambda t: t.s.contains(t.s2),
        lambda t: t.s.contains("%"),
        lambda t: t.s.startswith(t.s2),
        lambda t: t.s.endswith(t.s2),
        lambda t: t.s.endswith("a"),
    ],
    "place of a text": [lambda t: t.s.find(t.s2), lambda t: t.s.find("a")],
    "replaced text": [
        lambda t: t.s.replace("a", "𝄞"),
        lambda t: t.s.replace(t.s2, "x"),
        lambda t: t.s.replace("", "x"),
    ],
    "repeated text": [lambda t: t.s.repeat(2), lambda t: t.s.repeat(0), lambda t: t.s.repeat(t.h % 4)],
    "padded text": [
        lambda t: t.s.lpad(0, "0"),
        lambda t: t.s.lpad(70, "𝄞"),
        lambda t: t.s.rpad(71, "𝄞"),
        lambda t: t.s.lpad(4, "0"),
        lambda t: t.s.rpad(4, "é"),
    ],
    "text like a pattern": [lambda t: t.s.like("a%"), lambda t: t.s.like("a_b"), lambda t: t.s.like("%")],
    "text like a pattern with escapes": [lambda t: t.s.like("a\\%b")],
    "matching text": [
        lambda t: t.s.re_search(r"^[a-z]+\z"),
        lambda t: t.s.re_search(r"^[^\n]\z"),
        lambda t: t.s.re_search(r"^(?:[A-Z]{1,2}|[0-9]+)"),
        lambda t: t.s.re_search(r"[\-+]?1(\.[0-9]*)?"),
        lambda t: t.s.re_search("[é𝄞]"),
        lambda t: t.s.re_search(""),
        lambda t: t.s.re_search("a$"),
        lambda t: (t.s + "\r").re_search("^a.$"),
        lambda t: (t.s + "\u2028").re_search("^a.$"),
        lambda t: t.s.re_search(r"^[\s\d]+$"),
        lambda t: t.s.re_search(r"\W\w|\S\D"),
    ],
    "matching text, by other signs": [lambda t: t.s.re_search(r"\bé"), lambda t: t.s.re_search("a++")],
    "text taken out": [
        lambda t: t.s.re_extract("(a)(b)?", 2),
        lambda t: t.s.re_extract(r"^([0-9]+)-([0-9]+)", 1),
        lambda t: t.s.re_extract("[^a]+", 0),
        lambda t: t.s.re_extract(r"^[ ]*([^ ]+)", 1),
    ],
    "text replaced by pattern": [
        lambda t: t.s.re_replace("[^0-9]", ""),
        lambda t: t.s.re_replace(r"^a+|\s$", "é"),
        lambda t: t.s.re_replace("[a𝄞]", "ab"),
    ],
    "text replaced by pattern, with groups": [lambda t: t.s.re_replace("(a)", "\\1\\1")],
    "digest of text": [lambda t: t.s.hexdigest("md5"), lambda t: t.s.hexdigest("sha256")],
    "hash": [lambda t: t.l.hash()],
    "upper and lower case": [lambda t: t.s.upper(), lambda t: t.s.lower(), lambda t: t.s.capitalize()],
    "text without its blanks": [
        *(lambda t, x=x: (ibis.literal(x) + t.s + ibis.literal(x)).strip() for x in ("", " \t\n\r\f\v", "\u00a0 ")),
        lambda t: t.s.lstrip(),
        lambda t: t.s.rstrip(),
    ],
    "text backwards": [lambda t: t.s.reverse()],
    "distance of texts": [lambda t: t.s.levenshtein(t.s2)],
    "split text": [*(lambda t, x=x: t.s.split(x) for x in (".", "a", "|", "\\", "ab", "^", "\n"))],
    "text split by a column": [lambda t: t.s.split(t.s2)],
    "time in digits": [
        lambda t: t.t.strftime("%Y-%m-%d %H:%M:%S"),
        lambda t: t.c.strftime("%d.%m.%Y, 100%%"),
        lambda t: t.d.strftime("%Y-%m"),
        lambda t: t.d.strftime("x"),
    ],
    "time in words": [lambda t: t.t.strftime("%Y-%m-%d %H:%M:%S.%f %j %p %I %y %b %a")],
    "parts of a day": [
        *(lambda t, n=n: t[n].year() for n in "dtc"),
        *(lambda t, n=n: t[n].quarter() for n in "dtc"),
        *(lambda t, n=n: t[n].month() for n in "dtc"),
        *(lambda t, n=n: t[n].day() for n in "dtc"),
        *(lambda t, n=n: t[n].day_of_year() for n in "dtc"),
        *(lambda t, n=n: t[n].week_of_year() for n in "dtc"),
    ],
    "day of the week": [lambda t, n=n: t[n].day_of_week.index() for n in "dtc"],
    "parts of a time": [
        *(lambda t, n=n: t[n].hour() for n in "tc"),
        *(lambda t, n=n: t[n].minute() for n in "tc"),
        *(lambda t, n=n: t[n].second() for n in "tc"),
        lambda t: t.t.second() / 7,
        lambda t: t.c.second() == 59,
    ],
    "parts of a second": [lambda t: t.t.millisecond(), lambda t: t.t.microsecond()],
    "seconds since 1970": [
        lambda t: ibis.ifelse(t.t.year().between(1905, 2037), t.t, ibis.null(clock.INSTANT)).epoch_seconds(),
        lambda t: ibis.ifelse(t.d.year().between(1905, 2037), t.d, ibis.null("date")).epoch_seconds(),
    ],
    "year of the week": [lambda t: t.d.iso_year()],
    "day of a time": [lambda t: t.t.date(), lambda t: t.c.date()],
    "date of numbers": [lambda t: ibis.date(t.d.year(), t.d2.month(), 28), lambda t: t.d == ibis.date(2013, 3, 10)],
    "start of a unit": [
        *(lambda t, u=u: t.d.truncate(u) for u in "YMWD"),
        *(lambda t, u=u: t.t.truncate(u) for u in ("Y", "M", "W", "D", "h", "m", "s")),
        *(lambda t, u=u: t.c.truncate(u) for u in ("Y", "M", "W", "D", "h", "m", "s")),
        lambda t: t.d.truncate("M").cast("string"),
    ],
    "interval of a number": [
        *(lambda t, u=u: near(t) + t.h.as_interval(u) for u in ("D", "h", "m", "s", "ms", "us", "M")),
        *(lambda t, u=u: near(t) - t.i.as_interval(u) for u in ("h", "m", "s", "ms", "us")),
        lambda t: clock.plus_minutes(near(t), t.i.cast("int64")),
    ],
    "interval, so many times": [
        lambda t: near(t) + ibis.interval(days=2) * t.h,
        lambda t: t.d.truncate("Y") + ibis.interval(days=1) * ibis.ifelse(t.d.day_of_week.index() == 4, 3, 1),
        lambda t: near(t) - ibis.interval(minutes=7) * t.k,
    ],
    "interval of a large number": [lambda t: near(t) + t.l.as_interval("m")],
    "moved time": [
        lambda t: near(t) + ibis.interval(hours=5),
        lambda t: near(t) + ibis.interval(days=1),
        lambda t: near(t) + ibis.interval(months=1),
        lambda t: near(t) - ibis.interval(months=1),
        lambda t: near(t) - ibis.interval(years=1),
        lambda t: near(t) - ibis.interval(weeks=1),
        lambda t: near(t) - ibis.interval(milliseconds=1),
        lambda t: near(t) - ibis.interval(microseconds=1),
        lambda t: t.c - ibis.interval(hours=5),
        lambda t: t.c - ibis.interval(days=1),
        lambda t: t.d - ibis.interval(days=1),
        lambda t: t.d + ibis.interval(days=1),
        lambda t: t.t + ibis.interval(microseconds=1),
        lambda t: t.c + ibis.interval(days=1),
        lambda t: t.t - ibis.interval(years=1),
        lambda t: (t.d.truncate("Y") + ibis.interval(days=1)).cast("string"),
        lambda t: t.d2 - ibis.interval(months=1),
        lambda t: t.d.truncate("M") + (t.h % 100).as_interval("D"),
    ],
    "days between": [lambda t: t.d.delta(t.d2, unit="day")],
    "months between": [lambda t: t.d.delta(t.d2, unit="month")],
    "bounds between times": [
        *(lambda t, u=u: t.t.delta(t.t2, unit=u) for u in ("day", "hour", "minute", "second", "millisecond")),
        lambda t: t.c.delta(t.c2, unit="microsecond"),
    ],
    "units between times": [lambda t: t.t.delta(t.t2, unit="month"), lambda t: t.t.delta(t.t2, unit="week")],
    "interval between": [lambda t: near(t) + (t.d - t.d2)],
    "the present": [lambda t: ibis.now(), lambda t: ibis.today().cast("string")],
    "random values": [lambda t: ibis.random(), lambda t: ibis.uuid().cast("string")],
    "functions that are not reproducible": [lambda t: gen_random_uuid(), lambda t: clock_timestamp()],
    "bucket of time": [
        *(lambda t, w=w: t.t.bucket(**w) for w in ({"minutes": 15}, {"hours": 7}, {"days": 3}, {"milliseconds": 1})),
        lambda t: t.c.bucket(seconds=10),
    ],
    "bucket of months": [lambda t: t.t.bucket(months=1)],
    "constant": [
        lambda t: ibis.ifelse(t.b, 0.1, 123456789.12345679),
        lambda t: ibis.ifelse(t.b, ibis.literal(5e-324), ibis.literal(1.7976931348623157e308)),
        lambda t: ibis.ifelse(t.b, ibis.literal(float("nan")), ibis.literal(float("-inf"))),
        lambda t: ibis.literal(-0.0) + t.f,
        lambda t: ibis.literal("𝄞é'\\n\n\"`$%") + t.s,
        lambda t: t.t == ibis.literal(SPRING),
        lambda t: t.c == ibis.literal(SPRING.replace(tzinfo=None)),
        lambda t: t.d == ibis.literal(date(1, 1, 1)),
        lambda t: ibis.ifelse(t.b, 2**63 - 1, t.l),
        lambda t: ibis.ifelse(t.b, ibis.null("array<string>"), t.v),
        lambda t: ibis.array(["x", ibis.null("string")]),
        lambda t: ibis.literal(["a", "b"]),
        lambda t: ibis.ifelse(t.b, ibis.literal(True), ibis.null("boolean")),
    ],
    "as a number": [
        *(lambda t, n=n: t[n].cast("float64") for n in "khil"),
        lambda t: t.b.cast("int64"),
        lambda t: t.b.cast("int16"),
        lambda t: t.h.cast("int64"),
        lambda t: (t.l % 1000).cast("int16"),
        lambda t: t.i.cast("decimal(18, 2)"),
        lambda t: (t.l // 1000).cast("decimal(20, 2)"),
    ],
    "decimal of another length": [
        lambda t: t.p.cast(CENTS),
        lambda t: typed((t.l % 1000).cast("string") + ".25", LONG).cast("decimal(5, 2)"),
        lambda t: typed("-" + t.i.abs().cast("string") + ".05", LONG).cast("decimal(18, 2)"),
    ],
    "float as a whole number": [lambda t: t.f.try_cast("int64")],
    "as text": [*(lambda t, n=n: t[n].cast("string") for n in "bkhild")],
    "float as text": [lambda t: t.f.cast("string")],
    "time as text": [lambda t: t.t.cast("string")],
    "constant text as a value": [
        lambda t: written("2013-03-10 06:59:59.999999+00:00").cast(clock.INSTANT) == t.t,
        lambda t: ibis.literal("2013-03-10").cast("timestamp") < t.c,
        lambda t: ibis.literal("2012-02-29").cast("date") < t.d,
        lambda t: ibis.literal("0.1").cast("float64") * t.f,
    ],
    "between dates, clocks and instants": [
        lambda t: t.d.cast("timestamp(6)"),
        lambda t: t.d.cast(clock.INSTANT),
        lambda t: t.t.cast("timestamp(6)"),
        lambda t: t.c.cast(clock.INSTANT),
        lambda t: t.t.cast("date"),
        lambda t: clock.microseconds(t.c),
        lambda t: clock.microseconds(t.d.cast(clock.INSTANT)),
    ],
    "time as a number": [lambda t: t.t.cast("int64")],
    "text as a value of one form": [
        *(lambda t, to=to: t.s.try_cast(to) for to in ("int16", "int64", "float64", "date", clock.INSTANT)),
        lambda t: t.s.try_cast("decimal(18, 2)"),
        lambda t: t.s.try_cast("decimal(5, 0)"),
        lambda t: t.s.re_extract("^([0-9]+)", 1).try_cast("int64"),
    ],
    "text as a value": [
        lambda t: t.s.try_cast("boolean"),
        lambda t: ibis.ifelse(t.s == " 1", t.s, ibis.null("string")).cast("boolean"),
        lambda t: ibis.ifelse(t.s == "1.5", t.s, ibis.null("string")).cast("int32"),
    ],
    "whole number, where it fits": [
        *(lambda t, to=to: t.l.try_cast(to) for to in ("int8", "int16", "int32")),
        lambda t: t.h.try_cast("int8"),
    ],
    "list of values": [lambda t: ibis.array([t.s, t.s2]), lambda t: ibis.array([t.f, t.f2])],
    "length of a list": [lambda t: t.v.length(), lambda t: t.w.length()],
    "lists put together": [lambda t: t.v + t.v2, lambda t: t.v.concat(ibis.array([t.s]))],
    "items": [
        lambda t: t.v.filter(lambda item: item.notnull()),
        lambda t: t.v.filter(lambda item: item != "a"),
        lambda t: t.v.map(lambda item: item + "!"),
        lambda t: t.w.filter(lambda item: item.notnull()),
        lambda t: t.w.map(lambda item: -item),
        lambda t: t.v.filter(lambda item: item == t.s).length() > 0,
    ],
    "item of a list": [lambda t: t.v[0], lambda t: t.v[1], lambda t: t.w[0], lambda t: t.s.split("a")[1]],
    "item of a list from its end": [lambda t: t.v[-1]],
    "numbers of a range": [
        lambda t: ibis.range(0, 10),
        lambda t: ibis.range(t.k, t.k2, 3),
        lambda t: ibis.range(t.k, t.k2, -3),
        lambda t: ibis.range(5, t.k, 0),
    ],
    "first items": [lambda t: t.v[0:1], lambda t: t.v[1:3]],
    "list with a value": [lambda t: t.v.contains(t.s)],
    "list of different values": [
        lambda t: t.v.unique(),
        lambda t: t.v.union(t.v2),
        lambda t: t.v.intersect(t.v2),
    ],
    "total of a list": [lambda t: t.w.sums(), lambda t: t.w.means()],
    "joined list": [lambda t: t.v.join("-")],
    "lists of lists": [lambda t: ibis.array([t.v, t.v2]).flatten(), lambda t: t.v.repeat(2)],
    "record": [
        lambda t: written(
            ibis.ifelse(t.b, ibis.struct({"a": t.s, "b": t.l}), ibis.null("struct<a: string, b: int64>"))
        )["b"],
        lambda t: ibis.struct({"a": t.s, "b": t.l}) == ibis.struct({"a": t.s2, "b": t.l2}),
    ],
    "functions of every session": [
        lambda t: clock.epoch_us(t.t),
        *(
            lambda t, z=z: clock.local_clock(t.t, z)
            for z in (NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu", "America/Phoenix", "UTC")
        ),
        lambda t: clock.local_clock(t.t, ibis.ifelse(t.b, NEW_YORK, "Europe/London")),
        *(
            lambda t, z=z: clock.instant_of(t.c, z)
            for z in (NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "UTC")
        ),
        lambda t: clock.instant_of(t.d.cast("timestamp(6)"), ibis.ifelse(t.b, NEW_YORK, "America/Sao_Paulo")),
    ],
    "record as JSON": [
        lambda t: to_json(ibis.struct({"a": t.s, 'we"ird ü': t.s2})).cast("string"),
        lambda t: to_json(ibis.struct({"h": t.h, "l": t.l, "b": t.b, "d": t.d, "v": t.v})).cast("string"),
    ],
    "floats and times as JSON": [
        lambda t: to_json(ibis.struct({"f": t.f})).cast("string"),
        lambda t: to_json(ibis.struct({"t": t.t})).cast("string"),
    ],
}

WINDOWS: Uses = {
    "window over ties": [
        over(lambda t: t.count()),
        over(lambda t: t.m.sum(), order_by="tie"),
        over(lambda t: t.s.max()),
        over(lambda t: t.m.count(where=t.b)),
        over(lambda t: t.count(where=t.b)),
        over(lambda t: t.b.any()),
        over(lambda t: t.b.all()),
        over(lambda t: t.d.min()),
        lambda t: t.count().over(ibis.window(group_by="f")),
        lambda t: t.count().over(ibis.window()),
        over(lambda t: ibis.rank(), order_by="tie"),
        over(lambda t: ibis.dense_rank(), order_by="f"),
        over(lambda t: ibis.percent_rank(), order_by="tie"),
        over(lambda t: ibis.cume_dist(), order_by="f"),
        over(lambda t: ibis.percent_rank(), order_by="id"),
        over(lambda t: t.i.mean()),
        over(lambda t: t.b.mean(where=t.b2)),
        over(lambda t: t.h.median()),
        over(lambda t: t.f.quantile(0.3)),
        over(lambda t: t.f.max()),
        over(lambda t: t.zero.min()),
        over(lambda t: t.p.sum()),
        *(over(lambda t, n=n: t[n].nunique()) for n in "sldtp"),
        over(lambda t: t.s.nunique(where=t.b)),
        ranged(lambda t: t.i.mean(), "tie", 1),
        ranged(lambda t: t.m.sum(), "tie", 1),
        ranged(lambda t: t.m.min(), "tie", (1, 1), None),
        ranged(lambda t: t.count(), "m", 60, 60),
        ranged(lambda t: t.i.sum(), "m", 60, 60),
        ranged(lambda t: t.h.sum(), "m", 2**41),
        ranged(lambda t: (t.l // 1024).sum(), "m", 60, 60),
        ranged(lambda t: (t.l // 1024).sum(), "i", 2**31),
        # Beyond the type of the order, and of it at its ends.
        ranged(lambda t: t.count(), "k", 2**7, 2**7),
        ranged(lambda t: t.m.sum(), "k", 100, 100),
        ranged(lambda t: t.count(), "h", 2**15, 2**15),
        ranged(lambda t: t.i.sum(), "i", 2**31, 60),
        ranged(lambda t: t.b.count(), "m", 60, 2**41),
        ranged(lambda t: ibis.ifelse(t.tie == 1, t.l, ibis.null("int64")).sum(), "id", 0),
        ranged(lambda t: t.m.sum(), "t", None),
        ranged(lambda t: t.count(), "t", *HOURS),
        ranged(lambda t: t.m.sum(), "t", *DAYS),
        ranged(lambda t: t.count(), "c", *HOURS),
        ranged(lambda t: t.count(), "d", *DAYS),
        lambda t: t.m.sum().over(
            ibis.range_window(group_by="g", order_by=[t.tie, t.b.desc(), t.f], preceding=None, following=0)
        ),
    ],
    "0 as an interval": [
        ranged(lambda t: t.m.sum(), "t", ibis.interval(days=7)),
        ranged(lambda t: t.count(), "d", 0, ibis.interval(days=30)),
    ],
    "numbering": [
        over(lambda t: ibis.row_number(), order_by="id"),
        over(lambda t: ibis.row_number(), order_by=["s", "id"]),
        lambda t: ibis.row_number().over(ibis.window(group_by="g", order_by=[t.f.desc(), t.id])),
        lambda t: ibis.row_number().over(ibis.window(order_by=[t.zero, t.d.desc(nulls_first=True), t.id])),
        over(lambda t: ibis.ntile(3), order_by="id"),
        over(lambda t: t.s.lag(), order_by="id"),
        over(lambda t: t.s.lead(2, "x"), order_by="id"),
        over(lambda t: t.m.sum(), order_by="id", preceding=3, following=1),
        over(lambda t: (t.l // 1024).sum(), order_by="id", preceding=3, following=1),
        over(lambda t: t.i.sum(), order_by="id", preceding=4, following=0),
        over(lambda t: t.m.sum(), order_by="id", preceding=None, following=0),
        over(lambda t: t.m.sum(), order_by="id", preceding=0, following=None),
        over(lambda t: t.m.count(), order_by="id", preceding=(3, 1)),
        over(lambda t: t.s.min(), order_by="id", following=(1, 2)),
        over(lambda t: t.i.mean(), order_by="id", preceding=6, following=0),
        over(lambda t: t.s.first(), order_by="id"),
        over(lambda t: t.s.first(), order_by="id", preceding=2, following=1),
        over(lambda t: t.l.last(), order_by="id", preceding=None, following=0),
        over(lambda t: t.b.last(), order_by=["tie", "id"], preceding=3, following=(1)),
        over(lambda t: t.d.last(), order_by="id", preceding=(3, 1)),
        over(lambda t: t.f.first(), order_by="id", following=(1, 2)),
        lambda t: t.s.last().over(ibis.window(group_by="g", order_by=[t.f.desc(), t.id], preceding=None, following=0)),
    ],
    "order": [over(lambda t: ibis.rank(), order_by=name) for name in "bhildfstc"],
    "order of lists": [over(lambda t: ibis.rank(), order_by="v")],
    "parts of a window": [over(lambda t: ibis.row_number(), order_by="id", preceding=None, following=None)],
    "other functions in a window": [
        over(lambda t: t.i.std()),
        over(lambda t: t.s.first(include_null=True), order_by="id"),
    ],
    "numbering in an order with ties": [
        over(lambda t: ibis.row_number(), order_by="tie"),
        over(lambda t: t.m.sum(), order_by="tie", preceding=1, following=0),
        over(lambda t: t.s.lag(), order_by="tie"),
    ],
}

AGGREGATES: Uses = {
    "counts": [
        lambda t: t.count(),
        lambda t: t.count(where=t.b),
        lambda t: t.f.count(),
        lambda t: t.f.count(where=t.b),
        *(lambda t, n=n: t[n].nunique() for n in ("b", "l", "f", "zero", "s", "d", "t")),
        lambda t: t.l.nunique(where=t.b),
    ],
    "sum of whole numbers": [
        *(lambda t, n=n: t[n].sum() for n in "bkhim"),
        # Beyond 2^53.
        lambda t: (t.l // 1024).sum(),
        lambda t: exact_mean((t.l // 1024).sum(), t.l.count()),
        lambda t: t.m.sum(where=t.b),
        lambda t: t.m.sum() * 3 + 1,
        lambda t: t.m.sum() / t.m.count().nullif(0),
    ],
    "sum of decimals": [
        lambda t: t.p.sum(),
        *(lambda t, n=n: typed(t[n].cast("string") + ".25", CENTS).sum() for n in "khil"),
        lambda t: typed(t.l.cast("string") + ".05", CENTS).sum(where=t.b),
    ],
    "sum of floats": [lambda t: ibis.ifelse(t.f.abs() < 1e30, t.f, ibis.null("float64")).sum()],
    "mean of whole numbers": [
        *(lambda t, n=n: t[n].mean() for n in "bkhim"),
        lambda t: (t.l // 1024).mean(),
        lambda t: t.b.mean(where=t.b2),
        lambda t: t.i.mean() * 2 + 1,
    ],
    "mean of floats": [lambda t: ibis.ifelse(t.f.abs() < 1e30, t.f, ibis.null("float64")).mean()],
    "median and quantile": [
        *(lambda t, n=n: t[n].median() for n in "khlmf"),
        *(lambda t, q=q: t.f.quantile(q) for q in (0, 0.1, 0.9, 1)),
        lambda t: t.i.quantile(0.37, where=t.b),
        lambda t: t.zero.median(),
    ],
    "least and greatest": [
        *(lambda t, n=n: t[n].min() for n in "bkhilsdtcfp"),
        *(lambda t, n=n: t[n].max() for n in "bkhilsdtcfp"),
        lambda t: t.l.min(where=t.b),
        lambda t: t.zero.min(),
        lambda t: t.zero.max(where=t.b),
        lambda t: typed(t.k.cast("string") + ".10", CENTS).max(),
        lambda t: typed(t.l.cast("string") + ".10", LONG).min(),
    ],
    "any and all": [
        lambda t: t.b.any(),
        lambda t: t.b.all(),
        lambda t: t.b.any(where=t.b2),
        lambda t: t.b.all(where=t.b2),
    ],
    "deviation, variance, correlation, covariance": [
        lambda t: t.i.std(),
        lambda t: t.i.var(),
        lambda t: t.i.cov(t.h),
        lambda t: t.i.corr(t.h, how="pop"),
    ],
    "estimates": [lambda t: t.s.approx_nunique()],
    "most frequent value": [lambda t: t.s.mode()],
    "value of the greatest": [
        lambda t: t.s.argmax(t.tie),
        lambda t: t.s.argmin(t.tie),
        lambda t: t.l.argmax(t.t),
        lambda t: t.d.argmin(t.f, where=t.b),
        lambda t: t.f.argmax(t.zero),
        lambda t: t.p.argmin(t.b),
    ],
    "list of the greatest": [lambda t: t.v.argmax(t.tie)],
    "values in an order": [
        lambda t: t.s.first(order_by=t.id),
        lambda t: t.s.last(order_by=t.id),
        lambda t: t.i.collect(order_by=t.id),
        lambda t: t.s.group_concat("-", order_by=t.s),
    ],
    "first, last, any value": [lambda t: t.s.first(), lambda t: t.s.last(order_by=t.tie), lambda t: t.s.arbitrary()],
    "collected values": [lambda t: t.i.collect(), lambda t: t.i.collect(distinct=True)],
}


def joined(how: str, *columns: str) -> Use:
    return lambda t, u: t.join(u, [t[name] == u["u_" + name] for name in columns], how=how).select("id", "u_id")


TABLES: Uses = {
    "sum of long decimals": [
        lambda t, u: t.filter(t.id < 2).aggregate(x=ibis.literal("7" + "0" * 35).cast(LONG).sum())
    ],
    "selection": [
        lambda t, u: t.filter(t.f > 0).drop("l").mutate(x=t.h + 1).rename(y="s").select("id", "x", "y"),
        lambda t, u: t.filter(t.f.isnull() | t.b),
    ],
    "order without effect": [lambda t, u: t.order_by("s").select("id", "s")],
    "joins": [
        joined("inner", "s"),
        joined("left", "l"),
        joined("left", "f"),
        joined("right", "d"),
        joined("outer", "h"),
        joined("inner", "v"),
        joined("left", "g", "tie"),
        lambda t, u: t.inner_join(u, [t.zero == u.u_f]).select("id", "u_id", "zero", "u_f"),
        lambda t, u: t.left_join(u.filter(u.u_id < 0), [t.s == u.u_s]).select("id", "u_id"),
    ],
    "join": [
        lambda t, u: t.semi_join(u, [t.s == u.u_s]).select("id"),
        lambda t, u: t.anti_join(u, [t.s == u.u_s]).select("id"),
        lambda t, u: t.anti_join(u, [t.f == u.u_f]).select("id"),
        lambda t, u: t.left_join(u, [t.s == u.u_s, t.l < u.u_h]).select("id", "u_id"),
        lambda t, u: t.inner_join(u, [t.s.identical_to(u.u_s)]).select("id", "u_id"),
        lambda t, u: t.filter(t.id < 7).cross_join(u.filter(u.u_id < 7)).select("id", "u_id"),
        lambda t, u: t.left_join(t.filter(t.b).select("id", other="s"), "id").select("id", "other"),
    ],
    "join as of a time": [lambda t, u: t.asof_join(u, t.t >= u.u_t).select("id", "u_id")],
    "rows put together": [
        lambda t, u: t.select("g", "b", "f").union(t.select("g", "b", "f")),
        lambda t, u: t.select("g", "b").union(t.select("g", "b"), distinct=True),
        lambda t, u: t.select(x="s").intersect(u.select(x="u_s")),
        lambda t, u: t.select(x="s").intersect(t.select(x="s2"), distinct=False),
        lambda t, u: t.select(x="s").difference(u.select(x="u_s")),
        lambda t, u: t.select(x="s").difference(u.select(x="u_s"), distinct=False),
    ],
    "different rows": [
        lambda t, u: t.select("g", "b", "tie").distinct(),
        lambda t, u: t.select("d", "t", "v").distinct(),
    ],
    "groups": [
        lambda t, u: t.group_by("g").aggregate(n=t.count()),
        lambda t, u: t.group_by("d", "t", "s").aggregate(n=t.count()),
        lambda t, u: t.group_by("p").aggregate(n=t.count()),
        lambda t, u: t.group_by("v").aggregate(n=t.count()),
        lambda t, u: t.group_by(parity=t.l % 2).aggregate(n=t.count()),
        lambda t, u: t.aggregate(n=t.count()),
    ],
    "groups of floats": [
        lambda t, u: t.group_by(x=-t.zero.abs()).aggregate(n=t.count()),
        lambda t, u: t.select(x=-t.zero.abs()).distinct(),
        lambda t, u: t.select(x=-t.zero.abs()).intersect(t.select(x=-t.zero.abs())),
    ],
    "rows without missing values": [lambda t, u: t.select("id", "l", "s").drop_null()],
    "rows without missing floats": [lambda t, u: t.select("id", "f").drop_null()],
    "filled table": [lambda t, u: t.select("l", "h").fill_null(0)],
    "items as rows": [lambda t, u: t.select("id", x=t.v.unnest())],
    "value of a table": [lambda t, u: t.filter(t.l >= u.u_l.max()).select("id")],
    "one of a column": [
        lambda t, u: t.filter(t.s.isin(u.u_s)).select("id"),
        lambda t, u: t.filter(t.l.notin(u.filter(u.u_l.notnull()).u_l)).select("id"),
        lambda t, u: t.filter(t.l.notin(u.u_l)).select("id"),
    ],
    "table of constants": [
        lambda t, u: t.left_join(CONSTANTS, t.g == CONSTANTS.key).select("id", "key", "day", "share", "n"),
        lambda t, u: CONSTANTS.select("key", "n"),
    ],
    "one row": [lambda t, u: ibis.range(0, 5).unnest().name("i").as_table()],
    "first rows in an order": [
        lambda t, u: t.order_by([t.l.desc(), "id"]).limit(10).select("id", "l"),
        lambda t, u: t.order_by(["f", "s", "id"]).limit(10, offset=100).select("id"),
    ],
    "upper and lower case of ASCII": [
        lambda t, u: t.filter(t.s.re_search("^[ -~]*$")).select("id", x=ibis._.s.upper(), y=ibis._.s.lower()),
        lambda t, u: t.filter(t.s.re_search(r"^[a-zA-Z0-9.]+\z")).select("id", x=ibis._.s.capitalize()),
    ],
    "first rows": [lambda t, u: t.order_by("tie").limit(10).select("id")],
    "place of a row": [lambda t, u: t.select("id", x=t.rowid())],
    "sample": [lambda t, u: t.sample(0.5).select("id")],
}

LEAST = {"k": -(2**7), "h": -(2**15), "i": -(2**31), "l": -(2**63)}
MIDNIGHT = datetime(2013, 1, 1, tzinfo=UTC)

RAISES: Mapping[str, Sequence[tuple[Use, Mapping[str, Any]]]] = {
    "arithmetic": [
        (lambda t: t.l + t.l2, {"l": 2**63 - 1, "l2": 1}),
        (lambda t: t.l - t.l2, {"l": -(2**63), "l2": 1}),
        (lambda t: t.l * t.l2, {"l": 2**62, "l2": 2}),
        (lambda t: t.p * t.l, {"p": Decimal("99999999999999.99"), "l": 1000}),
    ],
    "sign and size": [
        *((lambda t, n=n: -t[n], {n: least}) for n, least in LEAST.items()),
        *((lambda t, n=n: t[n].abs(), {n: least}) for n, least in LEAST.items()),
    ],
    "as a number": [
        (lambda t: t.l.cast("int8"), {"l": -(2**63)}),
        (lambda t: t.h.cast("int8"), {"h": 2**7}),
        (lambda t: t.l.cast("int16"), {"l": 2**15}),
        (lambda t: t.l.cast("int32"), {"l": -(2**31) - 1}),
        (lambda t: t.l.cast("decimal(18, 2)"), {"l": 10**16}),
    ],
    "decimal of another length": [
        (lambda t: t.p.cast("decimal(5, 2)"), {"p": Decimal("1000.00")}),
        (lambda t: t.p.cast("decimal(5, 2)"), {"p": Decimal("-1000.00")}),
    ],
    "float to a whole number": [
        *((lambda t: t.f.floor(), {"f": number}) for number in (2.0**63, -(2.0**64), float("inf"), float("nan"))),
        (lambda t: t.f.ceil(), {"f": 1e300}),
    ],
    "float to the nearest whole number": [(lambda t: t.f.round(), {"f": -1e19})],
    "interval of a number": [
        (lambda t: t.t + t.i.as_interval("D"), {"i": 2**31 - 1, "t": MIDNIGHT}),
        (lambda t: t.t + t.i.as_interval("M"), {"i": 2**31 - 1, "t": MIDNIGHT}),
    ],
    "window over ties": [
        (ranged(lambda t: t.count(), "l", 60), {"l": -(2**63)}),
        (ranged(lambda t: t.count(), "l", 0, 60), {"l": 2**63 - 1}),
    ],
    "whole quotient": [
        (lambda t: t.l // t.l2, {"l": -(2**63), "l2": -1}),
        (lambda t: t.l // -1, {"l": -(2**63)}),
    ],
    "sum of whole numbers": [
        (lambda t: t.l.sum().over(ibis.window()) // 2, {"l": 2**63 - 1}),
    ],
}
"""Of a sum all rows have the value: it is the total that does not fit."""

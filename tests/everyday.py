"""What analysts write every day, and what is wanted of each: data for tests, over tables that it defines itself.

P: portable, the same bits on every engine.  B: of use in a table that is bound to one engine.  N: refused everywhere,
because two runs of the same engine may differ in more than the last digits.
"""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

t: Any = ibis.table(
    {
        "id": "string",
        "k": "string",
        "n": "int64",
        "m": "int32",
        "x": "float64",
        "price": "decimal(18, 2)",
        "s": "string",
        "at": "timestamp('UTC', 6)",
        "d": "date",
        "b": "boolean",
        "day": "string",
    },
    name="t",
)
u: Any = ibis.table(
    {"k": "string", "v": "int64", "valid_from": "timestamp('UTC', 6)", "valid_to": "timestamp('UTC', 6)"}, name="u"
)
# (id, day) is the key of t, (k, valid_from) that of u.
TOTAL = ["at", "id", "day"]


def _by_k(**bounds):
    return ibis.window(group_by="k", order_by=TOTAL, **bounds)


EVERYDAY = {
    # numbers
    "mean of whole numbers": ("P", lambda: t.group_by("k").agg(a=t.n.mean())),
    "mean of whole numbers over a window": ("P", lambda: t.mutate(a=t.n.mean().over(group_by="k"))),
    "moving mean of 7 rows": ("P", lambda: t.mutate(a=t.n.mean().over(_by_k(preceding=6, following=0)))),
    "whole by whole number": ("P", lambda: t.mutate(a=t.n / t.m)),
    "share of true": ("P", lambda: t.group_by("k").agg(a=t.b.mean())),
    "sum of money": ("P", lambda: t.group_by("k").agg(a=t.price.sum())),
    "money times whole number": ("P", lambda: t.mutate(a=t.price * t.m)),
    "whole number to money": ("P", lambda: t.mutate(a=t.n.cast("decimal(20, 2)"))),
    "text to money": ("P", lambda: t.mutate(a=t.s.try_cast("decimal(18, 2)"))),
    "least and greatest float": ("P", lambda: t.group_by("k").agg(a=t.x.min(), b=t.x.max())),
    "float down to a whole number": ("P", lambda: t.mutate(a=(t.x * 10).floor().cast("int64"))),
    "float to the nearest whole number": ("P", lambda: t.mutate(a=(t.x * 10).round().cast("int64"))),
    "median of whole numbers": ("P", lambda: t.group_by("k").agg(a=t.n.median())),
    "quantile of whole numbers": ("P", lambda: t.group_by("k").agg(a=t.n.quantile(0.9))),
    "percent change": ("P", lambda: t.mutate(a=(t.n - t.n.lag().over(_by_k())) / t.n.lag().over(_by_k()).nullif(0))),
    "square": ("P", lambda: t.mutate(a=t.m**2)),
    "clip": ("P", lambda: t.mutate(a=t.n.clip(0, 10).abs())),
    "greatest and least": ("P", lambda: t.mutate(a=ibis.greatest(t.n, t.m), b=ibis.least(t.n, t.m))),
    "whole number times a float": ("P", lambda: t.mutate(a=t.n * 0.1)),
    "mean of floats": ("B", lambda: t.group_by("k").agg(a=t.x.mean())),
    "sum of floats": ("B", lambda: t.group_by("k").agg(a=t.x.sum())),
    "rounded to two digits": ("B", lambda: t.mutate(a=(t.n / t.m.nullif(0)).round(2))),
    "deviation, z-score": (
        "B",
        lambda: t.mutate(a=(t.n - t.n.mean().over(group_by="k")) / t.n.std().over(group_by="k")),
    ),
    "correlation": ("B", lambda: t.agg(a=t.n.corr(t.m))),
    "exponential": ("B", lambda: t.mutate(a=t.x.exp())),
    "great circle": ("B", lambda: t.mutate(a=t.x.radians().sin())),
    "square root": ("B", lambda: t.mutate(a=t.x.sqrt())),
    "float to money": ("B", lambda: t.mutate(a=t.x.cast("decimal(18, 2)"))),
    # rows in order
    "sum of the last 7 days": (
        "P",
        lambda: t.mutate(
            a=t.n.sum().over(
                ibis.range_window(preceding=ibis.interval(days=7), following=0, group_by="k", order_by="at")
            )
        ),
    ),
    "latest row of each": (
        "P",
        lambda: t.mutate(
            r=ibis.row_number().over(ibis.window(group_by="k", order_by=[t.at.desc(), "id", "day"]))
        ).filter(_.r == 0),
    ),
    "previous value": ("P", lambda: t.mutate(a=t.n.lag().over(_by_k()))),
    "first value": ("P", lambda: t.mutate(a=t.n.first().over(_by_k()))),
    "filled forward": ("P", lambda: t.mutate(a=t.n.last(include_null=False).over(_by_k(preceding=None, following=0)))),
    "running total": ("P", lambda: t.mutate(a=t.n.sum().over(_by_k(preceding=None, following=0)))),
    "greatest so far": ("P", lambda: t.mutate(a=t.n.max().over(_by_k(preceding=None, following=0)))),
    "least of 7 rows": ("P", lambda: t.mutate(a=t.n.min().over(_by_k(preceding=6, following=0)))),
    "rank": ("P", lambda: t.mutate(a=ibis.rank().over(order_by="n"))),
    "share of rows below": (
        "P",
        lambda: t.mutate(a=ibis.percent_rank().over(order_by="n"), b=ibis.cume_dist().over(order_by="n")),
    ),
    "quartile": ("P", lambda: t.mutate(a=ibis.ntile(4).over(order_by=["n", "id", "day"]))),
    "different values in a window": ("P", lambda: t.mutate(a=t.s.nunique().over(group_by="k"))),
    "value of the latest": ("P", lambda: t.group_by("k").agg(a=t.n.argmax(t.at))),
    "any value": ("N", lambda: t.group_by("k").agg(a=t.s.arbitrary())),
    "first ten rows": ("N", lambda: t.limit(10)),
    "ten greatest, in a total order": ("P", lambda: t.order_by([t.n.desc(), "id", "day"]).limit(10)),
    "sample": ("N", lambda: t.sample(0.1)),
    # tables
    "slowly changing dimension": (
        "P",
        lambda: t.left_join(u, [t.k == u.k, t.at >= u.valid_from, (t.at < u.valid_to) | u.valid_to.isnull()]).select(
            t.id, u.v
        ),
    ),
    "as-of join": ("B", lambda: t.asof_join(u, on=t.at >= u.valid_from, predicates="k")),
    "a small table of constants": ("P", lambda: t.left_join(ibis.memtable({"k": ["a", "b"], "w": [1, 2]}), "k")),
    "wide": (
        "P",
        lambda: t.pivot_wider(id_cols="id", names_from="k", values_from="n", names=["a", "b"], values_agg="sum"),
    ),
    "long": ("P", lambda: t.select("id", "n", "m").pivot_longer(["n", "m"], names_to="name", values_to="value")),
    "counts of values": ("P", t.k.value_counts),
    "different values": ("P", lambda: t.group_by("k").agg(a=t.s.nunique())),
    "every number of a range": ("P", lambda: ibis.range(0, 10).unnest().name("i").as_table()),
    "values in one text": ("B", lambda: t.group_by("k").agg(a=t.s.group_concat(",", order_by=t.s))),
    # text
    "upper case, ASCII": ("P", lambda: t.filter(t.s.re_search("^[ -~]*$")).mutate(a=t.s.upper())),
    "upper case": ("B", lambda: t.mutate(a=t.s.upper())),
    "without spaces around": ("P", lambda: t.mutate(a=t.s.strip())),
    "part of a split": ("P", lambda: t.mutate(a=t.s.split("-")[0])),
    "digits alone": ("P", lambda: t.mutate(a=t.s.re_replace("[^0-9]", ""))),
    "number in a text": ("P", lambda: t.mutate(a=t.s.re_extract(r"^([0-9]+)", 1).try_cast("int64"))),
    "padded": ("P", lambda: t.mutate(a=t.s.lpad(8, "0"))),
    "greatest text": ("P", lambda: t.group_by("k").agg(a=t.s.max())),
    "field of JSON": ("B", lambda: t.mutate(a=t.s.cast("json")["x"].str)),
    "hash bucket": ("P", lambda: t.mutate(a=t.s.hexdigest("sha256").substr(0, 2))),
    # time
    "age in minutes": ("P", lambda: t.mutate(a=t.at.delta(t.at.lag().over(_by_k()), unit="minute"))),
    "epoch seconds": ("P", lambda: t.mutate(a=t.at.epoch_seconds())),
    "quarter of an hour": ("P", lambda: t.mutate(a=t.at.bucket(minutes=15))),
    "hour": ("P", lambda: t.mutate(a=t.at.truncate("h"))),
    "days between": ("P", lambda: t.mutate(a=t.at.date().delta(t.d, unit="day"))),
    "end of the month": ("P", lambda: t.mutate(a=t.d.truncate("M") + ibis.interval(months=1) - ibis.interval(days=1))),
    "next working day": (
        "P",
        lambda: t.mutate(a=t.d + ibis.interval(days=1) * ibis.ifelse(t.d.day_of_week.index() == 4, 3, 1)),
    ),
    "year and month as text": ("P", lambda: t.mutate(a=t.d.strftime("%Y-%m"))),
    "name of the weekday": ("B", lambda: t.mutate(a=t.d.day_of_week.full_name())),
    "now": ("N", lambda: t.mutate(a=ibis.now())),
    "random id": ("N", lambda: t.mutate(a=ibis.uuid())),
}

KEYS = {"t": frozenset({"id", "day"}), "u": frozenset({"k", "valid_from"})}


def expression(name: str) -> ir.Table:
    """An everyday expression, a column alone as a table."""
    made: Any = EVERYDAY[name][1]()
    return made.as_table() if isinstance(made, ir.Value) else made


def wanted(verdict: str) -> list[str]:
    """The names of the expressions of which that is wanted."""
    return [name for name, (given, _) in EVERYDAY.items() if given == verdict]


def rows_of_t(rows: int = 400) -> pa.Table:
    """Rows as a project has them: numbers and money with gaps, texts with blanks and signs, instants of a year."""
    draw = random.Random(2013)

    def some(values: list[Any]) -> list[Any]:
        return [draw.choice([*values, None]) for _ in range(rows)]

    texts = [" a ", "b", "12", "7x", "A-B-c", "0", "", "x@y.org", "007", "1,200.50", "19.99", "-3.5", "ß", '{"x": "y"}']
    made = {
        "id": [f"r{row // 2:04d}" for row in range(rows)],
        "k": some(["a", "b", "c"]),
        "n": [draw.choice([None, draw.randint(-500, 5000), draw.randint(-9, 9), 2**53 + 1]) for _ in range(rows)],
        "m": some([0, 1, 2, 3, 7, -4, 60]),
        "x": [draw.choice([None, 0.0, -0.0, 0.05, 2.5, -2.5, draw.uniform(-90, 90)]) for _ in range(rows)],
        "price": [draw.choice([None, Decimal(draw.randint(-10_000, 999_999)) / 100]) for _ in range(rows)],
        "s": some(texts),
        "at": [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randint(0, 3 * 10**7)) for _ in range(rows)],
        "d": [date(2013, 1, 1) + timedelta(days=draw.randint(0, 364)) for _ in range(rows)],
        "b": some([True, False]),
        "day": [str(row % 2) for row in range(rows)],
    }
    return pa.table(made, schema=t.schema().to_pyarrow())


def rows_of_u() -> pa.Table:
    """Two periods of each key, the last without an end."""
    half = datetime(2013, 7, 1, tzinfo=UTC)
    periods = [(datetime(2013, 1, 1, tzinfo=UTC), half), (half, None)]
    found = [
        {"k": key, "v": number, "valid_from": begin, "valid_to": end}
        for key in ("a", "b")
        for number, (begin, end) in enumerate(periods)
    ]
    return pa.Table.from_pylist(found, u.schema().to_pyarrow())

"""Tables of the values on which engines fall out: missing, extreme, tied, at edges of types, calendars and clocks."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

INSTANT, CLOCK = pa.timestamp("us", "UTC"), pa.timestamp("us")
INT8 = [0, 1, -1, 2, -2, 3, -3, 7, -7, 64, 100, -(2**7), -(2**7) + 1, 2**7 - 1]
INT16 = [0, 1, -1, 2, -2, 3, -3, 7, -7, 10, 100, 2359, 2400, -(2**15), 2**15 - 1, -(2**15) + 1, 9999, 10000]
INT32 = [0, 1, -1, 2, -3, 7, -7, 60, -(2**31), -(2**31) + 1, 2**31 - 1, 65536, 1_000_000]
INT64 = [0, 1, -1, 2, -2, 3, -3, 7, -7, 60, 1440, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**62, 10**18]
INT64 += [-(2**63) + 1, 2**63 - 2, 2**53 + 3, -(2**54) - 2, 3 * 2**53 + 1]
MODEST = [0, 1, -1, 5, 60, -1440, 2**40, -(2**40)]
FLOAT = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    1e-300,
    5e-324,
    1.7976931348623157e308,
    1e15,
    1e16,
    1 / 3,
]
FLOAT += [float("inf"), float("-inf"), float("nan"), 123456789.123456789, 2.0**53, 2.0**63, 1e-4, 9.999999e22]
# Combining and wide characters, letters whose case changes their number, what SQL and patterns read as signs.
TEXT = ["", "a", "A", "b", "ab", "AB", "abc", " ", "  a ", "\t", "\n", "\r", "a\n", "é", "e\u0301", "ß", "ẞ", "İ", "ı"]
TEXT += [
    "𝄞",
    "a𝄞b",
    "👨‍👩‍👧",
    "ﬁ",
    "Ω",
    "ω",
    "Σς",
    "0",
    "00",
    "-1",
    "+1",
    "1.5",
    " 1",
    "1e3",
    "1e999",
    "%",
    "_",
    "a%b",
    "\\",
]
TEXT += [
    "'",
    '"',
    "日本",
    "\u00a0",
    "z" * 70,
    "NaN",
    "inf",
    "true",
    "2013-01-01",
    "2013-1-1",
    "0000-01-01",
    "24:00",
    "𐐀",
]
TEXT += ["2013-02-29", "2012-02-29", "2012-02-29T23:59:59.999999Z", "2013-01-01T00:00:00Z", "-32769", "32767", "a.b.c"]
# Leap days, ends of years and their weeks, the change of calendars, the days of the longest and shortest years.
DAYS = ["1970-01-01", "1969-12-31", "2012-02-29", "2013-02-28", "2013-03-01", "2013-03-10", "2013-11-03", "2012-12-31"]
DAYS += ["2013-01-01", "2016-01-03", "2016-01-04", "2000-02-29", "1900-02-28", "1900-03-01", "1899-12-31", "1582-10-04"]
DAYS += ["1582-10-15", "0001-01-01", "9999-12-31", "2100-02-28", "2020-12-31", "2021-01-03", "2024-02-29", "2013-05-31"]
# The nights on which New York changes its clock, before 1970 and 1900, before there were zones, parts of a second.
TIMES = ["1970-01-01 00:00", "1969-12-31 23:59:59.999999", "2013-03-10 06:59:59.999999", "2013-03-10 07:00"]
TIMES += ["2013-03-10 07:30", "2013-11-03 05:30", "2013-11-03 06:00", "2013-11-03 06:30:00.000001", "2012-02-29 12:00"]
TIMES += ["2013-03-10 02:30", "2013-11-03 01:30", "2013-02-28 23:59:59", "1900-01-01 00:00", "1883-11-18 17:00"]
TIMES += [
    "1883-11-18 16:59:59",
    "1883-11-18 12:00",
    "1899-12-31 23:59:59.000001",
    "1582-10-04 01:02:03",
    "0001-01-02 00:00",
]
TIMES += ["2013-01-31 10:20:30.123456", "2013-05-31 00:00:30", "2013-12-31 23:59:59.999999", "1945-08-14 23:00"]
TIMES += ["0001-01-01 00:00", "9999-12-31 23:59:59.999999", "9999-12-31 23:00", "1969-12-31 23:59:59"]
TIMES += ["2038-01-19 03:14:08", "1960-06-01 01:01:01.000001", "2013-01-01 00:00", "2013-01-02 00:00"]
TEXT += [str(number) for number in (2**7, -(2**7), 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30)]
TEXT += [
    "-0",
    "-0.0",
    "4.9e-324",
    "2.4e-324",
    "1.7976931348623158e308",
    "9007199254740993.0",
    "0.1000000000000000055511",
]
TEXT += [
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59.999999Z",
]
MONEY = ["0.00", "0.01", "-0.01", "0.05", "1.00", "-19.99", "1234567.89", "99999999999999.99", "-99999999999999.99"]
LISTS = [[], ["a"], ["a", "b"], ["b", "a"], [None], ["a", None], ["𝄞", "é"], ["a", "a"], ["", None, "b"]]
FLOAT_LISTS = [[], [1.0], [0.1, None], [float("nan")], [-0.0, 0.0], [1.0, 2.0, 3.0]]


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


COLUMNS: dict[str, tuple[Sequence[Any], pa.DataType]] = {
    "b": ([True, False], pa.bool_()),
    "k": (INT8, pa.int8()),
    "h": (INT16, pa.int16()),
    "i": (INT32, pa.int32()),
    "l": (INT64, pa.int64()),
    "m": (MODEST, pa.int64()),
    "f": (FLOAT, pa.float64()),
    "s": (TEXT, pa.string()),
    "d": ([_day(text) for text in DAYS], pa.date32()),
    "t": ([_time(text) for text in TIMES], INSTANT),
    "c": ([_time(text).replace(tzinfo=None) for text in TIMES], CLOCK),
    "p": ([Decimal(text) for text in MONEY], pa.decimal128(18, 2)),
    "v": (LISTS, pa.list_(pa.string())),
    "w": (FLOAT_LISTS, pa.list_(pa.float64())),
}
"""By letter the values of a type. A table has each twice, `s` and `s2`, in as many pairs as it has rows."""


def hard(seed: int, rows: int = 600) -> pa.Table:
    """A table of pairs of hard values; `id` numbers its rows, `g` and `tie` have few values."""
    choose = random.Random(seed)
    made: dict[str, pa.Array] = {"id": pa.array(range(rows), pa.int64())}
    for name, (values, dtype) in COLUMNS.items():
        with_null = [None, *values]
        pairs = [(one, other) for one in with_null for other in with_null]
        choose.shuffle(pairs)
        # Every value is in it, however few of the pairs are.
        pairs = [*zip(with_null, reversed(with_null), strict=True), *pairs]
        chosen = [pairs[row % len(pairs)] for row in range(rows)]
        made[name] = pa.array([one for one, _ in chosen], dtype)
        made[f"{name}2"] = pa.array([other for _, other in chosen], dtype)
    made["g"] = pa.array([choose.choice(["a", "b", "c", "é", "𝄞", None]) for _ in range(rows)], pa.string())
    made["tie"] = pa.array([choose.choice([1, 2, 3, None]) for _ in range(rows)], pa.int32())
    made["zero"] = pa.array([choose.choice([0.0, -0.0]) for _ in range(rows)], pa.float64())
    return pa.table(made)


def other(seed: int, rows: int = 50) -> pa.Table:
    """A second table to join with; its columns begin with `u_`."""
    table = hard(seed, rows)
    return table.rename_columns([f"u_{name}" for name in table.column_names])

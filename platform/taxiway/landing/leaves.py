"""Values within lists and records of JSON, from their texts: what columns of their own are typed by in SQL."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

_WHOLE = "[+-]?[0-9]+"
_NUMBER = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"


def leaf_of(dtype: pa.DataType) -> Callable[[str], Any]:
    """What makes a value of the type from its text; it raises ValueError, saying what is wrong."""
    pattern, make = next((re.compile(pattern), make) for is_type, pattern, make in _LEAVES if is_type(dtype))

    def read(text: str) -> Any:
        try:
            if pattern.fullmatch(text):
                return pa.scalar(make(text), dtype).as_py()
        except (ValueError, ArithmeticError, pa.ArrowException):
            pass
        raise ValueError(f"{text[:60]!r} is no {dtype}")

    return read


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError
    return value


def _in_micros(text: str) -> str:
    """Python reads a fraction of three or six digits."""
    seconds, _, fraction = text.partition(".")
    return f"{seconds}.{fraction:0<6}" if fraction else seconds


_LEAVES: tuple[tuple[Callable[[pa.DataType], bool], str, Callable[[str], Any]], ...] = (
    (pa.types.is_string, r"[\s\S]*", str),
    (pa.types.is_boolean, "true|false", lambda text: text == "true"),
    (pa.types.is_integer, _WHOLE, int),
    (pa.types.is_floating, _NUMBER, _finite),
    (pa.types.is_decimal, _NUMBER, Decimal),
    (pa.types.is_date, _DATE, date.fromisoformat),
    (pa.types.is_time, _TIME, lambda text: time.fromisoformat(_in_micros(text))),
    (pa.types.is_timestamp, f"{_DATE}T{_TIME}Z", lambda text: datetime.fromisoformat(_in_micros(text[:-1]) + "+00:00")),
)

"""pandera's built-in checks as Ibis expressions, from the statistics that each check carries."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from pandera.api.checks import Check

from taxiway.contracts.patterns import portable
from taxiway.errors import DefinitionError

_SHOWN_VALUES = 12


@dataclass(frozen=True)
class ColumnCheck:
    """A check of one column: what it is called, what it demands in words, and the expression true where it holds."""

    name: str
    description: str
    holds: Callable[[Any], ir.BooleanValue]


def compile_check(check: Check, dtype: dt.DataType) -> ColumnCheck:
    """The expression of a built-in check; NaN is a value that breaks every bound and equals nothing.

    Raises DefinitionError where the check has no such expression or does not fit the column's type.
    """
    name = check.name or ""
    known = _COMPILERS.get(name)
    if known is None or check.registry_name != name or check.groupby is not None or not check.ignore_na:
        raise DefinitionError(f"the check '{name}' cannot be compiled: write it as a @row_rule or a @table_rule")
    text_only, compiler = known
    if dtype.is_nested() or dtype.is_binary() or (text_only and not dtype.is_string()):
        raise DefinitionError(f"the check '{name}' does not apply to a column of type {dtype}: write a @row_rule")
    return compiler(check.statistics, dtype)


def _bound(
    short: str, sign: str, statistic: str, compare: Callable[[Any, Any], Any]
) -> Callable[[Mapping[str, Any], dt.DataType], ColumnCheck]:
    def compiler(statistics: Mapping[str, Any], dtype: dt.DataType) -> ColumnCheck:
        value = statistics[statistic]
        limit = literal(value, dtype)
        # Engines order NaN above every number, so a lower bound alone would let it pass.
        lower = short in ("gt", "ge") and dtype.is_floating()
        return ColumnCheck(
            short,
            f"must be {sign} {_show(value)}",
            lambda c: compare(c, limit) & ~c.isnan() if lower else compare(c, limit),
        )

    return compiler


def _in_range(statistics: Mapping[str, Any], dtype: dt.DataType) -> ColumnCheck:
    low, high = statistics["min_value"], statistics["max_value"]
    above = _COMPILERS["greater_than_or_equal_to" if statistics.get("include_min", True) else "greater_than"][1]
    below = _COMPILERS["less_than_or_equal_to" if statistics.get("include_max", True) else "less_than"][1]
    lower, upper = above({"min_value": low}, dtype), below({"max_value": high}, dtype)
    wanted = f"{lower.description} and {upper.description.removeprefix('must be ')}"
    return ColumnCheck("in_range", wanted, lambda c: lower.holds(c) & upper.holds(c))


def _membership(short: str, statistic: str, wanted: str) -> Callable[[Mapping[str, Any], dt.DataType], ColumnCheck]:
    def compiler(statistics: Mapping[str, Any], dtype: dt.DataType) -> ColumnCheck:
        values = statistics[statistic]
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise DefinitionError(f"{short}={values!r} is not a list of values: write {short}=[...]")
        ordered = sorted(set(values), key=_show)
        if not ordered:
            raise DefinitionError(f"{short} has no values: list at least one")
        literals = [literal(value, dtype) for value in ordered]
        shown = ", ".join(_show(value) for value in ordered[:_SHOWN_VALUES])
        more = f" and {len(ordered) - _SHOWN_VALUES} more" if len(ordered) > _SHOWN_VALUES else ""
        return ColumnCheck(
            short,
            f"{wanted} {shown}{more}",
            lambda c: c.isin(literals) if short == "isin" else ~c.isin(literals),
        )

    return compiler


def _pattern(short: str, wanted: str, *, anchored: bool) -> Callable[[Mapping[str, Any], dt.DataType], ColumnCheck]:
    def compiler(statistics: Mapping[str, Any], _: dt.DataType) -> ColumnCheck:
        pattern = portable(statistics["pattern"], anchored=anchored)
        return ColumnCheck(short, f"{wanted} {statistics['pattern']}", lambda c: c.re_search(pattern))

    return compiler


def _affix(short: str, wanted: str) -> Callable[[Mapping[str, Any], dt.DataType], ColumnCheck]:
    def compiler(statistics: Mapping[str, Any], dtype: dt.DataType) -> ColumnCheck:
        affix = literal(statistics["string"], dtype)
        return ColumnCheck(
            short,
            f"{wanted} {_show(statistics['string'])}",
            lambda c: c.startswith(affix) if short == "str_startswith" else c.endswith(affix),
        )

    return compiler


def _length(statistics: Mapping[str, Any], _: dt.DataType) -> ColumnCheck:
    low, high, exact = (statistics.get(name) for name in ("min_value", "max_value", "exact_value"))
    if exact is not None:
        low = high = exact
    if low is None and high is None:
        raise DefinitionError("str_length has no bounds: write str_length=5 or str_length=(1, 5)")
    bounds = f"{low}" if low == high else f"{low or 0} to {'any number of' if high is None else high}"

    def holds(c: Any) -> ir.BooleanValue:
        length = c.length()
        if low is None:
            return length <= high
        return length >= low if high is None else (length >= low) & (length <= high)

    return ColumnCheck("str_length", f"must have {bounds} characters", holds)


def literal(value: Any, dtype: Any) -> Any:  # noqa: PLR0911 - one for each type
    """The value as an expression that compares exactly with a column of the type.

    Raises DefinitionError where the value is of another type, or NaN, null, beyond 64 bits, or text with a
    zero character: such a comparison would mean something else on each engine, or nothing.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if dtype.is_integer() and number and isinstance(value, int) and -(2**63) <= value < 2**63:
        return ibis.literal(int(value))
    if dtype.is_floating() and number and not math.isnan(value) and float(value) == value:
        # Engines read a bare 0.1 as a decimal and round once more; the cast from text gives the nearest double.
        return ibis.literal(repr(float(value))).cast("float64")
    if dtype.is_boolean() and isinstance(value, bool):
        return ibis.literal(value)
    if dtype.is_decimal() and isinstance(value, int | Decimal) and not isinstance(value, bool) and _fits(value, dtype):
        # As text: engines would read the digits of a number as another decimal, or as a float.
        return ibis.literal(f"{Decimal(value):f}").cast(dtype)
    if dtype.is_string() and isinstance(value, str) and "\0" not in value:
        return ibis.literal(value)
    if dtype.is_date() and isinstance(value, date) and not isinstance(value, datetime):
        return ibis.literal(value)
    if dtype.is_timestamp() and isinstance(value, datetime) and value.tzinfo is not None:
        return ibis.literal(value.astimezone(UTC).isoformat(sep=" ")).cast(dtype)
    raise DefinitionError(
        f"{value!r} cannot be compared exactly with a column of type {dtype}: write a value of that type "
        "(an instant with its zone), or a @row_rule"
    )


def _fits(value: int | Decimal, dtype: Any) -> bool:
    """Whether a decimal has no more digits than its type."""
    try:
        pa.scalar(Decimal(value), dtype.to_pyarrow())
    except pa.ArrowInvalid:
        return False
    return True


def _show(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else repr(value)


Compiler = Callable[[Mapping[str, Any], dt.DataType], ColumnCheck]

# By pandera's name: whether only text columns have it, and what compiles it.
_COMPILERS: Mapping[str, tuple[bool, Compiler]] = {
    "equal_to": (False, _bound("eq", "=", "value", lambda c, v: c == v)),
    "not_equal_to": (False, _bound("ne", "other than", "value", lambda c, v: c != v)),
    "greater_than": (False, _bound("gt", ">", "min_value", lambda c, v: c > v)),
    "greater_than_or_equal_to": (False, _bound("ge", ">=", "min_value", lambda c, v: c >= v)),
    "less_than": (False, _bound("lt", "<", "max_value", lambda c, v: c < v)),
    "less_than_or_equal_to": (False, _bound("le", "<=", "max_value", lambda c, v: c <= v)),
    "in_range": (False, _in_range),
    "isin": (False, _membership("isin", "allowed_values", "must be one of")),
    "notin": (False, _membership("notin", "forbidden_values", "must not be one of")),
    "str_matches": (True, _pattern("str_matches", "must start with a match of", anchored=True)),
    "str_contains": (True, _pattern("str_contains", "must contain a match of", anchored=False)),
    "str_startswith": (True, _affix("str_startswith", "must start with")),
    "str_endswith": (True, _affix("str_endswith", "must end with")),
    "str_length": (True, _length),
}

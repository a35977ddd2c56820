"""What an entry of the catalogue is, and the words in which its conditions are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.operations as ops

Keys = Mapping[str, frozenset[str]]
"""The columns whose values together are there once, by input relation."""

Condition = Callable[[Any, Keys], bool]


def always(_: Any, __: Keys) -> bool:
    """Every use."""
    return True


@dataclass(frozen=True)
class Operator:
    """One way of using operations of Ibis, as `written` by a user, and whether it gives the same on every engine.

    `differs` says how it does not, and `instead` what to write; both are empty where it is certified. `varies` is
    whether two runs of one engine may differ too, in more than the last digits of floats. Of the entries of an
    operation the first whose `applies` is true of a use is the one that counts. `parts` are the operations below a use
    that are looked at too, all by default.
    """

    name: str
    written: str
    operations: tuple[type[ops.Node], ...]
    applies: Condition = always
    differs: str = ""
    instead: str = ""
    parts: Callable[[Any], Sequence[Any]] | None = field(default=None, repr=False)
    varies: bool = False

    @property
    def certified(self) -> bool:
        """Whether every engine gives the same bits, or an error."""
        return not self.differs


def certified(name: str, written: str, *operations: Any, when: Condition = always, parts: Any = None) -> Operator:
    """An operator of which a test proves that engines agree."""
    return Operator(name, written, operations, when, parts=parts)


def bound(
    name: str,
    written: str,
    *operations: Any,
    differs: str,
    instead: str,
    when: Condition = always,
    parts: Any = None,
) -> Operator:
    """An operator of which a test shows that engines do not agree; one engine gives the same each time, but for the
    last digits of floats."""
    return Operator(name, written, operations, when, differs, instead, parts)


def refused(
    name: str, written: str, *operations: Any, differs: str, instead: str, when: Condition = always
) -> Operator:
    """An operator that may give something else the next time, on one engine too."""
    return Operator(name, written, operations, when, differs, instead, varies=True)


def is_number(value: Any) -> bool:
    """Whether an operation gives whole numbers of up to 64 bits, or floats."""
    return is_whole(value) or value.dtype.is_float64()


def is_whole(value: Any) -> bool:
    """Whether an operation gives whole numbers of up to 64 bits."""
    return value.dtype.is_signed_integer()


def is_short(value: Any) -> bool:
    """Whether an operation gives whole numbers of up to 32 bits."""
    return is_whole(value) and value.dtype.nbytes <= 4


def is_moment(value: Any) -> bool:
    """Whether an operation gives a date, a clock or an instant of UTC."""
    return value.dtype.is_date() or is_timestamp(value.dtype)


def is_timestamp(dtype: Any) -> bool:
    """Whether a type is that of clocks or of instants of UTC, in microseconds."""
    return dtype.is_timestamp() and dtype.timezone in (None, "UTC") and dtype.scale in (None, 6)


def is_plain(dtype: Any) -> bool:
    """Whether values of a type are there as one, and are equal or not: no floats, nothing nested."""
    return is_written(dtype) or is_decimal(dtype)


def is_written(dtype: Any) -> bool:
    """Whether values of a type are plain, and engines write them alike."""
    return (
        dtype.is_boolean() or dtype.is_string() or dtype.is_signed_integer() or dtype.is_date() or is_timestamp(dtype)
    )


def is_decimal(dtype: Any) -> bool:
    """Whether a type is that of decimals of so many digits."""
    return dtype.is_decimal() and dtype.precision is not None


def is_money(dtype: Any) -> bool:
    """Whether a type is that of decimals that engines add and multiply by whole numbers alike."""
    return is_decimal(dtype) and dtype.precision <= 20 and dtype.scale <= 6


def is_single(dtype: Any) -> bool:
    """Whether values of a type are less or greater than each other by one rule: nothing nested."""
    return is_plain(dtype) or dtype.is_float64() or dtype.is_null()


def is_text_of(value: Any) -> bool:
    """Whether an operation gives text."""
    return value.dtype.is_string()


def constant(value: Any) -> Any:
    """What a literal holds, None for anything else."""
    return value.value if isinstance(value, ops.Literal) else None


def is_count(value: Any) -> bool:
    """Whether an operation is a constant whole number, 0 or more, that every engine can count to in a text."""
    number = constant(value)
    return isinstance(number, int) and 0 <= number <= 2**30


def is_never_zero(value: Any) -> bool:
    """Whether an operation cannot be 0: `x.nullif(0)`, a constant, or a wider one of these."""
    if isinstance(value, ops.Cast):
        widened = is_number(value.arg) and (value.to.is_float64() or value.to.is_int64())
        return widened and is_never_zero(value.arg)
    if isinstance(value, ops.NullIf):
        return constant(value.null_if_expr) == 0
    return constant(value) not in (None, 0)

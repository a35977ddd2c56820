"""Typing of delivered text: a value of the declared type, or null and the reason.

A text is matched against a strict pattern before it is cast, because the engines disagree on what
they accept (`1.5` as an integer, `1e3`, blanks, `24:00`).
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.errors import DefinitionError
from taxiway.transforms.library.values import Boolean, Text, Value

# Engines write the year 0 in different ways, so a date begins with the year 1.
_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DAY = _YEAR + "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
_WHOLE = r"^[+-]?[0-9]+\z"
_NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?\z"


@ibis.udf.scalar.builtin(name="to_json")
def to_json(row) -> dt.json:  # pyright: ignore[reportInvalidTypeForm, reportReturnType]
    """A row as JSON text; both engines know it under this name."""


def typed(text: Text, dtype: dt.DataType) -> Value:
    """The text as a value of `dtype`; null where it is null, is not such a value, or is out of range.

    Text, whole numbers, floats, decimals, dates (`2013-01-31`) and instants in UTC (`2013-01-31T10:00:00Z`) can
    be delivered; raises DefinitionError for another type.
    """
    if dtype.is_string():
        return text
    pattern, _ = _form(dtype)
    value = text.try_cast(dtype)
    fits = text.re_search(pattern)
    if dtype.is_floating():
        fits = fits & ~value.isinf()
    return ibis.ifelse(fits, value, ibis.null(dtype))


def is_deliverable(dtype: Any) -> bool:
    """Whether a text can be a value of a type by the one form that `typed` takes."""
    is_number = dtype.is_signed_integer() or dtype.is_float64() or (dtype.is_decimal() and dtype.precision is not None)
    return (
        is_number or dtype.is_date() or (dtype.is_timestamp() and dtype.timezone == "UTC" and dtype.scale in (None, 6))
    )


def delivered_text(choice: Any) -> Any:
    """The text that a choice is the value of, where it is what `typed` makes of one; None for any other."""
    value = choice.true_expr
    if not isinstance(value, ops.TryCast) or not value.arg.dtype.is_string():
        return None
    try:
        made: Value = typed(value.arg.to_expr(), value.to)
    except DefinitionError:
        return None
    return value.arg if made.op() == choice else None


def typing_problem(name: str, text: Text, dtype: dt.DataType) -> Text:
    """Why a text that did not fit its type was refused: `dep_time: 'abc' is not a whole number …`."""
    _, form = _form(dtype)
    return ibis.literal(f"{name}: '") + text.substr(0, 60) + ibis.literal(f"' is not {form}")


def type_delivered(landing: ir.Table, columns: Mapping[str, str | dt.DataType]) -> ir.Table:
    """The delivered rows with each text column of `columns` replaced by its value of that type.

    A text that does not fit becomes null and adds its reason to `_problems`; `_delivered`, where it is
    null, becomes the delivered texts as JSON. All other columns stay.
    """
    types = {name: ibis.dtype(dtype) for name, dtype in columns.items()}
    changed = {name: dtype for name, dtype in types.items() if not dtype.is_string()}
    values = landing.mutate(**{_value(name): typed(landing[name], dtype) for name, dtype in changed.items()})
    refused = {name: values[name].notnull() & values[_value(name)].isnull() for name in changed}
    replaced: dict[str, Value] = {name: values[_value(name)] for name in changed}
    if refused:
        reasons = ibis.array(
            [
                ibis.ifelse(refused[name], typing_problem(name, values[name], dtype), ibis.null("string"))
                for name, dtype in changed.items()
            ]
        )
        before: Value = values["_problems"]
        found = before.concat(reasons.filter(lambda reason: reason.notnull()))
        replaced["_problems"] = ibis.ifelse(reduce(or_, refused.values()), found, before)
    as_delivered = to_json(ibis.struct({name: values[name] for name in types})).cast("string")
    replaced["_delivered"] = ibis.coalesce(values["_delivered"], as_delivered)
    return values.select(**{name: replaced.get(name, values[name]) for name in landing.columns})


def refuse(rows: ir.Table, where: Boolean, reason: str) -> ir.Table:
    """The rows with `reason` added to `_problems` where the condition is true: the guard rejects them."""
    before: Value = rows["_problems"]
    return rows.mutate(_problems=ibis.ifelse(where, before.concat(ibis.array([ibis.literal(reason)])), before))


def _value(name: str) -> str:
    return f"_typed_{name}"


def _form(dtype: dt.DataType) -> tuple[str, str]:
    """The pattern that a text of this type matches, and what to call it."""
    if isinstance(dtype, dt.SignedInteger):
        bounds = dtype.bounds
        return _WHOLE, f"a whole number from {bounds.lower} to {bounds.upper}"
    if dtype.is_floating():
        return _NUMBER, "a number"
    if isinstance(dtype, dt.Decimal) and dtype.precision is not None and dtype.scale is not None:
        before = dtype.precision - dtype.scale
        after = rf"([.][0-9]{{0,{dtype.scale}}})?" if dtype.scale else ""
        return rf"^[+-]?[0-9]{{1,{before}}}{after}\z", f"a number of {before} digits and {dtype.scale} after the point"
    if dtype.is_date():
        return rf"^{_DAY}\z", "a date such as 2013-01-31"
    if isinstance(dtype, dt.Timestamp) and dtype.timezone == "UTC":
        return rf"^{_DAY}T{_TIME}Z\z", "an instant in UTC such as 2013-01-31T10:00:00Z"
    raise DefinitionError(
        f"text cannot be delivered as {dtype}: use string, an integer, float64, a decimal, date or timestamp('UTC')"
    )

"""Typing of delivered text: a value of the declared type, or null and the reason.

A text is matched against a strict pattern before it is cast, because the engines disagree on what
they accept (`1.5` as an integer, `1e3`, blanks, `24:00`).
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.errors import DefinitionError
from taxiway.text_forms import Moment, TextForm
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


_ISO = TextForm()


def typed(text: Text, dtype: dt.DataType, form: TextForm = _ISO) -> Value:
    """The text as a value of `dtype`; null where it is null, is not such a value, or is out of range.

    Text, whole numbers, decimals, floats, booleans, dates (`2013-01-31`) and instants in UTC (`2013-01-31T10:00:00Z`)
    can be delivered, written so or as the `form` says; raises DefinitionError for another type.
    """
    if dtype.is_string():
        return text
    if dtype.is_boolean():
        no = ibis.ifelse(text.isin(form.false), ibis.literal(False), ibis.null("boolean"))
        return ibis.ifelse(text.isin(form.true), ibis.literal(True), no)
    pattern, _ = _form(dtype)
    text = _in_iso(text, dtype, form)
    value = text.try_cast(dtype)
    fits = text.re_search(pattern)
    if dtype.is_floating():
        fits = fits & ~value.isinf()
    return ibis.ifelse(fits, value, ibis.null(dtype))


def _in_iso(text: Text, dtype: dt.DataType, form: TextForm) -> Text:
    """The text of a number, date or instant as it is written without a form; one of another form is no such text."""
    if dtype.is_numeric():
        if form.is_plain_number:
            return text
        plain = text.replace(form.thousands, "") if form.thousands else text
        plain = plain if form.decimal == "." else plain.replace(form.decimal, ".")
        return ibis.ifelse(text.re_search(_number_pattern(dtype, form)), plain, ibis.null("string"))
    moment = form.moment(_moments(dtype))
    if moment is None:
        return text
    return _moment_in_iso(text, dtype, moment)


def _moments(dtype: dt.DataType) -> str:
    """Which of the formats of a form is that of the type."""
    return "dates" if dtype.is_date() else "times" if dtype.is_time() else "instants"


def _number_pattern(dtype: dt.DataType, form: TextForm) -> str:
    digits = f"([0-9]{{1,3}}([{form.thousands}][0-9]{{3}})+|[0-9]+)" if form.thousands else "[0-9]+"
    if dtype.is_integer():
        return rf"^[+-]?{digits}\z"
    return rf"^[+-]?({digits}([{form.decimal}][0-9]*)?|[{form.decimal}][0-9]+)([eE][+-]?[0-9]+)?\z"


def _moment_in_iso(text: Text, dtype: dt.DataType, moment: Moment) -> Text:
    """What a format finds in the text, put together as ISO 8601 has it; a text that it does not fit gives no moment."""

    def part(name: str) -> Text:
        if name not in moment.groups:
            return ibis.literal("00")
        found: Text = text.re_extract(moment.pattern, moment.groups[name])
        return found if name in "Yf" else found.lpad(2, "0")

    day = part("Y") + "-" + part("m") + "-" + part("d")
    fraction = ibis.literal(".") + part("f") if "f" in moment.groups else ibis.literal("")
    clock = part("H") + ":" + part("M") + ":" + part("S") + fraction
    if dtype.is_date():
        whole = day
    elif dtype.is_time():
        whole = clock
    else:
        whole = day + "T" + clock + "Z"
    # What was not found would be an empty text, of which zeros could make a time.
    return ibis.ifelse(text.re_search(moment.pattern), whole, ibis.null("string"))


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


def typing_problem(name: str, text: Text, dtype: dt.DataType, form: TextForm = _ISO) -> Text:
    """Why a text that did not fit its type was refused: `dep_time: 'abc' is not a whole number …`."""
    return ibis.literal(f"{name}: '") + text.substr(0, 60) + ibis.literal(f"' is not {_wanted(dtype, form)}")


def _wanted(dtype: dt.DataType, form: TextForm) -> str:
    """What a text of the type is called, with what is particular about its form."""
    if dtype.is_boolean():
        return " or ".join(repr(word) for word in (*form.true, *form.false))
    _, what = _form(dtype)
    if dtype.is_numeric():
        if form.is_plain_number:
            return what
        example = f"1{form.thousands}234" + ("" if dtype.is_integer() else f"{form.decimal}5")
        return f"{what} written as {example}"
    moment = form.moment(_moments(dtype))
    return what if moment is None else f"{what.partition(' such as')[0]} such as {moment.example}"


def type_delivered(
    landing: ir.Table,
    columns: Mapping[str, str | dt.DataType],
    form: Callable[[str], TextForm] = lambda _: _ISO,
) -> ir.Table:
    """The delivered rows with each text column of `columns` replaced by its value of that type.

    `form` says by column how its texts write values. A text that does not fit becomes null and adds its reason to
    `_problems`; `_delivered`, where there is such a column and it is null, becomes the delivered texts as JSON. All
    other columns stay.
    """
    types = {name: ibis.dtype(dtype) for name, dtype in columns.items()}
    changed = {n: dtype for n, dtype in types.items() if not dtype.is_string() and landing[n].type().is_string()}
    forms = {name: _form_of(name, form) for name in changed}
    values = landing.mutate(**{_value(n): typed(landing[n], dtype, forms[n]) for n, dtype in changed.items()})
    refused = {name: values[name].notnull() & values[_value(name)].isnull() for name in changed}
    replaced: dict[str, Value] = {name: values[_value(name)] for name in changed}
    if refused:
        reasons = ibis.array(
            [
                ibis.ifelse(refused[name], typing_problem(name, values[name], dtype, forms[name]), ibis.null("string"))
                for name, dtype in changed.items()
            ]
        )
        before: Value = values["_problems"]
        found = before.concat(reasons.filter(lambda reason: reason.notnull()))
        replaced["_problems"] = ibis.ifelse(reduce(or_, refused.values()), found, before)
    if "_delivered" in landing.columns:
        texts = {name: values[name] for name in types if landing[name].type().is_string()}
        as_delivered = to_json(ibis.struct(texts)).cast("string")
        replaced["_delivered"] = ibis.coalesce(values["_delivered"], as_delivered)
    return values.select(**{name: replaced.get(name, values[name]) for name in landing.columns})


def refuse(rows: ir.Table, where: Boolean, reason: str) -> ir.Table:
    """The rows with `reason` added to `_problems` where the condition is true: the guard rejects them."""
    before: Value = rows["_problems"]
    return rows.mutate(_problems=ibis.ifelse(where, before.concat(ibis.array([ibis.literal(reason)])), before))


def _form_of(name: str, form: Callable[[str], TextForm]) -> TextForm:
    try:
        return form(name)
    except DefinitionError as error:
        raise DefinitionError(f"{name}: {error}") from error


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
        # Of more digits after the point engines would round, without a word.
        fraction = f"[0-9]{{1,{dtype.scale}}}0*" if dtype.scale else "0+"
        pattern = rf"^[+-]?([0-9]+([.][0-9]{{0,{dtype.scale}}}0*)?|[.]{fraction})\z"
        return pattern, f"a number of up to {dtype.precision} digits, {dtype.scale} of them after the point"
    if dtype.is_date():
        return rf"^{_DAY}\z", "a date such as 2013-01-31"
    if isinstance(dtype, dt.Timestamp) and dtype.timezone == "UTC":
        return rf"^{_DAY}T{_TIME}Z\z", "an instant in UTC such as 2013-01-31T10:00:00Z"
    raise DefinitionError(
        f"text cannot be delivered as {dtype}: use string, boolean, an integer, float64, decimal, date or "
        "timestamp('UTC')"
    )

"""A text is the value that the form of its column says, and no text of another form is one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from taxiway.testing import run_transform
from taxiway.text_forms import TextForm
from taxiway.transforms import transform
from taxiway.transforms.certificate import certify
from taxiway.transforms.library.typing import type_delivered

GERMAN = TextForm(decimal=",", thousands=".", dates="%d.%m.%Y", instants="%d.%m.%Y %H:%M")
SWISS = TextForm(thousands="'", dates="%-d/%-m/%Y", instants="%Y%m%dT%H%M%S.%f", true=("J", "ja"), false=("N",))
SPACED = TextForm(decimal=",", thousands="\u202f")

VALUES: list[tuple[TextForm, str, str, Any]] = [
    (GERMAN, "float64", "1.234.567,5", 1234567.5),
    (GERMAN, "float64", "-0,5e3", -500.0),
    (GERMAN, "float64", "1234,5", 1234.5),
    (GERMAN, "float64", "1.5", None),
    (GERMAN, "float64", "1.2345", None),
    (GERMAN, "float64", "1,234.5", None),
    (GERMAN, "int32", "1.234", 1234),
    (GERMAN, "int32", "12.34", None),
    (GERMAN, "int32", "1,0", None),
    (GERMAN, "int16", "99.999", None),
    (GERMAN, "date", "31.01.2013", date(2013, 1, 31)),
    (GERMAN, "date", "30.02.2013", None),
    (GERMAN, "date", "2013-01-31", None),
    (GERMAN, "date", "1.1.2013", None),
    (GERMAN, "date", "31.01.2013 ", None),
    (GERMAN, "timestamp('UTC', 6)", "31.01.2013 10:05", datetime(2013, 1, 31, 10, 5, tzinfo=UTC)),
    (GERMAN, "timestamp('UTC', 6)", "31.01.2013 24:00", None),
    (SWISS, "int64", "1'234'567", 1234567),
    (SWISS, "float64", "1'234.5", 1234.5),
    (SWISS, "date", "1/2/2013", date(2013, 2, 1)),
    (SWISS, "date", "11/02/2013", date(2013, 2, 11)),
    (SWISS, "timestamp('UTC', 6)", "20130131T100500.25", datetime(2013, 1, 31, 10, 5, 0, 250_000, UTC)),
    (SWISS, "boolean", "ja", True),
    (SWISS, "boolean", "N", False),
    (SWISS, "boolean", "true", None),
    (TextForm(), "boolean", "false", False),
    (TextForm(), "boolean", "True", None),
    (SPACED, "float64", "1\u202f234,5", 1234.5),
    (TextForm(), "decimal(5, 2)", ".050", Decimal("0.05")),
    (TextForm(), "decimal(5, 2)", ".055", None),
    (TextForm(), "decimal(5, 2)", "1234.5", None),
    (TextForm(), "decimal(5, 0)", "5.00", Decimal(5)),
    (TextForm(), "decimal(5, 0)", ".5", None),
    (TextForm(), "decimal(5, 0)", ".", None),
]


def landing(text: str | None) -> pa.Table:
    nothing = {"_problems": pa.array([[]], pa.list_(pa.string())), "_delivered": pa.array([None], pa.string())}
    return pa.table({"x": pa.array([text], pa.string()), **nothing})


@pytest.mark.parametrize("case", range(len(VALUES)), ids=lambda case: f"{VALUES[case][1]} {VALUES[case][2]}")
def test_a_text_is_the_value_that_its_form_says(case: int) -> None:
    form, dtype, text, value = VALUES[case]

    @transform
    def typing(landing: ir.Table) -> ir.Table:
        return type_delivered(landing, {"x": dtype}, lambda _: form)

    (row,) = run_transform(typing, {"landing": landing(text)}).to_pylist()
    assert row["x"] == value
    assert len(row["_problems"]) == (value is None)
    assert text in row["_delivered"]
    (missing,) = run_transform(typing, {"landing": landing(None)}).to_pylist()
    assert (missing["x"], missing["_problems"]) == (None, [])


@pytest.mark.parametrize("form", [GERMAN, SWISS, SPACED], ids=["german", "swiss", "spaced"])
@pytest.mark.parametrize("dtype", ["float64", "int16", "date", "timestamp('UTC', 6)", "boolean"])
def test_every_form_is_the_same_on_every_engine(form: TextForm, dtype: str) -> None:
    columns = {"x": "string", "_problems": "array<string>", "_delivered": "string"}
    certify("forms", type_delivered(ibis.table(columns, name="landing"), {"x": dtype}, lambda _: form))


MESSAGES = [
    (GERMAN, "float64", "x: 'abc' is not a number written as 1.234,5"),
    (GERMAN, "int16", "x: 'abc' is not a whole number from -32768 to 32767 written as 1.234"),
    (GERMAN, "date", "x: 'abc' is not a date such as 31.01.2013"),
    (GERMAN, "timestamp('UTC', 6)", "x: 'abc' is not an instant in UTC such as 31.01.2013 10:05"),
    (SWISS, "boolean", "x: 'abc' is not 'J' or 'ja' or 'N'"),
]


@pytest.mark.parametrize(("form", "dtype", "told"), MESSAGES, ids=[f"{m[1]}" for m in MESSAGES])
def test_what_fits_no_form_is_told_with_what_would(form: TextForm, dtype: str, told: str) -> None:
    @transform
    def typing(landing: ir.Table) -> ir.Table:
        return type_delivered(landing, {"x": dtype}, lambda _: form)

    (row,) = run_transform(typing, {"landing": landing("abc")}).to_pylist()
    assert row["_problems"] == [told]

import json
import math
import re
from datetime import UTC, date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taxiway.errors import DefinitionError
from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library.typing import refuse, type_delivered

TYPES = {
    "small": "int16",
    "large": "int64",
    "number": "float64",
    "day": "date",
    "instant": "timestamp('UTC', 6)",
    "text": "string",
}
BOUNDS = {"small": 2**15, "large": 2**63}
FORMS = {
    "small": "a whole number from -32768 to 32767",
    "large": "a whole number from -9223372036854775808 to 9223372036854775807",
    "number": "a number",
    "day": "a date such as 2013-01-31",
    "instant": "an instant in UTC such as 2013-01-31T10:00:00Z",
}
WHOLE = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


@transform
def typing(landing: ir.Table) -> ir.Table:
    return type_delivered(landing, TYPES)


def landing(rows: list[dict[str, str | None]], **hidden: Any) -> pa.Table:
    columns: dict[str, pa.Array] = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in TYPES}
    columns["source_row"] = pa.array(range(len(rows)), pa.int64())
    columns["_problems"] = pa.array(hidden.get("problems", [[]] * len(rows)), pa.list_(pa.string()))
    columns["_delivered"] = pa.array(hidden.get("delivered", [None] * len(rows)), pa.string())
    return pa.table(columns)


def naive(name: str, text: str | None) -> Any:
    """The value of a text, None where it is not one."""
    if text is None or name == "text":
        return text
    try:
        if name in BOUNDS:
            return int(text) if WHOLE.fullmatch(text) and -BOUNDS[name] <= int(text) < BOUNDS[name] else None
        if name == "number":
            return float(text) if NUMBER.fullmatch(text) and math.isfinite(float(text)) else None
        if name == "day":
            return date.fromisoformat(text) if DAY.fullmatch(text) else None
        return datetime.fromisoformat(text).astimezone(UTC) if INSTANT.fullmatch(text) else None
    except ValueError:
        return None


def near(good: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Good texts, and good texts spoiled by a character more."""
    return st.one_of(
        good, st.builds(lambda text, more, at: text[:at] + more + text[at:], good, spoilers, st.integers(0, 9))
    )


spoilers = st.sampled_from([" ", "\n", "_", ",", ".", "e", "-", "+", "0", "9", "x", "Z", "'", '"', "\\", "é", "٣", "%"])
days = st.dates(date(1, 1, 1)).map(lambda day: day.isoformat())
times = st.datetimes().map(lambda at: at.isoformat() + "Z")
texts = st.one_of(
    st.none(),
    near(st.integers(-(2**64), 2**64).map(str)),
    near(st.integers(-40000, 40000).map(str)),
    near(st.floats(allow_nan=False, allow_infinity=False).map(repr)),
    near(days),
    near(times),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(["1.5", "1e3", "007", "+5", "", "nan", "inf", "-inf", "1e400", "-0", "1_000", "0x1F", "true", "."]),
    st.sampled_from(["2013-02-30", "2013-13-01", "2013-1-1", "2013-01-01T24:00:00Z", "2013-01-01T10:00:00", "now"]),
    st.sampled_from(["2013-01-01 10:00:00Z", "2013-01-01T10:00:00+01:00", "2013-01-01T10:00:60Z", "5\n", "infinity"]),
)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(TYPES, texts)), max_size=12)


@settings(max_examples=80)
@given(rows)
@example([])
def test_every_text_is_its_value_or_null_with_the_reason(delivered):
    found = run_transform(typing, {"landing": landing(delivered)}).sort_by("source_row").to_pylist()
    assert len(found) == len(delivered)
    for texts_of_row, row in zip(delivered, found, strict=True):
        values = {name: naive(name, text) for name, text in texts_of_row.items()}
        assert {name: row[name] for name in TYPES} == values
        problems = [
            f"{name}: '{text[:60]}' is not {FORMS[name]}"
            for name, text in ((name, texts_of_row[name]) for name in TYPES)
            if text is not None and values[name] is None
        ]
        assert row["_problems"] == problems
        assert json.loads(row["_delivered"]) == texts_of_row


def test_what_the_reader_found_stays():
    table = landing([{"small": "x"}], problems=[["too few fields: 12 of 19"]], delivered=["raw,text"])
    (row,) = run_transform(typing, {"landing": table}).to_pylist()
    assert row["_problems"] == ["too few fields: 12 of 19", f"small: 'x' is not {FORMS['small']}"]
    assert row["_delivered"] == "raw,text"


def test_the_columns_keep_their_order_and_get_their_types():
    table = landing([{"small": "1"}])
    found = run_transform(typing, {"landing": table})
    assert found.column_names == table.column_names
    expected = [ibis.dtype(dtype).to_pyarrow() for dtype in TYPES.values()]
    assert found.schema.types[: len(TYPES)] == expected


def test_a_row_can_be_refused_for_a_reason_of_its_own():
    @transform
    def refusing(landing: ir.Table) -> ir.Table:
        return refuse(landing, landing.small == "1", "small: is one")

    table = landing([{"small": "1"}, {"small": "2"}, {}], problems=[["before"], [], []])
    found = run_transform(refusing, {"landing": table}).sort_by("source_row")
    assert found["_problems"].to_pylist() == [["before", "small: is one"], [], []]


def test_a_type_that_no_text_has_is_refused():
    with pytest.raises(DefinitionError, match="text cannot be delivered as array<int64>"):
        type_delivered(
            ibis.table({"a": "string", "_problems": "array<string>", "_delivered": "string"}), {"a": "array<int64>"}
        )

"""pandera's built-in checks, compiled, against pandera itself on the same rows."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors
from tests.unit.contracts.guarding import VALUES, breaking, frame, numbered, of_one, staged, value_rules

from taxiway.contracts import Bool, Contract, Date, Float64, Instant, Int16, Int64, Text, compile_contract

AT = dt.datetime(2013, 3, 10, 7, tzinfo=dt.UTC)
NEW_YEAR = dt.datetime(2013, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
CHECKS: list[tuple[Any, dict[str, Any]]] = [
    *[(Float64, {name: limit}) for name in ("ge", "gt", "le", "lt", "eq", "ne") for limit in (0, 0.1, 300.1)],
    *[(Float64, {name: float("inf")}) for name in ("ge", "gt", "le", "lt", "eq", "ne")],
    (Float64, {"in_range": (-0.5, 1e300)}),
    (Float64, {"in_range": (0, 1, False, False)}),
    (Float64, {"isin": [0.0, 0.1, 0.30000000000000004]}),
    (Float64, {"notin": [0, float("-inf")]}),
    *[(Int16, {name: 7}) for name in ("ge", "gt", "le", "lt", "eq", "ne")],
    (Int16, {"in_range": {"min_value": 0, "max_value": 300, "include_max": False}}),
    (Int16, {"isin": [0, 1, 300]}),
    *[(Int64, {name: 2**53 + 1}) for name in ("ge", "gt", "le", "lt", "eq", "ne")],
    (Int64, {"ge": -(2**63), "le": 2**63 - 1}),
    (Int64, {"notin": [2**63 - 1, -(2**63)]}),
    (Bool, {"eq": True}),
    (Date, {"ge": dt.date(2013, 1, 1)}),
    (Date, {"isin": [dt.date(2000, 1, 1), dt.date(2013, 2, 28)]}),
    *[(Instant, {name: AT}) for name in ("ge", "gt", "le", "lt", "eq", "ne")],
    (Instant, {"ge": NEW_YEAR}),
    (Text, {"isin": ["", "é", "'; DROP TABLE staged; --", "\\"]}),
    (Text, {"notin": ["ab", "NaN", '"']}),
    (Text, {"eq": "ab\n"}),
    (Text, {"str_startswith": "a"}),
    (Text, {"str_startswith": "%"}),
    (Text, {"str_endswith": "\n"}),
    (Text, {"str_endswith": "_"}),
    (Text, {"str_length": 1}),
    (Text, {"str_length": (1, 2)}),
    (Text, {"str_length": {"min_value": 2}}),
    (Text, {"str_length": {"max_value": 3}}),
    (Text, {"str_matches": "a"}),
    (Text, {"str_matches": r"^[ab]+-?\d$"}),
    (Text, {"str_matches": r"[^\n]*\W"}),
    (Text, {"str_contains": r"b|-1"}),
    (Text, {"str_contains": r"b$"}),
]


def broken_for_pandera(model: type[Contract], rows: pd.DataFrame) -> dict[str, set[int]]:
    """The rows that pandera says break each check, by the check's name."""
    try:
        model.validate(rows, lazy=True)
    except SchemaErrors as found:
        cases = found.failure_cases
        return {
            str(check): {int(index) for index in group["index"]}
            for check, group in cases[cases["column"] == "value"].groupby("check")
        }
    return {}


@pytest.mark.parametrize(("dtype", "checks", "model"), [(*case, of_one(case[0], **case[1])) for case in CHECKS])
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_built_in_check_finds_the_rows_that_pandera_finds(
    dtype: Any, checks: dict[str, Any], model: type[Contract], data: st.DataObject
):
    contract = compile_contract(model)
    likely = [value for value in checks.values() if not isinstance(value, tuple | list | dict | float)]
    values = VALUES[dtype] | st.sampled_from(likely) if likely and dtype is not Text else VALUES[dtype]
    drawn = data.draw(st.lists(st.none() | values, max_size=60))
    if {"isin", "notin"} & set(checks):
        drawn = [0.0 if value == 0.0 and dtype is Float64 else value for value in drawn]
    rows = numbered(drawn)
    oracle = broken_for_pandera(model, frame(contract, rows))
    assert breaking(contract, staged(contract, rows), *value_rules(contract)) == set().union(*oracle.values())


def test_zero_is_zero_with_either_sign():
    """Here pandera differs: Arrow looks for the bits of a value in a set."""
    model = of_one(Float64, isin=[0.0])
    contract = compile_contract(model)
    rows = numbered([0.0, -0.0])
    assert breaking(contract, staged(contract, rows), "value.isin") == set()
    assert broken_for_pandera(model, frame(contract, rows)) == {"isin([0.0])": {1}}


def test_the_parametrised_checks_do_break():
    """Every check above refuses something, so that agreement with pandera means something."""
    never = []
    for dtype, checks in CHECKS:
        contract = compile_contract(of_one(dtype, **checks))
        values: dict[Any, list[Any]] = {
            Float64: [float("nan"), float("inf"), float("-inf"), -1.0, 0.0, 0.1, 1.0, 300.1],
            Int16: [-1, 6, 7, 8, 300], Int64: [-(2**63), 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1],
            Bool: [True, False], Date: [dt.date(1999, 1, 1), dt.date(2013, 1, 1)],
            Instant: [AT - dt.timedelta(days=400), AT, AT + dt.timedelta(microseconds=1)],
            Text: ["", "a", "ab", "ab\n", "xyz!", "%", "abcdef"],
        }  # fmt: skip
        session = staged(contract, numbered(values[dtype]))
        if not breaking(contract, session, *value_rules(contract)):
            never.append(checks)
    assert never == [{"ge": -(2**63), "le": 2**63 - 1}]


@pytest.mark.parametrize("check", [{"ge": 0}, {"gt": 0}, {"le": 0}, {"lt": 0}, {"in_range": (0, 1)}, {"isin": [1.0]}])
def test_nan_breaks_every_bound_and_null_breaks_none(check: dict[str, Any]):
    contract = compile_contract(of_one(Float64, **check))
    session = staged(contract, numbered([float("nan"), None]))
    assert breaking(contract, session, *value_rules(contract)) == {0}


@given(values=st.lists(st.none() | VALUES[Text], max_size=20))
@settings(max_examples=20)
def test_a_missing_value_is_found_as_pandera_finds_it(values: list[str | None]):
    model = of_one(Text, nullable=False)
    contract = compile_contract(model)
    rows = numbered(values)
    oracle = broken_for_pandera(model, frame(contract, rows)).get("not_nullable", set())
    assert breaking(contract, staged(contract, rows), "value.missing") == oracle
    assert oracle == {number for number, value in enumerate(values) if value is None}

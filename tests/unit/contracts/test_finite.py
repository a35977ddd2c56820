"""NaN and infinity in a column of floats are rejected unless the column allows them; a null is neither."""

import math
from typing import Any

import pytest
from tests.unit.contracts.guarding import audited, numbered, of_one, staged

from taxiway.contracts import Float64, FloatList, compile_contract, verdicts

VALUES = [0.0, None, math.nan, math.inf, -math.inf, 1e308]
ODD = {(): {2, 3, 4}, ("allow_nan",): {3, 4}, ("allow_inf",): {2}, ("allow_nan", "allow_inf"): set()}


def rejected(dtype: Any, values: list[Any], **options: bool) -> set[int]:
    contract = compile_contract(of_one(dtype, **options))
    session = staged(contract, numbered(values))
    (verdict,) = verdicts(contract, *audited(contract, session))
    rules = [rule for rule in contract.rules if rule.name == "value.finite"]
    broken = {r["row"] for rule in rules for r in session.run(session.staged.filter(~rule.holds(session.staged)))}
    assert verdict.rejected == len(broken)
    return broken


@pytest.mark.parametrize("allowed", ODD)
def test_what_is_not_allowed_is_rejected(allowed: tuple[str, ...]):
    options = dict.fromkeys(allowed, True)
    assert rejected(Float64, VALUES, **options) == ODD[allowed]
    lists = [[1.0, value] for value in VALUES] + [None, []]
    assert rejected(FloatList, lists, **options) == ODD[allowed]


def test_the_reason_names_what_it_is():
    for options, told in (
        ({}, "value: must not be NaN or infinite"),
        ({"allow_inf": True}, "value: must not be NaN"),
        ({"allow_nan": True}, "value: must not be infinite"),
    ):
        assert compile_contract(of_one(Float64, **options)).rule("value.finite").reason == told


def test_a_warning_about_a_bound_lets_no_nan_pass():
    assert rejected(Float64, VALUES, severity="warn", ge=0) == {2, 3, 4}  # pyright: ignore[reportArgumentType]

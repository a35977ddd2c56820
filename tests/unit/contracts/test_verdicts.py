"""What follows from an audit: tolerance to the row, what blocks a partition, and what people read."""

from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.contracts import (
    Contract,
    Int64,
    SharedKeys,
    Text,
    Verdict,
    Volume,
    column,
    compile_contract,
    sharing,
    table,
    table_rule,
    verdicts,
    with_volume,
)
from taxiway.contracts.verdict import tolerated_rows


class Orders(Contract):
    """An order."""

    month: Text = column("Month of the order")
    number: Int64 = column("Number of the order", ge=0)
    amount: Int64 = column("Amount", unit="cents", le=10, severity="warn")

    class Config:
        unique = ["number"]
        metadata = table(grain="month", tolerance=0.29)

    @table_rule("not everything is free", severity="error")
    def some_paid(t: Any) -> Any:
        return t["amount"].max() > 0

    @table_rule("orders are many", severity="warn")
    def many(t: Any) -> Any:
        return t.count() > 1_000_000


CONTRACT = compile_contract(Orders)


def judge(partition: str | None = "2013-01", duplicated: int = 0, **counts: int) -> Verdict:
    """The verdict on an audit with these counts; rules that are not named are fulfilled."""
    names = {rule.name.replace(".", "_"): f"rule_{index}" for index, rule in enumerate(CONTRACT.rules)}
    row = {"partition": partition, "rows": 100, "rejected": 0, "unreadable": 0, **dict.fromkeys(names.values(), 0)}
    row |= {names.get(name, name): count for name, count in counts.items()}
    keys = pa.table({"partition": [partition], "duplicated_keys": [duplicated]})
    return verdicts(CONTRACT, pa.Table.from_pylist([row]), keys, ["2013-01"])[-1]


@pytest.mark.parametrize(("rejected", "published"), [(0, True), (28, True), (29, True), (30, False), (100, False)])
def test_a_partition_is_published_up_to_its_tolerance_and_not_one_row_further(rejected: int, published: bool):
    assert judge(rejected=rejected, number_ge=rejected).published is published


@given(hundredths=st.integers(0, 100), rows=st.integers(0, 10**12))
def test_tolerance_is_exact_for_the_share_as_written(hundredths: int, rows: int):
    allowed = tolerated_rows(hundredths / 100, rows)
    assert Fraction(allowed, 1) <= Fraction(hundredths, 100) * rows < allowed + 1


def test_no_tolerance_means_no_rejected_row():
    assert tolerated_rows(0.0, 10**9) == 0


@pytest.mark.parametrize(("finding", "published"), [
    ({"duplicated": 1}, False),
    ({"some_paid": 1}, False),
    ({"many": 1}, True),
    ({"amount_le": 100}, True),
    ({"number_ge": 20, "rejected": 20}, True),
])  # fmt: skip
def test_what_blocks_a_partition(finding: dict[str, Any], published: bool):
    assert judge(**finding).published is published


def test_a_partition_that_was_not_asked_for_is_never_published():
    assert not judge("2013-02").published
    assert "month: 2013-02 was not asked for" in judge("2013-02").message


def test_the_message_names_the_partition_each_rule_and_its_count():
    refused = judge(rejected=30, number_ge=29, number_missing=1, amount_le=1_500, duplicated=2)
    assert refused.message == (
        "2013-01 not published: 30 of 100 rows rejected, 29 tolerated; key (number): 2 more than once; "
        "number: missing (1 row); number: must be >= 0 (29 rows); warning: amount: must be <= 10 (1,500 rows)"
    )
    assert judge(some_paid=1).message.endswith("; some_paid: not everything is free")
    assert judge().message == "2013-01 accepted: 0 of 100 rows rejected, 29 tolerated"


@given(hundredths=st.integers(0, 100), rows=st.integers(0, 10**12), published=st.integers(0, 10**12))
def test_a_volume_is_exact_for_the_share_as_written(hundredths: int, rows: int, published: int):
    volume = Volume(least_share=hundredths / 100, usual_share=0)
    judged = with_volume(judge(rows=rows), volume, published, accept_fewer=False, advice="ask")
    assert judged.published is (rows >= Fraction(hundredths, 100) * published)


def test_what_is_accepted_is_a_warning():
    few = judge(rows=5)
    refused = with_volume(few, Volume(least_rows=6), 90, accept_fewer=False, advice="ask first")
    accepted = with_volume(few, Volume(least_rows=6), 90, accept_fewer=True, advice="ask first")
    assert (refused.published, refused.accepted_fewer) == (False, False)
    assert (accepted.published, accepted.accepted_fewer) == (True, True)
    assert [failure.reason for failure in refused.failures] == [
        "volume: 5 rows, at least 6 must be; ask first",
        "volume: 5 rows where 90 are published, below the share of 0.1; ask first",
    ]
    assert {failure.severity for failure in accepted.failures} == {"warn"}


def shared(*pairs: str) -> list[tuple[str, SharedKeys]]:
    """`"b>a"`: staged b has a key of staged a, `"b>A"`: of published a."""
    return [(pair[0], SharedKeys(pair[2].lower(), pair[2].isupper(), 1)) for pair in pairs]


@pytest.mark.parametrize(("passed", "found", "refused"), [
    ("abc", [], {}),
    ("abc", ["b>a", "a>b"], {"b": "a"}),
    ("abc", ["b>a", "a>b", "c>b", "b>c"], {"b": "a"}),
    ("abc", ["b>a", "a>b", "c>b", "b>c", "a>c", "c>a"], {"b": "a", "c": "a"}),
    ("ab", ["a>B"], {}),
    ("a", ["a>B"], {"a": "b"}),
    ("ab", ["a>b", "b>a", "a>B"], {"a": "b"}),
    ("ab", ["a>b", "b>a", "a>B", "b>A"], {"b": "a", "a": "b"}),
    ("abc", ["c>b", "b>c", "a>C"], {"c": "b", "a": "c"}),
    ("b", ["b>a", "a>b"], {}),
])  # fmt: skip
def test_which_partition_is_refused_for_a_key_that_two_have(passed: str, found: list[str], refused: dict[str, str]):
    done = sharing(set(passed), shared(*found))
    assert {name: "".join(other.partition for other in others) for name, others in done.items()} == refused

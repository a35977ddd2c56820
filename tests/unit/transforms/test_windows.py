import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import example, given, settings
from tests.unit.transforms.moments import HOUR, START, by_id, events, tables

from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.windows import window_totals

HOURS = {"1h": 1, "2h": 2}


@transform
def totals(queries: ir.Table, happened: ir.Table) -> ir.Table:
    return window_totals(
        queries,
        happened,
        by=["group"],
        asked_at="at",
        happened_at="at",
        hours=HOURS,
        totals={"count": None, "sum": "amount"},
        keep=["id"],
    )


def naive(query: dict, happened: pa.Table) -> dict[str, int]:
    found = {}
    for name, hours in HOURS.items():
        seen = [
            event["amount"]
            for event in happened.to_pylist()
            if event["at"] is not None and query["at"] is not None
            if event["group"] is not None and event["group"] == query["group"]
            if query["at"] - hours * HOUR <= event["at"] <= query["at"]
        ]
        found |= {f"count_{name}": len(seen), f"sum_{name}": sum(amount or 0 for amount in seen)}
    return found


@settings(max_examples=60)
@given(tables, tables)
@example(events([("a", START + HOUR, 1)]), events([("a", START, 1), ("a", START + HOUR, 2)]))
@example(events([("a", START, 1)]), events([]))
@example(events([]), events([("a", START, 1)]))
def test_totals_equal_a_count_by_hand(queries: pa.Table, happened: pa.Table):
    found = run_transform(totals, {"queries": queries, "happened": happened})
    assert by_id(found) == {key: naive(row, happened) for key, row in by_id(queries).items()}
    assert set(found.schema.types[1:]) == {pa.int64()}


def test_both_ends_of_the_window_count():
    edge = START + HOUR
    happened = events([("a", edge - HOUR, 1), ("a", edge, 10), ("b", edge, 100)])
    (row,) = by_id(run_transform(totals, {"queries": events([("a", edge, 0)]), "happened": happened})).values()
    assert (row["count_1h"], row["sum_1h"]) == (2, 11)


def test_queries_may_come_from_a_semi_join():
    @transform
    def of_known(queries: ir.Table, happened: ir.Table) -> ir.Table:
        return totals.function(queries.semi_join(happened, "group"), happened)

    happened = events([("a", START, 1), ("a", START + HOUR, 2)])
    found = run_transform(of_known, {"queries": events([("a", START, 0), ("b", START, 0)]), "happened": happened})
    (row,) = found.to_pylist()
    assert (row["count_1h"], row["sum_1h"]) == (1, 1)


def test_several_keys_must_all_match():
    @transform
    def by_two(queries: ir.Table) -> ir.Table:
        arguments = {"asked_at": "at", "happened_at": "at", "hours": {"1h": 1}, "totals": {"count": None}}
        return window_totals(queries, queries, by=["group", "amount"], **arguments, keep=["id", "group"])

    rows = events([("a", START, 1), ("a", START, 2), ("b", START, 1), ("a", START, 1)])
    found = by_id(run_transform(by_two, {"queries": rows}))
    assert [found[key]["count_1h"] for key in sorted(found)] == [2, 1, 1, 2]
    assert [found[key]["group"] for key in sorted(found)] == ["a", "a", "b", "a"]


def test_a_mean_divides_once_and_is_null_of_nothing():
    @transform
    def means(rows: ir.Table) -> ir.Table:
        return rows.select("id", mean=exact_mean(rows.total, rows.count_))

    totals = [0, 1, 7, -5, 2**52 + 1]
    counts = [0, 3, 7, 3, 3]
    rows = pa.table({"id": [str(n) for n in range(5)], "total": totals, "count_": counts})
    found = by_id(run_transform(means, {"rows": rows}))
    assert [found[str(n)]["mean"] for n in range(5)] == [None, *(totals[n] / counts[n] for n in range(1, 5))]

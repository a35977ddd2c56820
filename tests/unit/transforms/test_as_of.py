from datetime import timedelta

import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import example, given, settings
from tests.unit.transforms.moments import HOUR, START, by_id, events, tables

from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library.as_of import latest_as_of

MINUTE = timedelta(minutes=1)


@transform
def latest(queries: ir.Table, happened: ir.Table) -> ir.Table:
    return latest_as_of(
        queries,
        happened.select("group", "at", "amount", place="id"),
        by=["group"],
        asked_at="at",
        happened_at="at",
        values=["amount", "place"],
        max_age_min=120,
        keep=["id", "group"],
        then_by=["place"],
    )


def naive(query: dict, happened: pa.Table) -> dict:
    last = None
    for event in happened.to_pylist():
        known = event["at"] is not None and query["at"] is not None
        if known and event["group"] is not None and event["group"] == query["group"] and event["at"] <= query["at"]:
            last = max(last or event, event, key=lambda one: (one["at"], one["id"]))
    if last is None or query["at"] - last["at"] > 120 * MINUTE:
        return {"group": query["group"], "amount": None, "place": None, "age_min": None}
    age = (query["at"] - last["at"]) // MINUTE
    return {"group": query["group"], "amount": last["amount"], "place": last["id"], "age_min": age}


@settings(max_examples=60)
@given(tables, tables)
@example(events([("a", START, 1)]), events([("a", START, 1), ("a", START, None)]))
@example(events([("a", START + 2 * HOUR, 1)]), events([("a", START, 7)]))
@example(events([("a", START + 2 * HOUR + timedelta(microseconds=1), 1)]), events([("a", START, 7)]))
@example(events([("a", START, 1), (None, START, 1)]), events([]))
def test_the_latest_value_equals_a_search_by_hand(queries: pa.Table, happened: pa.Table):
    found = run_transform(latest, {"queries": queries, "happened": happened})
    assert by_id(found) == {key: naive(row, happened) for key, row in by_id(queries).items()}


def test_a_value_that_is_missing_in_the_latest_event_stays_missing():
    happened = events([("a", START, 5), ("a", START + HOUR, None)])
    (row,) = by_id(run_transform(latest, {"queries": events([("a", START + HOUR, 0)]), "happened": happened})).values()
    assert (row["amount"], row["age_min"]) == (None, 0)

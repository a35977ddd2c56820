"""The latest value as of an instant."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from taxiway.transforms.blocks import EventWindow, state
from taxiway.transforms.library.clock import MINUTE, microseconds
from taxiway.transforms.library.values import Whole


def latest_as_of(
    queries: ir.Table,
    events: ir.Table,
    *,
    by: Sequence[str],
    asked_at: str,
    happened_at: str,
    values: Sequence[str],
    max_age_min: int,
    keep: Sequence[str],
    then_by: Sequence[str] = (),
) -> ir.Table:
    """For each query the `values` of the latest event of the same `by` with `happened_at <= asked_at`.

    Returns the queries' columns `keep`, the values and `age_min`, the event's age in whole minutes, int64;
    values and age are null where there is no such event or it is older than `max_age_min` minutes. A value
    that is missing in the latest event stays missing. Of events at the same instant the greatest by
    `then_by` counts: `by`, instant and `then_by` must be unique together. Events without an instant or a
    `by` value do not count.
    """
    happened = events.select(
        *by,
        _at=microseconds(events[happened_at]),
        _event=ibis.literal(1),
        **{_value(name): events[name] for name in values},
        **{_order(name): events[name] for name in then_by},
        **{_kept(name): ibis.null(queries[name].type()) for name in keep},
    )
    happened = happened.filter(*(happened[column].notnull() for column in (*by, "_at")))
    asked = queries.select(
        *by,
        _at=microseconds(queries[asked_at]),
        _event=ibis.literal(0),
        **{_value(name): ibis.null(events[name].type()) for name in values},
        **{_order(name): ibis.null(events[name].type()) for name in then_by},
        **{_kept(name): queries[name] for name in keep},
    )
    line = happened.union(asked)
    is_event: Whole = line["_event"]
    # A query comes after the events of its own instant, and so sees the last of them.
    up_to_here = ibis.range_window(
        preceding=None,
        following=0,
        group_by=list(by),
        order_by=[line["_at"], is_event.desc(), *(line[_order(name)] for name in then_by)],
    )
    numbered = line.mutate(_number=is_event.sum().over(up_to_here))
    found = numbered.filter(numbered["_event"] == 1)
    found = found.select(*by, "_number", *(_value(name) for name in values), _event_at=found["_at"])
    asking = numbered.filter(numbered["_event"] == 0).select(*by, "_number", "_at", *(_kept(name) for name in keep))
    answers = asking.left_join(found, [*by, "_number"])
    asked_us: Whole = answers["_at"]
    age = asked_us - answers["_event_at"]
    young = age <= max_age_min * MINUTE
    result = answers.select(
        **{name: answers[_kept(name)] for name in keep},
        **{name: ibis.ifelse(young, answers[_value(name)], ibis.null(events[name].type())) for name in values},
        age_min=ibis.ifelse(young, age // MINUTE, ibis.null("int64")),
    )
    return state(result, EventWindow(queries.op(), events.op(), asked_at, happened_at, max_age_min * MINUTE))


def _kept(name: str) -> str:
    return f"_kept_{name}"


def _value(name: str) -> str:
    return f"_value_{name}"


def _order(name: str) -> str:
    return f"_order_{name}"

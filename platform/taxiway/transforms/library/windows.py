"""Window aggregates as of an instant: what had happened in the hours up to and including it."""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis import _

from taxiway.transforms.blocks import EventWindow, state
from taxiway.transforms.library.clock import HOUR, microseconds
from taxiway.transforms.library.values import Value, Whole


def window_totals(
    queries: ir.Table,
    events: ir.Table,
    *,
    by: Sequence[str],
    asked_at: str,
    happened_at: str,
    hours: Mapping[str, int],
    totals: Mapping[str, str | None],
    keep: Sequence[str],
) -> ir.Table:
    """For each query, totals over the events of the same `by` in the closed window of hours up to `asked_at`.

    Returns the queries' columns `keep` and, for every total and every window, `<total>_<window>`, int64 and
    never null: the sum of the whole-number column that `totals` names (missing values add nothing), or for
    None the number of events. Events without an instant or a `by` value do not count.
    """
    amounts = {name: events[column] if column else ibis.literal(1) for name, column in totals.items()}
    happened = events.select(
        *by,
        _at=microseconds(events[happened_at]),
        _asked=ibis.literal(0),
        **{_amount(name): amount.cast("int64") for name, amount in amounts.items()},
    )
    happened = happened.filter(*(happened[column].notnull() for column in (*by, "_at")))
    asking = _apart(queries.select(*dict.fromkeys((*by, *keep)), _at=microseconds(queries[asked_at])))
    asked = asking.select(*by, "_at", _asked=ibis.literal(1), **{_amount(name): ibis.null("int64") for name in totals})
    # One row for each instant of the line of time: many flights share a minute.
    line = happened.union(asked)
    points = line.group_by([*by, "_at"]).agg(
        _asked=_["_asked"].max(), **{_amount(name): _total(line, name) for name in totals}
    )
    sums: dict[str, Value] = {}
    for window, width in hours.items():
        frame = ibis.range_window(preceding=width * HOUR, following=0, group_by=list(by), order_by=points["_at"])
        sums |= {f"{name}_{window}": _total(points, name).over(frame) for name in totals}
    answers = points.select(*by, "_at", "_asked", **sums).filter(_["_asked"] == 1)
    joined = asking.left_join(answers, [*by, "_at"])
    result = joined.select(*keep, **{name: ibis.coalesce(joined[name], 0) for name in sums})
    before = max(hours.values()) * HOUR
    return state(result, EventWindow(queries.op(), events.op(), asked_at, happened_at, before))


def _apart(rows: ir.Table) -> ir.Table:
    """The same rows as a relation of their own: a further join would be taken for one of a semi join's."""
    operation = rows.op()
    if isinstance(operation, ops.JoinChain) and any(link.how in ("semi", "anti") for link in operation.rest):
        return rows.view()
    return rows


def _total(rows: ir.Table, name: str) -> Whole:
    amount: Whole = rows[_amount(name)]
    return amount.sum()


def _amount(total: str) -> str:
    return f"_amount_{total}"

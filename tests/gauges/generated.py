"""Transforms of readings put together at random: each gives one whole number for every reading."""

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
from hypothesis import strategies as st

from taxiway.contracts import Contract, Instant, Int64, Text, column, table
from taxiway.transforms import Lookback, Transform, transform
from taxiway.transforms.library.as_of import latest_as_of
from taxiway.transforms.library.buckets import bucket_counts
from taxiway.transforms.library.windows import window_totals

KEEP = ["gauge", "read_at", "month"]

Step = Callable[[ir.Table, ir.Table], ir.Table]


class Generated(Contract):
    """One row for each reading, with a number."""

    gauge: Text = column("The gauge's code")
    read_at: Instant = column("When it was read")
    value: Int64 = column("A number", nullable=True)
    month: Text = column("The month of the reading in UTC")

    class Config:
        unique = ["gauge", "read_at"]
        metadata = table(grain="month")


def _window(function: str, group: tuple[str, ...], **bounds: Any) -> Step:
    def step(t: ir.Table, _: ir.Table) -> ir.Table:
        order = ["read_at", "gauge", "month"] if bounds or function in ("lag", "row_number") else None
        window = ibis.window(group_by=list(group), order_by=order, **bounds)
        found: Any = ibis.row_number() if function == "row_number" else getattr(t["value"], function)()
        return t.mutate(value=found.over(window).cast("int64"))

    return step


def _hours(function: str, hours: int, group: tuple[str, ...]) -> Step:
    def step(t: ir.Table, _: ir.Table) -> ir.Table:
        window = ibis.range_window(
            group_by=list(group),
            order_by="read_at",
            preceding=ibis.interval(hours=hours),
            following=ibis.interval(hours=0),
        )
        return t.mutate(value=getattr(t["value"], function)().over(window).cast("int64"))

    return step


def _grouped(keys: tuple[str, ...], how: Any) -> Step:
    def step(t: ir.Table, readings: ir.Table) -> ir.Table:
        totals = readings.group_by(*keys).agg(total=readings.level_cm.sum(), rows=readings.count())
        joined: Any = t.join(totals, list(keys), how=how)
        return joined.select(*KEEP, value=joined["value"] + joined["total"] * 7 + joined["rows"])

    return step


def _block(hours: int, kind: str) -> Step:
    def step(t: ir.Table, readings: ir.Table) -> ir.Table:
        if kind == "totals":
            found = window_totals(
                t,
                readings,
                by=["gauge"],
                asked_at="read_at",
                happened_at="read_at",
                hours={"w": hours},
                totals={"n": None, "cm": "level_cm"},
                keep=KEEP,
            )
            return found.select(*KEEP, value=found["n_w"] * 100_000 + found["cm_w"])
        if kind == "latest":
            shifted = readings.filter(readings.level_cm.notnull())
            found = latest_as_of(
                t,
                shifted,
                by=["gauge"],
                asked_at="read_at",
                happened_at="read_at",
                values=["level_cm"],
                max_age_min=hours * 60,
                keep=KEEP,
            )
            return found.select(*KEEP, value=found["level_cm"].cast("int64"))
        found = bucket_counts(t, by=["gauge"], at="read_at", width_min=hours * 60, keep=KEEP)
        return found.select(*KEEP, value=found["same"] * 1000 + found["previous"])

    return step


def _row_wise(t: ir.Table, _: ir.Table) -> ir.Table:
    return t.mutate(value=t["value"] * 3 - 1)


def _filtered(t: ir.Table, _: ir.Table) -> ir.Table:
    return t.filter(t["value"].notnull())


def _above_all(t: ir.Table, readings: ir.Table) -> ir.Table:
    return t.mutate(value=t["value"] - readings.level_cm.max().as_scalar())


def _in_others(keys: list[str]) -> Step:
    def step(t: ir.Table, readings: ir.Table) -> ir.Table:
        return t.semi_join(readings.filter(readings.level_cm > 45), keys)

    return step


_GROUPS = st.sampled_from([(), ("gauge",), ("month",), ("gauge", "month")])
_FUNCTIONS = st.sampled_from(["sum", "count", "min", "max"])

steps: st.SearchStrategy[Step] = st.one_of(
    st.just(_row_wise),
    st.just(_filtered),
    st.just(_above_all),
    st.builds(_window, st.sampled_from(["sum", "count", "max", "lag", "row_number"]), _GROUPS),
    st.builds(lambda group: _window("sum", group, preceding=3, following=0), _GROUPS),
    st.builds(_hours, _FUNCTIONS, st.sampled_from([6, 24, 30]), st.sampled_from([("gauge",), ("gauge", "month")])),
    st.builds(_grouped, st.sampled_from([("gauge",), ("gauge", "month")]), st.sampled_from(["inner", "left"])),
    st.builds(_block, st.sampled_from([6, 24, 30]), st.sampled_from(["totals", "latest", "buckets"])),
    st.builds(_in_others, st.sampled_from([["gauge"], ["gauge", "month"]])),
)


@st.composite
def transforms(draw: st.DrawFn) -> Transform:
    """A transform of `raw/readings`, with some lookback or none, of one to three steps."""
    chosen = draw(st.lists(steps, min_size=1, max_size=3))
    hours = draw(st.sampled_from([None, 6, 24, 800]))
    return of_steps(chosen, hours)


def of_steps(chosen: list[Step], hours: int | None) -> Transform:
    """The transform of these steps, with a lookback of so many hours."""

    def generated(raw_readings: ir.Table) -> ir.Table:
        t = raw_readings.select(*KEEP, value=raw_readings.level_cm.cast("int64"))
        for step in chosen:
            t = step(t, raw_readings)
        return t.select("gauge", "read_at", "value", "month")

    reach = {} if hours is None else {"raw_readings": Lookback(hours, on="read_at")}
    return transform(reach=reach)(generated)


row_wise, filtered, above_all = _row_wise, _filtered, _above_all
window, hours_before, grouped, block, in_others = _window, _hours, _grouped, _block, _in_others

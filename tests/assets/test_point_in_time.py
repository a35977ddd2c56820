"""No feature of the real year reads the future, and transforms that do are caught."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.assets import building
from tests.working import SOAK

from flights.features.origin_congestion import OriginCongestion
from flights.model import predictions
from flights.model.delay_model import DelayModel, delay_model, training_rows
from taxiway.contracts import Bool, Contract, Float64, Int32, Text, column
from taxiway.errors import UsageError
from taxiway.tables import Table
from taxiway.testing import assert_point_in_time, run_transform
from taxiway.transforms import ArrowTransform, Transform, pandas_transform, transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.as_of import latest_as_of
from taxiway.transforms.library.windows import window_totals

DECISION = ("feature_flights", "decision_at")
# One in each season, one on the night on which clocks go forward, none at a full hour of its own. The soak tries all of
# them on every feature, without it the night and the last.
CUTS = (
    datetime(2013, 1, 20, 15, 0, tzinfo=UTC),
    datetime(2013, 3, 10, 7, 15, tzinfo=UTC),
    datetime(2013, 7, 4, 20, 40, tzinfo=UTC),
    datetime(2013, 12, 23, 12, 5, tzinfo=UTC),
)
# The widest window reaches 30 days back; what lies around a cut is enough to prove it.
AROUND = (timedelta(days=32), timedelta(days=3))


def around(cut: datetime) -> Mapping[str, pa.Table]:
    """The real tables cut down to the flights scheduled, and the weather observed, around an instant."""
    tables = dict(building.lake())
    flights = tables["feature_flights"]
    scheduled = flights["scheduled_departure_at"]
    near = pc.and_(pc.greater_equal(scheduled, cut - AROUND[0]), pc.less_equal(scheduled, cut + AROUND[1]))
    tables["feature_flights"] = flights.filter(near)
    chosen = tables["feature_flights"]["flight_id"]
    for table in building.FEATURES:
        features = tables[table.address.relation]
        tables[table.address.relation] = features.filter(pc.is_in(features["flight_id"], chosen))
    return tables


def contracts(of: Transform | ArrowTransform) -> dict[str, type[Contract]]:
    known = {table.address.relation: table.contract for table in building.ALL} | {"model_delay_model": DelayModel}
    return {name: known[name] for name in of.inputs}


@pytest.mark.parametrize("table", [*building.FEATURES, building.delay_features.table], ids=lambda table: table.at)
def test_no_feature_reads_the_future(table: Table):
    of = building.transform_of(table)
    for cut in CUTS if SOAK else CUTS[1::2]:
        compared = assert_point_in_time(
            of,
            around(cut),
            contracts(of),
            result=table.contract,
            decision=DECISION,
            cuts=[cut],
        )
        assert compared > 10_000


def test_no_prediction_reads_the_future():
    cut, month = CUTS[2], "2013-07"
    model = run_transform(delay_model, building.lake(), {"partition": month})
    of = predictions.predictions
    compared = assert_point_in_time(
        of,
        {**around(cut), "model_delay_model": model},
        contracts(of),
        result=predictions.Predictions,
        decision=DECISION,
        cuts=[cut],
    )
    assert compared > 10_000


def training(month: str, until: datetime, of: Transform) -> int:
    """Prove that what a month's model is trained on was known at an instant, from the whole year's tables."""
    return assert_point_in_time(
        of,
        building.lake(),
        contracts(of),
        key=["flight_id"],
        decision=until,
        cuts=[until],
        parameters={"partition": month},
    )


def test_training_sees_only_what_was_known():
    """November's model, asked first two hours before the month begins in New York, on Daylight time."""
    assert training("2013-11", datetime(2013, 11, 1, 2, tzinfo=UTC), training_rows) > 1_000_000


@transform
def training_that_waits_for_the_month(
    feature_delay_features: ir.Table, feature_flights: ir.Table, partition: str = ""
) -> ir.Table:
    return training_rows.function(feature_delay_features, feature_flights, partition=partition, decision_hours=0)


@transform
def training_on_whole_months(feature_delay_features: ir.Table, partition: str = "") -> ir.Table:
    earlier = feature_delay_features.filter(feature_delay_features.month < partition)
    return earlier.filter(earlier.is_late.notnull()).select("flight_id", "is_late")


@pytest.mark.parametrize("leak", [training_that_waits_for_the_month, training_on_whole_months], ids=lambda t: t.name)
def test_training_on_what_was_not_known_is_caught(leak: Transform):
    with pytest.raises(AssertionError, match="are on one side only"):
        training("2013-11", datetime(2013, 11, 1, 2, tzinfo=UTC), leak)


class Leaking(Contract):
    """A feature that should not be."""

    flight_id: Text = column("The flight")
    value: Int32 = column("What the flight could not know", nullable=True)

    class Config:
        unique = ["flight_id"]


@transform
def window_that_ends_later(feature_flights: ir.Table) -> ir.Table:
    late = feature_flights.mutate(asked_at=feature_flights.scheduled_departure_at)
    seen = window_totals(
        late,
        late,
        by=["origin"],
        asked_at="asked_at",
        happened_at="departed_at",
        hours={"3h": 3},
        totals={"departures": None},
        keep=["flight_id"],
    )
    return seen.select("flight_id", value=seen.departures_3h.cast("int32"))


@transform
def latest_without_a_bound(feature_flights: ir.Table) -> ir.Table:
    arrived = feature_flights.filter(feature_flights.arrived_at.notnull())
    last = arrived.group_by("tailnum").agg(value=arrived.arr_delay_min.max().cast("int32"))
    joined = feature_flights.left_join(last, "tailnum")
    return joined.select("flight_id", "value")


@transform
def schedule_that_knows_cancellations(feature_flights: ir.Table) -> ir.Table:
    return feature_flights.select("flight_id", value=feature_flights.is_cancelled.ifelse(0, 1).cast("int32"))


@transform
def weather_of_the_departure(feature_flights: ir.Table, raw_weather: ir.Table) -> ir.Table:
    latest = latest_as_of(
        feature_flights,
        raw_weather,
        by=["origin"],
        asked_at="scheduled_departure_at",
        happened_at="observed_at",
        values=[],
        max_age_min=180,
        keep=["flight_id"],
    )
    return latest.select("flight_id", value=latest.age_min.cast("int32"))


@transform
def only_what_departed(feature_flights: ir.Table) -> ir.Table:
    departed = feature_flights.filter(feature_flights.departed_at.notnull())
    return departed.select("flight_id", value=departed.scheduled_hour.cast("int32"))


@transform
def worst_congestion_of_the_day(feature_flights: ir.Table, feature_origin_congestion: ir.Table) -> ir.Table:
    """What a feature says of flights that are decided later is not known yet, though it is no plain future value."""
    own = feature_flights.select("flight_id", "flight_date", "origin")
    seen = own.join(feature_origin_congestion, "flight_id")
    day = seen.group_by("origin", "flight_date").agg(worst=seen.origin_mean_dep_delay_1h_min.max())
    joined = own.left_join(day, ["origin", "flight_date"])
    return joined.select("flight_id", value=(joined.worst > 30).ifelse(1, 0).cast("int32"))


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        (window_that_ends_later, "value of flight_id"),
        (latest_without_a_bound, "value of flight_id"),
        (schedule_that_knows_cancellations, "value of flight_id"),
        (weather_of_the_departure, "value of flight_id"),
        (worst_congestion_of_the_day, "value of flight_id"),
        (only_what_departed, "are on one side only"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_leak_is_caught(leak: Transform, told: str):
    cut = CUTS[0]
    with pytest.raises(AssertionError, match=told) as caught:
        assert_point_in_time(leak, around(cut), contracts(leak), result=Leaking, decision=DECISION, cuts=[cut])
    assert "2013-01-20 15:00:00+00:00" in str(caught.value)


@transform
def arrivals(feature_flights: ir.Table) -> ir.Table:
    return feature_flights.select("flight_id", "tailnum", "arr_delay_min")


class AircraftDelay(Contract):
    """How late an aircraft is."""

    flight_id: Text = column("The flight")
    delay_min: Float64 = column("Mean delay of the aircraft", unit="min", nullable=True)

    class Config:
        unique = ["flight_id"]


@pandas_transform(prepare=arrivals, by=["tailnum"], columns={"flight_id": "string", "delay_min": "float64"})
def delay_of_all_its_flights(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"flight_id": rows["flight_id"], "delay_min": rows["arr_delay_min"].mean()})


def test_a_leak_of_a_pandas_function_is_caught():
    of, cut = delay_of_all_its_flights, CUTS[0]
    with pytest.raises(AssertionError, match="delay_min of flight_id"):
        assert_point_in_time(of, around(cut), contracts(of), result=AircraftDelay, decision=DECISION, cuts=[cut])


def test_the_table_that_says_when_a_column_is_known_must_be_there():
    tables = {"feature_delay_features": building.lake()["feature_delay_features"]}
    of = training_on_whole_months
    arguments = {"key": ["flight_id"], "cuts": [CUTS[0]], "parameters": {"partition": "2013-11"}}
    with pytest.raises(UsageError, match="give the table feature_flights too"):
        assert_point_in_time(of, tables, contracts(of), **arguments, decision=CUTS[0])
    with pytest.raises(UsageError, match="the result has no column decision_at"):
        assert_point_in_time(of, tables, contracts(of), **arguments)


def test_a_cut_before_all_decisions_proves_nothing():
    of = building.transform_of(building.FEATURES[0])
    with pytest.raises(AssertionError, match="nothing was proved"):
        assert_point_in_time(
            of,
            around(CUTS[0]),
            contracts(of),
            result=OriginCongestion,
            decision=DECISION,
            cuts=[datetime(2012, 1, 1, tzinfo=UTC)],
        )


class Outcome(Contract):
    """What became of a flight, which says when it is known."""

    flight_id: Text = column("The flight")
    late: Bool = column("Whether it was late", nullable=True, known_at="feature/flights.arrived_at")

    class Config:
        unique = ["flight_id"]


class OutcomeThatPretends(Outcome):
    """The same, said to be known always."""

    late: Bool = column("Whether it was late", nullable=True)


@transform
def outcome(feature_flights: ir.Table) -> ir.Table:
    return feature_flights.select("flight_id", late=feature_flights.arr_delay_min >= 15)


def test_a_column_that_says_when_it_becomes_known_is_judged_by_that():
    tables = around(CUTS[0])
    given = {"cuts": [CUTS[0]], "decision": DECISION}
    rows = pc.sum(pc.less_equal(tables["feature_flights"]["decision_at"], CUTS[0])).as_py()
    # The key and the instant of the decision are compared in every row, the label in none.
    assert assert_point_in_time(outcome, tables, contracts(outcome), result=Outcome, **given) == 2 * rows
    with pytest.raises(AssertionError, match="late of flight_id"):
        assert_point_in_time(outcome, tables, contracts(outcome), result=OutcomeThatPretends, **given)


def test_a_mean_is_compared_to_the_bit():
    """A leak of a billionth of a minute is a leak."""

    @transform
    def nudged(feature_flights: ir.Table) -> ir.Table:
        seen = window_totals(
            feature_flights,
            feature_flights,
            by=["origin"],
            asked_at="decision_at",
            happened_at="departed_at",
            hours={"1h": 1},
            totals={"departures": None, "delay": "dep_delay_min"},
            keep=["flight_id", "month"],
        )
        known = feature_flights.is_cancelled.count().as_scalar().cast("float64")
        tiny = known * 1e-12
        return seen.select(
            "flight_id",
            "month",
            origin_departures_1h=seen.departures_1h.cast("int32"),
            origin_mean_dep_delay_1h_min=exact_mean(seen.delay_1h, seen.departures_1h) + tiny,
            origin_departures_3h=seen.departures_1h.cast("int32"),
            origin_mean_dep_delay_3h_min=exact_mean(seen.delay_1h, seen.departures_1h),
        )

    with pytest.raises(AssertionError, match="origin_mean_dep_delay_1h_min of flight_id"):
        assert_point_in_time(
            nudged,
            around(CUTS[0]),
            contracts(nudged),
            result=OriginCongestion,
            decision=DECISION,
            cuts=[CUTS[0]],
        )

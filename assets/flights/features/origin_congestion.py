"""feature/origin_congestion: how busy and how late the flight's airport had been."""

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight, feature
from taxiway.contracts import Float64, Int32
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.windows import window_totals


class OriginCongestion(PerFlight):
    """Departures from the flight's origin in the 1 and 3 hours up to the decision."""

    origin_departures_1h: Int32 = feature("Departures in the last hour", unit="flights", ge=0)
    origin_mean_dep_delay_1h_min: Float64 = feature("Their mean departure delay", unit="min", nullable=True)
    origin_departures_3h: Int32 = feature("Departures in the last 3 hours", unit="flights", ge=0)
    origin_mean_dep_delay_3h_min: Float64 = feature("Their mean departure delay", unit="min", nullable=True)


# The widest window and the two hours from the decision to the schedule.
@transform(reach={"feature_flights": Lookback(hours=3 + 2, on="departed_at")})
def origin_congestion(feature_flights: ir.Table) -> ir.Table:
    seen = window_totals(
        feature_flights,
        feature_flights,
        by=["origin"],
        asked_at="decision_at",
        happened_at="departed_at",
        hours={"1h": 1, "3h": 3},
        totals={"departures": None, "delay": "dep_delay_min"},
        keep=["flight_id", "month"],
    )
    return seen.select(
        "flight_id",
        "month",
        origin_departures_1h=seen.departures_1h.cast("int32"),
        origin_mean_dep_delay_1h_min=exact_mean(seen.delay_1h, seen.departures_1h),
        origin_departures_3h=seen.departures_3h.cast("int32"),
        origin_mean_dep_delay_3h_min=exact_mean(seen.delay_3h, seen.departures_3h),
    )


table = Table("feature/origin_congestion", contract=OriginCongestion, transform=origin_congestion)

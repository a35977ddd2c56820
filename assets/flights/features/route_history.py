"""feature/route_history: how late flights on the route had been."""

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight, feature
from taxiway.contracts import Float64, Int32
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.windows import window_totals


class RouteHistory(PerFlight):
    """Arrivals on the flight's route in the 720 hours up to the decision."""

    route_arrivals_30d: Int32 = feature("Arrivals in the last 720 hours", unit="flights", ge=0)
    route_mean_arr_delay_30d_min: Float64 = feature("Their mean arrival delay", unit="min", nullable=True)
    route_late_share_30d: Float64 = feature("Share that came late", unit="share", nullable=True, ge=0, le=1)


# The window and the two hours from the decision to the schedule.
@transform(reach={"feature_flights": Lookback(hours=720 + 2, on="arrived_at")})
def route_history(feature_flights: ir.Table, late_min: int = 15) -> ir.Table:
    seen = window_totals(
        feature_flights,
        feature_flights.mutate(is_late=(feature_flights.arr_delay_min >= late_min).cast("int16")),
        by=["origin", "dest"],
        asked_at="decision_at",
        happened_at="arrived_at",
        hours={"30d": 720},
        totals={"arrivals": None, "delay": "arr_delay_min", "late": "is_late"},
        keep=["flight_id", "month"],
    )
    return seen.select(
        "flight_id",
        "month",
        route_arrivals_30d=seen.arrivals_30d.cast("int32"),
        route_mean_arr_delay_30d_min=exact_mean(seen.delay_30d, seen.arrivals_30d),
        route_late_share_30d=exact_mean(seen.late_30d, seen.arrivals_30d),
    )


table = Table("feature/route_history", contract=RouteHistory, transform=route_history)

"""feature/carrier_punctuality: how punctual the airline had been at the airport."""

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight, feature
from taxiway.contracts import Float64, Int32
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.windows import window_totals


class CarrierPunctuality(PerFlight):
    """Departures of the flight's carrier from its origin in the 24 hours up to the decision."""

    carrier_departures_24h: Int32 = feature("Departures in the last 24 hours", unit="flights", ge=0)
    carrier_mean_dep_delay_24h_min: Float64 = feature("Their mean departure delay", unit="min", nullable=True)


# The window and the two hours from the decision to the schedule.
@transform(reach={"feature_flights": Lookback(hours=24 + 2, on="departed_at")})
def carrier_punctuality(feature_flights: ir.Table) -> ir.Table:
    seen = window_totals(
        feature_flights,
        feature_flights,
        by=["carrier", "origin"],
        asked_at="decision_at",
        happened_at="departed_at",
        hours={"24h": 24},
        totals={"departures": None, "delay": "dep_delay_min"},
        keep=["flight_id", "month"],
    )
    return seen.select(
        "flight_id",
        "month",
        carrier_departures_24h=seen.departures_24h.cast("int32"),
        carrier_mean_dep_delay_24h_min=exact_mean(seen.delay_24h, seen.departures_24h),
    )


table = Table("feature/carrier_punctuality", contract=CarrierPunctuality, transform=carrier_punctuality)

"""feature/carrier_punctuality: how punctual the airline had been at the airport."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Float64, Int32, Text, column
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.windows import window_totals


class CarrierPunctuality(Contract):
    """Departures of the flight's carrier from its origin in the 24 hours up to the decision."""

    flight_id: Text = column("The flight, a key of feature/flights")
    carrier_departures_24h: Int32 = column("Departures in the last 24 hours", unit="flights", ge=0)
    carrier_mean_dep_delay_24h_min: Float64 = column("Their mean departure delay", unit="min", nullable=True)
    month: Text = column("Month of the schedule in New York")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(partition="month")


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

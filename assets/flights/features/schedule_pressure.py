"""feature/schedule_pressure: how many departures the airport has scheduled around the flight."""

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight
from taxiway.contracts import Int32, column
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.buckets import bucket_counts


class SchedulePressure(PerFlight):
    """Departures scheduled from the flight's origin in its hour of UTC and in the hour before."""

    scheduled_departures_same_hour: Int32 = column("In its hour, itself included", unit="flights", ge=1)
    scheduled_departures_previous_hour: Int32 = column("In the hour before", unit="flights", ge=0)


@transform(reach={"feature_flights": Lookback(hours=2, on="scheduled_departure_at")})
def schedule_pressure(feature_flights: ir.Table) -> ir.Table:
    counted = bucket_counts(
        feature_flights, by=["origin"], at="scheduled_departure_at", width_min=60, keep=["flight_id", "month"]
    )
    return counted.select(
        "flight_id",
        "month",
        scheduled_departures_same_hour=counted.same.cast("int32"),
        scheduled_departures_previous_hour=counted.previous.cast("int32"),
    )


table = Table("feature/schedule_pressure", contract=SchedulePressure, transform=schedule_pressure)

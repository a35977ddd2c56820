"""feature/schedule_pressure: how many departures the airport has scheduled around the flight."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Int32, Text, column
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.buckets import bucket_counts


class SchedulePressure(Contract):
    """Departures scheduled from the flight's origin in its hour of UTC and in the hour before."""

    flight_id: Text = column("The flight, a key of feature/flights")
    scheduled_departures_same_hour: Int32 = column("In its hour, itself included", unit="flights", ge=1)
    scheduled_departures_previous_hour: Int32 = column("In the hour before", unit="flights", ge=0)
    month: Text = column("Month of the schedule in New York")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(partition="month")


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

"""feature/ride_spread: how long rides are, and how much that varies, by station and day.

The last digits of a deviation depend on the engine and on the order in which it adds, so the table is bound to one.
"""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Float64, Int64, Text, column
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import minutes_between, partition_of

from bikes.clock import CITY


class RideSpread(Contract):
    """One station on one day on which something was rented there."""

    station_id: Text = column("The station, a key of raw/stations")
    rides: Int64 = column("Rentals of the day", unit="rentals", ge=1)
    mean_min: Float64 = column("Their mean length", unit="min", ge=0)
    deviation_min: Float64 = column("Its standard deviation; null for a single one", unit="min", ge=0, nullable=True)
    day: Text = column("The day in the city")

    class Config:
        """One row for each station and day."""

        unique = ["station_id", "day"]
        metadata = contracts.table(grain="day", key_within_partition=True)


@transform
def ride_spread(raw_rentals: ir.Table) -> ir.Table:
    """Mean and deviation of whole minutes."""
    rides = raw_rentals.mutate(
        day=partition_of(raw_rentals.ended_at, "day", CITY),
        minutes=minutes_between(raw_rentals.started_at, raw_rentals.ended_at),
    )
    return rides.group_by("station_id", "day").aggregate(
        rides=rides.count(), mean_min=rides.minutes.mean(), deviation_min=rides.minutes.std()
    )


table = Table("feature/ride_spread", contract=RideSpread, transform=ride_spread, engine="duckdb")

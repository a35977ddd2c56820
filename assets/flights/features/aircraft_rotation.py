"""feature/aircraft_rotation: what the flight's aircraft had just been doing."""

from functools import partial

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight, feature
from taxiway.contracts import Int16
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.as_of import latest_as_of


class AircraftRotation(PerFlight):
    """The last arrival and departure of the flight's aircraft in the 24 hours up to the decision."""

    aircraft_last_arr_delay_min: Int16 = feature("Delay of its last arrival", unit="min", nullable=True)
    aircraft_since_last_departure_min: Int16 = feature(
        "Whole minutes since its last departure", unit="min", nullable=True, ge=0, le=1440
    )


# The window and the two hours from the decision to the schedule.
@transform(reach={"feature_flights": Lookback(hours=24 + 2, on=("departed_at", "arrived_at"))})
def aircraft_rotation(feature_flights: ir.Table) -> ir.Table:
    latest = partial(
        latest_as_of,
        feature_flights,
        feature_flights,
        by=["tailnum"],
        asked_at="decision_at",
        max_age_min=24 * 60,
        keep=["flight_id", "month"],
        then_by=["flight_id"],
    )
    arrival = latest(happened_at="arrived_at", values=["arr_delay_min"])
    departure = latest(happened_at="departed_at", values=[])
    both = arrival.inner_join(departure.select("flight_id", "month", since=departure.age_min), ["flight_id", "month"])
    return both.select(
        "flight_id",
        "month",
        aircraft_last_arr_delay_min=both.arr_delay_min,
        aircraft_since_last_departure_min=both.since.cast("int16"),
    )


table = Table("feature/aircraft_rotation", contract=AircraftRotation, transform=aircraft_rotation)

"""feature/delay_features: everything that a model may know of a flight at its decision, and the label."""

from functools import reduce

import ibis.expr.types as ir

from flights.features.aircraft_rotation import AircraftRotation
from flights.features.carrier_punctuality import CarrierPunctuality
from flights.features.origin_congestion import OriginCongestion
from flights.features.route_history import RouteHistory
from flights.features.schedule_pressure import SchedulePressure
from flights.features.weather_outlook import WeatherOutlook
from taxiway.contracts import Bool, Instant, Int16, Text, column
from taxiway.tables import Table
from taxiway.transforms import transform


class DelayFeatures(
    SchedulePressure, AircraftRotation, WeatherOutlook, RouteHistory, CarrierPunctuality, OriginCongestion
):
    """Everything that a model may know of a flight when it decides, and whether the flight then came late."""

    carrier: Text = column("Airline")
    origin: Text = column("Airport of departure")
    dest: Text = column("Airport of destination")
    distance_mi: Int16 = column("Distance between the airports", unit="statute miles", ge=1)
    decision_at: Instant = column("When the prediction is made: two hours before the scheduled departure")
    scheduled_hour: Int16 = column("Hour of the scheduled departure on the origin's clock", ge=0, le=23)
    scheduled_weekday: Int16 = column("Weekday on the origin's clock, 1 is Monday", ge=1, le=7)
    scheduled_duration_min: Int16 = column("Scheduled departure to scheduled arrival", unit="min", ge=1, le=1500)
    aircraft_seats: Int16 = column(
        "Seats of the aircraft; null where it is not registered", unit="seats", nullable=True
    )
    aircraft_age_years: Int16 = column("Year of the flight less year built", unit="years", nullable=True)
    is_late: Bool = column(
        "Whether it came late; null where the arrival delay is unknown",
        nullable=True,
        known_at="feature/flights.arrived_at",
    )


@transform
def delay_features(
    feature_flights: ir.Table,
    feature_origin_congestion: ir.Table,
    feature_carrier_punctuality: ir.Table,
    feature_route_history: ir.Table,
    feature_weather_outlook: ir.Table,
    feature_aircraft_rotation: ir.Table,
    feature_schedule_pressure: ir.Table,
    raw_aircraft: ir.Table,
    late_min: int = 15,
) -> ir.Table:
    aircraft = raw_aircraft.select("tailnum", aircraft_seats="seats", year_built="year")
    flights = feature_flights.left_join(aircraft, "tailnum")
    flights = flights.select(
        "flight_id",
        "carrier",
        "origin",
        "dest",
        "distance_mi",
        "decision_at",
        "scheduled_hour",
        "scheduled_weekday",
        "scheduled_duration_min",
        "aircraft_seats",
        "month",
        aircraft_age_years=(flights.flight_date.year() - flights.year_built).cast("int16"),
        is_late=flights.arr_delay_min >= late_min,
    )
    parts = (
        feature_origin_congestion,
        feature_carrier_punctuality,
        feature_route_history,
        feature_weather_outlook,
        feature_aircraft_rotation,
        feature_schedule_pressure,
    )
    return reduce(lambda t, part: t.inner_join(part, ["flight_id", "month"]), parts, flights)


table = Table("feature/delay_features", contract=DelayFeatures, transform=delay_features)

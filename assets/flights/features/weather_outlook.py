"""feature/weather_outlook: the weather at the airport as last observed."""

import ibis.expr.types as ir

from flights.features.per_flight import PerFlight, feature
from taxiway.contracts import Float64, Int32
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.as_of import latest_as_of

OBSERVED = {
    "temperature_f": "temp",
    "wind_speed_mph": "wind_speed",
    "wind_gust_mph": "wind_gust",
    "precipitation_in": "precip",
    "visibility_mi": "visib",
    "pressure_mbar": "pressure",
}


class WeatherOutlook(PerFlight):
    """The latest observation at the flight's origin up to the decision; null where it is over 3 hours old."""

    temperature_f: Float64 = feature("Temperature", unit="°F", nullable=True)
    wind_speed_mph: Float64 = feature("Speed of the wind", unit="mph", nullable=True)
    wind_gust_mph: Float64 = feature("Speed of gusts", unit="mph", nullable=True)
    precipitation_in: Float64 = feature("Precipitation in the hour", unit="in", nullable=True)
    visibility_mi: Float64 = feature("Visibility", unit="statute miles", nullable=True)
    pressure_mbar: Float64 = feature("Pressure at sea level", unit="mbar", nullable=True)
    observation_age_min: Int32 = feature(
        "Age of the observation at the decision", unit="min", nullable=True, ge=0, le=180
    )


# The oldest observation that counts and the two hours from the decision to the schedule.
@transform(reach={"raw_weather": Lookback(hours=3 + 2, on="observed_at")})
def weather_outlook(feature_flights: ir.Table, raw_weather: ir.Table) -> ir.Table:
    latest = latest_as_of(
        feature_flights,
        raw_weather.select("origin", "observed_at", **{name: raw_weather[source] for name, source in OBSERVED.items()}),
        by=["origin"],
        asked_at="decision_at",
        happened_at="observed_at",
        values=list(OBSERVED),
        max_age_min=180,
        keep=["flight_id", "month"],
    )
    return latest.select("flight_id", "month", *OBSERVED, observation_age_min=latest.age_min.cast("int32"))


table = Table("feature/weather_outlook", contract=WeatherOutlook, transform=weather_outlook)

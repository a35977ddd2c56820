"""raw/weather: the hourly observations at New York's airports, as delivered, typed."""

import ibis.expr.types as ir

from flights.raw.flights import NEW_YORK
from taxiway import contracts
from taxiway.contracts import Contract, Float64, Instant, Int16, Int64, Text, column, row_rule
from taxiway.landing import CSV
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import local_clock


class RawWeather(Contract):
    """The weather at an airport at a full hour, known from that hour on."""

    origin: Text = column("Airport of the observation", isin=["EWR", "JFK", "LGA"], known_at="observed_at")
    observed_at: Instant = column("Hour of the observation", known_at="observed_at")
    temp: Float64 = column("Temperature", unit="°F", nullable=True, known_at="observed_at", ge=-60, le=130)
    dewp: Float64 = column("Dew point", unit="°F", nullable=True, known_at="observed_at", ge=-80, le=100)
    humid: Float64 = column("Relative humidity", unit="%", nullable=True, known_at="observed_at", ge=0, le=100)
    wind_dir: Int16 = column("Direction of the wind", unit="°", nullable=True, known_at="observed_at", ge=0, le=360)
    wind_speed: Float64 = column("Speed of the wind", unit="mph", nullable=True, known_at="observed_at", ge=0, le=200)
    wind_gust: Float64 = column("Speed of gusts", unit="mph", nullable=True, known_at="observed_at", ge=0, le=250)
    precip: Float64 = column("Precipitation in the hour", unit="in", nullable=True, known_at="observed_at", ge=0, le=12)
    pressure: Float64 = column(
        "Pressure at sea level", unit="mbar", nullable=True, known_at="observed_at", ge=850, le=1100
    )
    visib: Float64 = column("Visibility", unit="statute miles", nullable=True, known_at="observed_at", ge=0, le=100)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in the file, from 1", ge=1)
    month: Text = column("The month that the file was delivered for", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        unique = ["origin", "observed_at"]
        metadata = contracts.table(grain="month", tolerance=0.01, key_within_partition=True)

    @row_rule("observed_at must lie in the month of the file on New York's clock")
    def in_its_month(t: ir.Table) -> ir.Value:
        clock = local_clock(t.observed_at, NEW_YORK)
        return clock.date().cast("string").substr(0, 7) == t.month


@transform
def weather(landing_weather: ir.Table) -> ir.Table:
    return landing_weather.mutate(observed_at=landing_weather.time_hour, month=landing_weather["_partition"])


table = Table(
    "raw/weather",
    contract=RawWeather,
    transform=weather,
    files=CSV(
        "weather-{month}.csv",
        dropped={
            "year": "int16",
            "month": "int16",
            "day": "int16",
            "hour": "int16",
            "time_hour": "timestamp('UTC', 6)",
        },
        derived=("observed_at",),
    ),
)

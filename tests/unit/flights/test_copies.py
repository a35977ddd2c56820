"""Copies of the year: one is the year itself; of more each keeps weekday, clock and all else that was delivered."""

import io
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.benchmarks.copies import LAST, YEAR, copies, last_day, months

from flights.publisher import deliveries
from flights.raw.flights import NEW_YORK
from taxiway.errors import UsageError

FACTOR = 3
KINDS = ("flights", "weather")
KEYS = {"flights": "year, month, day, carrier, flight, origin, dest", "weather": "origin, time_hour"}
DAY = "make_date(year::INTEGER, month::INTEGER, day::INTEGER)"
# The same weekday and all else: of a flight the day, of an observation the instant is 364 days a copy later.
MOMENTS = {"flights": DAY, "weather": "time_hour::TIMESTAMP"}
BEGINS = {"flights": "DATE '2013-01-01'", "weather": "TIMESTAMP '2013-01-01 05:00:00'"}
MOVED = {"flights": "year, month, day, time_hour", "weather": "year, month, day, hour, time_hour"}


@pytest.fixture(scope="module")
def year() -> dict[str, bytes]:
    return dict(deliveries(YEAR))


@pytest.fixture(scope="module")
def db(year: dict[str, bytes]) -> duckdb.DuckDBPyConnection:
    """Tables `flights` and `weather` of the copies, `real_flights` and `real_weather` of the year, all as text."""
    connection = duckdb.connect()
    for prefix, files in (("real_", year), ("", dict(copies(FACTOR)))):
        for kind in KINDS:
            found = pa.concat_tables(as_text(name, data) for name, data in files.items() if name.startswith(kind))
            connection.register("found", found)
            connection.execute(f"CREATE TABLE {prefix}{kind} AS FROM found")
    return connection


def as_text(name: str, data: bytes) -> pa.Table:
    names = data[: data.index(b"\n")].decode().split(",")
    read = csv.read_csv(
        io.BytesIO(data), convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    )
    return read.append_column("file", pa.repeat(pa.scalar(name), read.num_rows))


def number(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    (found,) = db.execute(sql).fetchone() or (0,)
    return found


def test_one_copy_is_what_the_publisher_delivers(year: dict[str, bytes]):
    assert list(copies(1)) == list(year.items())


def test_the_files_of_reference_are_delivered_once(year: dict[str, bytes]):
    found = [item for item in copies(FACTOR) if not item[0].startswith(KINDS)]
    assert found == [item for item in year.items() if not item[0].startswith(KINDS)]


def test_there_are_as_many_rows_as_copies_have(db: duckdb.DuckDBPyConnection):
    on_last = number(db, f"SELECT count(*) FROM real_flights WHERE {DAY} = '{LAST}'")
    assert on_last > 0
    flights = FACTOR * number(db, "SELECT count(*) FROM real_flights") - (FACTOR - 1) * on_last
    assert number(db, "SELECT count(*) FROM flights") == flights
    assert number(db, "SELECT count(*) FROM weather") == FACTOR * number(db, "SELECT count(*) FROM real_weather")


@pytest.mark.parametrize("kind", KINDS)
def test_keys_are_distinct_and_every_row_is_of_its_file(db: duckdb.DuckDBPyConnection, kind: str):
    assert number(db, f"SELECT count(*) FROM (SELECT 1 FROM {kind} GROUP BY {KEYS[kind]} HAVING count(*) > 1)") == 0
    assert number(db, f"SELECT count(*) FROM {kind} WHERE file != '{kind}-' || strftime({DAY}, '%Y-%m') || '.csv'") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_one_of_the_year_some_times_52_weeks_later(db: duckdb.DuckDBPyConnection, kind: str):
    moment = MOMENTS[kind]
    rest = f"SELECT * EXCLUDE ({MOVED[kind]}, file), {moment}"
    copy = f"least(date_diff('day', {BEGINS[kind]}, {moment}) // 364, {FACTOR - 1})"
    source = f"SELECT * EXCLUDE ({MOVED[kind]}, file), {moment} - INTERVAL 1 DAY * 364 * {copy} FROM {kind}"
    assert number(db, f"SELECT count(*) FROM ({source} EXCEPT {rest} FROM real_{kind})") == 0
    for of in range(FACTOR):
        years = "" if of == FACTOR - 1 else f" WHERE {DAY} < '{LAST}'"
        lost = f"{rest} FROM real_{kind}{years} EXCEPT ALL {source} WHERE {copy} = {of}"
        assert number(db, f"SELECT count(*) FROM ({lost})") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_instant_and_clock_agree_by_the_rules_of_the_day(db: duckdb.DuckDBPyConnection, kind: str):
    told = db.execute(f"SELECT DISTINCT {DAY}, hour::INTEGER, time_hour FROM {kind}").fetchall()
    assert len({day for day, _, _ in told}) > 364 * FACTOR - 2
    zone = ZoneInfo(NEW_YORK)
    for day, hour, instant in told:
        clock = datetime.fromisoformat(instant).astimezone(zone)
        assert (clock.date(), clock.hour) == (day, hour)


@pytest.mark.parametrize("factor", [1, 3, 25, 26, 102])
def test_months_follow_each_other_up_to_a_day_after_the_last_observation(factor: int):
    found = months(factor)
    assert (found[0], found[-1]) == (YEAR[0], f"{last_day(factor):%Y-%m}")
    first = [date.fromisoformat(f"{month}-01") for month in found]
    assert all(28 <= (after - before).days <= 31 for before, after in pairwise(first))
    assert last_day(factor).day > 1


def test_a_last_day_that_begins_a_month_is_left_out():
    *_, (flights, departures), (weather, observations) = copies(25)
    assert (flights, weather) == ("flights-2037-11.csv", "weather-2037-11.csv")
    assert min(departures.count(b"\n"), observations.count(b"\n")) > 1000


def test_copies_beyond_the_calendar_are_refused():
    with pytest.raises(UsageError, match="9000 copies of the year reach beyond the year 9999"):
        months(9000)

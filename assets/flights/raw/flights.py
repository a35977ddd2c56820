"""raw/flights: the departures from New York as the publisher delivers them, typed."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Date, Instant, Int16, Int32, Int64, Text, column, row_rule
from taxiway.landing import CSV
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import calendar_date, is_clock, local_clock, plus_minutes, shown_minutes
from taxiway.transforms.library.clock import clock_minutes as minutes_of
from taxiway.transforms.library.typing import refuse

NEW_YORK = "America/New_York"


class RawFlights(Contract):
    """A scheduled departure from one of New York's airports, as delivered. Clocks are written 517 for 5:17."""

    flight_date: Date = column("Day of the scheduled departure in New York, from the delivered year, month and day")
    dep_time: Int16 = column("Clock at the origin at departure; null where cancelled", nullable=True)
    sched_dep_time: Int16 = column("Clock at the origin at the scheduled departure")
    dep_delay: Int16 = column("Departure delay, negative where early", unit="min", nullable=True, ge=-120, le=2000)
    arr_time: Int16 = column("Clock at the destination at arrival", nullable=True)
    sched_arr_time: Int16 = column("Clock at the destination at the scheduled arrival")
    arr_delay: Int16 = column("Arrival delay, negative where early", unit="min", nullable=True, ge=-240, le=2000)
    carrier: Text = column("Airline, a key of raw/airlines", str_matches=r"^[0-9A-Z]{2}$")
    flight: Int32 = column("Number of the flight", ge=1, le=9999)
    tailnum: Text = column("Tail number of the aircraft", nullable=True, str_length={"min_value": 2, "max_value": 8})
    origin: Text = column("Airport of departure", isin=["EWR", "JFK", "LGA"])
    dest: Text = column("Airport of destination, a key of raw/airports", str_matches=r"^[A-Z]{3}$")
    air_time: Int16 = column("Time in the air", unit="min", nullable=True, ge=1, le=1440)
    distance: Int16 = column("Distance between the airports", unit="statute miles", ge=1, le=12500)
    hour: Int16 = column("Hour of the scheduled departure on the origin's clock", ge=0, le=23)
    minute: Int16 = column("Minute of the scheduled departure", unit="min", ge=0, le=59)
    time_hour: Instant = column("The hour of the scheduled departure, UTC")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in the file, from 1", ge=1)
    month: Text = column("The month that the file was delivered for", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        unique = ["flight_date", "carrier", "flight", "origin", "dest"]
        metadata = contracts.table(grain="month", tolerance=0.01, key_within_partition=True)

    @row_rule("flight_date must lie in the month of the file")
    def in_its_month(t: ir.Table) -> ir.Value:
        return t.flight_date.cast("string").substr(0, 7) == t.month

    @row_rule("dep_time must be a clock time, 0 to 2359 or 2400")
    def dep_time_is_a_clock(t: ir.Table) -> ir.Value:
        return is_clock(t.dep_time)

    @row_rule("sched_dep_time must be a clock time, 0 to 2359 or 2400")
    def sched_dep_time_is_a_clock(t: ir.Table) -> ir.Value:
        return is_clock(t.sched_dep_time)

    @row_rule("arr_time must be a clock time, 0 to 2359 or 2400")
    def arr_time_is_a_clock(t: ir.Table) -> ir.Value:
        return is_clock(t.arr_time)

    @row_rule("sched_arr_time must be a clock time, 0 to 2359 or 2400")
    def sched_arr_time_is_a_clock(t: ir.Table) -> ir.Value:
        return is_clock(t.sched_arr_time)

    @row_rule("sched_dep_time must be hour and minute")
    def schedule_agrees(t: ir.Table) -> ir.Value:
        return t.sched_dep_time == t.hour * 100 + t.minute

    @row_rule("dep_time and dep_delay must be there or missing together")
    def departure_is_whole(t: ir.Table) -> ir.Value:
        return t.dep_time.isnull() == t.dep_delay.isnull()

    @row_rule("time_hour must be the hour of the schedule on New York's clock")
    def hour_agrees(t: ir.Table) -> ir.Value:
        clock = local_clock(t.time_hour, NEW_YORK)
        return (clock.hour() == t.hour) & (clock.date() == t.flight_date)

    @row_rule("the origin's clock, dep_delay after the schedule, should show dep_time", severity="warn")
    def clock_shows_departure(t: ir.Table) -> ir.Value:
        departed_at = plus_minutes(t.time_hour, t.minute + t.dep_delay)
        return shown_minutes(local_clock(departed_at, NEW_YORK)) == minutes_of(t.dep_time)


@transform
def flights(landing_flights: ir.Table) -> ir.Table:
    day = calendar_date(landing_flights.year, landing_flights.month, landing_flights.day)
    delivered = landing_flights.year.notnull() & landing_flights.month.notnull() & landing_flights.day.notnull()
    rows = refuse(landing_flights, delivered & day.isnull(), "year, month, day: there is no such date")
    return rows.mutate(flight_date=day, month=rows["_partition"])


table = Table(
    "raw/flights",
    contract=RawFlights,
    transform=flights,
    files=CSV(
        "flights-{month}.csv",
        dropped={"year": "int16", "month": "int16", "day": "int16"},
        derived=("flight_date",),
    ),
)

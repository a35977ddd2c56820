"""feature/flights: every flight with its instants in UTC, and what became of it."""

import ibis.expr.types as ir

from flights.raw.flights import NEW_YORK
from taxiway import contracts
from taxiway.contracts import Bool, Contract, Date, Instant, Int16, Int32, MaxLag, Text, column, row_rule
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import (
    clock_minutes,
    is_zone,
    local_clock,
    minutes_between,
    next_clock,
    plus_minutes,
    shown_minutes,
)


class Flights(Contract):
    """A scheduled flight from New York: its schedule, known always, and what became of it."""

    flight_id: Text = column("The flight, e.g. UA-1545-EWR-IAH-2013-01-01")
    flight_date: Date = column("Day of the scheduled departure on New York's clock")
    carrier: Text = column("Airline, a key of raw/airlines")
    flight: Int32 = column("Number of the flight")
    tailnum: Text = column(
        "Tail number, a key of raw/aircraft; taken as always known, although a missing one tells of a cancellation",
        nullable=True,
    )
    origin: Text = column("Airport of departure")
    dest: Text = column("Airport of destination")
    distance_mi: Int16 = column("Distance between the airports", unit="statute miles", ge=1)
    scheduled_departure_at: Instant = column("Scheduled departure")
    decision_at: Instant = column("When the prediction is made: two hours before the scheduled departure")
    departed_at: Instant = column("Departure; null where cancelled", nullable=True, known_at="departed_at")
    scheduled_arrival_at: Instant = column("Scheduled arrival")
    arrived_at: Instant = column("Arrival; null where cancelled or diverted", nullable=True, known_at="arrived_at")
    dep_delay_min: Int16 = column("Departure delay", unit="min", nullable=True, known_at="departed_at")
    arr_delay_min: Int16 = column("Arrival delay", unit="min", nullable=True, known_at="arrived_at")
    scheduled_duration_min: Int16 = column("Scheduled departure to scheduled arrival", unit="min", ge=1, le=1500)
    scheduled_hour: Int16 = column("Hour of the scheduled departure on the origin's clock", ge=0, le=23)
    scheduled_weekday: Int16 = column("Weekday on the origin's clock, 1 is Monday", ge=1, le=7)
    is_cancelled: Bool = column("Whether the flight never departed", known_at="scheduled_departure_at")
    month: Text = column("Month of the schedule in New York", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(
            grain="month",
            # The flights to an airport whose zone is not known are no reason to lose the month.
            tolerance=0.01,
            key_within_partition=True,
            max_lag=MaxLag(hours=48, of=("departed_at", "arrived_at"), since="flight_date", zone=NEW_YORK),
        )

    @row_rule("raw/airports must know the time zone of dest", hidden={"_zone": "string"})
    def zone_is_known(t: ir.Table) -> ir.Value:
        return is_zone(t["_zone"]).fill_null(False)

    @row_rule(
        "the destination's clock at arrived_at should show the delivered arr_time",
        severity="warn",
        hidden={"_clock_agrees": "boolean"},
    )
    def clock_shows_arrival(t: ir.Table) -> ir.Value:
        return t["_clock_agrees"]


@transform
def flights(raw_flights: ir.Table, raw_airports: ir.Table) -> ir.Table:
    zones = raw_airports.select(dest=raw_airports.faa, zone=raw_airports.tzone)
    t = raw_flights.left_join(zones, "dest")
    t = t.mutate(scheduled_departure_at=plus_minutes(t.time_hour, t.minute))
    t = next_clock(t, "scheduled_arrival_at", after="scheduled_departure_at", hhmm="sched_arr_time", zone="zone")
    t = t.mutate(arrived_at=plus_minutes(t.scheduled_arrival_at, t.arr_delay))
    number, day = t.flight.cast("string"), t.flight_date.cast("string")
    return t.select(
        "flight_date",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "scheduled_departure_at",
        "scheduled_arrival_at",
        "arrived_at",
        "month",
        flight_id=t.carrier + "-" + number + "-" + t.origin + "-" + t.dest + "-" + day,
        distance_mi=t.distance,
        decision_at=plus_minutes(t.scheduled_departure_at, -120),
        departed_at=plus_minutes(t.scheduled_departure_at, t.dep_delay),
        dep_delay_min=t.dep_delay,
        arr_delay_min=t.arr_delay,
        scheduled_duration_min=minutes_between(t.scheduled_departure_at, t.scheduled_arrival_at).cast("int16"),
        scheduled_hour=t.hour,
        scheduled_weekday=(t.flight_date.day_of_week.index() + 1).cast("int16"),
        is_cancelled=t.dep_delay.isnull(),
        _zone=t.zone,
        _clock_agrees=shown_minutes(local_clock(t.arrived_at, t.zone)) == clock_minutes(t.arr_time),
    )


table = Table("feature/flights", contract=Flights, transform=flights)

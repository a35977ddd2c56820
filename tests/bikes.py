"""Rentals of bikes in New York, delivered by the hour over the night on which clocks go back: by hour, by day with a
look back over midnight, by week, and an hour's part of its week."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from taxiway.calendar import Calendar
from taxiway.contracts import Contract, Float64, Instant, Int32, Int64, Text, column, table
from taxiway.landing import CSV
from taxiway.materialise import Workspace
from taxiway.tables import Project, Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.clock import partition_of
from tests.working import workspace

NEW_YORK = "America/New_York"
FIRST, END = "2013-10-28", "2013-11-06"
RENTALS, RECENT, RIDES, WEEK, SHARE, STATIONS = (
    "raw/rentals",
    "feature/recent",
    "feature/rides",
    "feature/station_week",
    "feature/hour_share",
    "feature/stations",
)


class RawRentals(Contract):
    """One row for each rental."""

    station: Text = column("Where the bike was taken")
    started_at: Instant = column("When")
    minutes: Int32 = column("For how long", unit="min", ge=1)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")
    hour: Text = column("The hour of the file")

    class Config:
        unique = ["station", "started_at"]
        metadata = table(grain="hour", key_within_partition=True)


class Recent(Contract):
    """One row for each rental, with those of the same station in the two hours up to it."""

    station: Text = column("Where the bike was taken")
    started_at: Instant = column("When")
    rentals_2h: Int64 = column("Rentals, this one included", ge=1)
    hour: Text = column("The hour of the rental")

    class Config:
        unique = ["station", "started_at"]
        metadata = table(grain="hour", key_within_partition=True)


class Rides(Contract):
    """One row for each rental, with those of the same station in the three hours up to it."""

    station: Text = column("Where the bike was taken")
    started_at: Instant = column("When")
    rentals_3h: Int64 = column("Rentals, this one included", ge=1)
    on_day: Text = column("The day of the rental in New York")

    class Config:
        unique = ["station", "started_at"]
        metadata = table(grain="day", partition="on_day", key_within_partition=True)


class StationWeek(Contract):
    """One row for each station and week."""

    station: Text = column("The station")
    rentals: Int64 = column("Rentals", ge=1)
    week: Text = column("The week")

    class Config:
        unique = ["station", "week"]
        metadata = table(grain="week")


class HourShare(Contract):
    """One row for each station and hour: which part of the week's rentals it has."""

    station: Text = column("The station")
    share: Float64 = column("Of the week's rentals", ge=0, le=1)
    hour: Text = column("The hour")

    class Config:
        unique = ["station", "hour"]
        metadata = table(grain="hour")


class Stations(Contract):
    """One row for each station."""

    station: Text = column("The station")
    rentals: Int64 = column("Rentals of all weeks", ge=1)

    class Config:
        unique = ["station"]
        metadata = table()


@transform
def raw_rentals(landing_rentals: ir.Table) -> ir.Table:
    """As delivered, typed."""
    return landing_rentals.mutate(hour=landing_rentals["_partition"])


def counted(rentals: Any, name: str, hours: int) -> Any:
    """The rentals with how many there were at the station in the hours up to each."""
    window = ibis.range_window(
        group_by="station",
        order_by="started_at",
        preceding=ibis.interval(hours=hours),
        following=ibis.interval(hours=0),
    )
    return rentals.mutate(**{name: rentals.started_at.count().over(window)})


@transform(reach={"raw_rentals": Lookback(2, on="started_at")})
def recent(raw_rentals: ir.Table) -> ir.Table:
    """Windows of two hours."""
    return counted(raw_rentals, "rentals_2h", 2).select("station", "started_at", "rentals_2h", "hour")


@transform(reach={"raw_rentals": Lookback(3, on="started_at")})
def rides(raw_rentals: ir.Table) -> ir.Table:
    """Windows of three hours, also over midnight."""
    day = partition_of(raw_rentals["started_at"], "day", NEW_YORK)
    found = counted(raw_rentals.mutate(on_day=day), "rentals_3h", 3)
    return found.select("station", "started_at", "rentals_3h", "on_day")


@transform
def station_week(feature_rides: ir.Table) -> ir.Table:
    """The week's rentals, of its days."""
    rows = feature_rides.mutate(week=partition_of(feature_rides["started_at"], "week", NEW_YORK))
    return rows.group_by("station", "week").aggregate(rentals=rows.count())


@transform
def hour_share(raw_rentals: ir.Table, feature_station_week: ir.Table) -> ir.Table:
    """The hour's rentals against those of the week in which it lies."""
    week: Any = feature_station_week.select("station", whole="rentals")
    found: Any = raw_rentals.group_by("station", "hour").aggregate(own=raw_rentals.count()).inner_join(week, "station")
    return found.select("station", "hour", share=found.own.cast("float64") / found.whole.nullif(0).cast("float64"))


@transform
def stations(feature_station_week: ir.Table) -> ir.Table:
    """All weeks together."""
    return feature_station_week.group_by("station").aggregate(rentals=feature_station_week.rentals.sum())


def rented(start: datetime) -> list[tuple[str, datetime, int]]:
    """What is rented in the hour that begins then: at Astor each hour, at Bergen in every other, counted in UTC."""
    hours = int(start.timestamp()) // 3600
    found = [("Astor", start + timedelta(minutes=10), 5 + hours % 20)]
    return found + ([("Bergen", start + timedelta(minutes=40), 30)] if hours % 2 else [])


def deliveries(hours: Sequence[str], zone: str = NEW_YORK) -> Iterator[tuple[str, bytes]]:
    """A file for each hour."""
    clock = Calendar(FIRST, zone=zone)
    for key in hours:
        rows = rented(clock.span(key).start)
        lines = ["station,started_at,minutes", *(f"{s},{at:%Y-%m-%dT%H:%M:%SZ},{minutes}" for s, at, minutes in rows)]
        yield f"rentals-{key}.csv", ("\n".join(lines) + "\n").encode()


project = Project(
    name="bikes",
    tables=(
        Table(RENTALS, RawRentals, raw_rentals, files=CSV("rentals-{hour}.csv")),
        Table(RECENT, Recent, recent),
        Table(RIDES, Rides, rides),
        Table(WEEK, StationWeek, station_week),
        Table(SHARE, HourShare, hour_share),
        Table(STATIONS, Stations, stations),
    ),
    deliveries=deliveries,
)


def bikes(home: Path, **settings: Any) -> Workspace:
    """The project in a temporary home; nothing has been delivered."""
    return workspace(home, project, **({"first": FIRST, "end": END, "zone": NEW_YORK, "parameters": {}} | settings))

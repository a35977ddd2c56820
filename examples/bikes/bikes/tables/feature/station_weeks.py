"""feature/station_weeks: a station's week, of its days."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Float64, Int64, Text, column
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import partition_of

from bikes.clock import CITY
from bikes.tables.feature.station_days import Money


class StationWeeks(Contract):
    """One station in one week."""

    station_id: Text = column("The station, a key of raw/stations")
    rentals: Int64 = column("Rentals of the week", unit="rentals", ge=0)
    revenue: Money = column("What they cost", unit="USD", ge=0)
    member_share: Float64 = column("The share of members among them; null without any", ge=0, le=1, nullable=True)
    busiest_day: Text = column("The day with the most rentals, the last of several")
    week: Text = column("The week in the city")

    class Config:
        """One row for each station and week."""

        unique = ["station_id", "week"]
        metadata = contracts.table(grain="week", key_within_partition=True)


@transform
def station_weeks(feature_station_days: ir.Table) -> ir.Table:
    """The days of the week, added up."""
    days = feature_station_days.mutate(week=partition_of(feature_station_days.begins_at, "week", CITY))
    return days.group_by("station_id", "week").aggregate(
        rentals=days.rentals.sum(),
        revenue=days.revenue.sum().cast("decimal(18, 2)"),
        member_share=days.member_rentals.sum() / days.rentals.sum(),
        busiest_day=days.day.argmax(days.rentals),
    )


table = Table("feature/station_weeks", contract=StationWeeks, transform=station_weeks)

"""feature/station_days: what each station rents out and earns on a day, and what was known when the day began."""

from typing import Annotated

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from taxiway import contracts
from taxiway.contracts import Arrow, Contract, Instant, Int64, Text, column
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform
from taxiway.transforms.library.clock import instant_of, local_clock

from bikes.clock import CITY

Money = Annotated[Arrow, pa.decimal128(18, 2)]
DAYS_BEFORE = 3
# The day on which clocks go back has an hour more.
HOURS_BEFORE = 24 * DAYS_BEFORE + 1


class StationDays(Contract):
    """One station on one day. A rental counts on the day on which the bike comes back."""

    station_id: Text = column("The station, a key of raw/stations")
    begins_at: Instant = column("When the day begins")
    ends_at: Instant = column("When it ends")
    rentals_before: Int64 = column("Rentals of the three days before", unit="rentals", ge=0)
    revenue_before: Money = column("What they cost", unit="USD", ge=0)
    rentals: Int64 = column("Rentals of the day", unit="rentals", ge=0, known_at="ends_at")
    member_rentals: Int64 = column("Those of members among them", unit="rentals", ge=0, known_at="ends_at")
    revenue: Money = column("What the rentals of the day cost", unit="USD", ge=0, known_at="ends_at")
    day: Text = column("The day in the city")

    class Config:
        """One row for each station and day, also where nothing was rented."""

        unique = ["station_id", "day"]
        metadata = contracts.table(grain="day", key_within_partition=True)


@transform(reach={"raw_rentals": Lookback(HOURS_BEFORE, on="ended_at")})
def station_days(raw_rentals: ir.Table, raw_stations: ir.Table) -> ir.Table:
    """Each rental counts on its day, and for the three days after it among those before."""
    ended_on = local_clock(raw_rentals.ended_at, CITY).date()
    seen = raw_rentals.mutate(ended_on=ended_on, later=ibis.range(0, DAYS_BEFORE + 1).unnest())
    seen = seen.mutate(date=(seen.ended_on + ibis.interval(days=1) * seen.later).cast("date"))
    own, before = seen.later == 0, seen.later > 0
    totals = seen.group_by("station_id", "date").aggregate(
        rentals_before=before.sum(),
        revenue_before=seen.price.sum(where=before),
        rentals=own.sum(),
        member_rentals=(own & seen.is_member).sum(),
        revenue=seen.price.sum(where=own),
    )
    # A day has all stations, so that a row's being there tells nothing of its rentals.
    rows = seen.select("date").distinct().cross_join(raw_stations.select("station_id"))
    rows = rows.left_join(totals, ["station_id", "date"]).select("station_id", "date", *(totals.columns[2:]))
    money = {name: rows[name].cast("decimal(18, 2)").fill_null(0) for name in ("revenue_before", "revenue")}
    counts = {name: rows[name].fill_null(0) for name in ("rentals_before", "rentals", "member_rentals")}
    return rows.select(
        "station_id",
        begins_at=instant_of(rows.date.cast("timestamp"), CITY),
        ends_at=instant_of((rows.date + ibis.interval(days=1)).cast("timestamp"), CITY),
        day=rows.date.cast("string"),
        **money,
        **counts,
    )


table = Table("feature/station_days", contract=StationDays, transform=station_days)

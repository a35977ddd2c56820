"""feature/station_days, against sums that are made rental by rental; and proof that it does not read the future."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from conftest import rows

from taxiway.notebook import OpenLake
from taxiway.testing import assert_point_in_time, run_transform
from taxiway.transforms import Lookback, transform

from bikes.clock import CITY
from bikes.tables.feature.station_days import DAYS_BEFORE, HOURS_BEFORE, StationDays, station_days
from bikes.tables.raw.rentals import Rentals
from bikes.tables.raw.stations import Stations

CLOCK = ZoneInfo(CITY)
DAYS = [date(2013, 10, 28) + timedelta(days=number) for number in range(8)]
CONTRACTS = {"raw_rentals": Rentals, "raw_stations": Stations}
# The beginning of a day in the city, in summer and in winter, and an instant within the longest.
CUTS = [
    datetime(2013, 11, 1, 4, tzinfo=UTC),
    datetime(2013, 11, 4, 5, tzinfo=UTC),
    datetime(2013, 11, 3, 6, tzinfo=UTC),
]


def begins(day: date) -> datetime:
    return datetime.combine(day, time(), CLOCK).astimezone(UTC)


def test_every_day_adds_up_its_rentals_and_those_before(lake: OpenLake, rentals: list[dict[str, Any]]) -> None:
    counts, members, revenue = defaultdict(int), defaultdict(int), defaultdict(Decimal)
    for rental in rentals:
        key = rental["station_id"], rental["ended_at"].astimezone(CLOCK).date()
        counts[key] += 1
        members[key] += rental["is_member"]
        revenue[key] += rental["price"]

    def before(totals: defaultdict[Any, Any], station: str, day: date) -> Any:
        return sum(totals[station, day - timedelta(days=number)] for number in range(1, DAYS_BEFORE + 1))

    expected = [
        {
            "station_id": station,
            "begins_at": begins(day),
            "ends_at": begins(day + timedelta(days=1)),
            "rentals_before": before(counts, station, day),
            "revenue_before": before(revenue, station, day),
            "rentals": counts[station, day],
            "member_rentals": members[station, day],
            "revenue": revenue[station, day],
            "day": str(day),
        }
        for day in DAYS
        for station in sorted(rows(lake, "raw/stations")["station_id"].to_pylist())
    ]
    found = rows(lake, "feature/station_days").sort_by([("day", "ascending"), ("station_id", "ascending")])
    assert found.to_pylist() == expected
    assert {row["ends_at"] - row["begins_at"] for row in expected} == {timedelta(hours=24), timedelta(hours=25)}


def test_what_was_known_when_a_day_began_is_all_that_it_reads(lake: OpenLake) -> None:
    tables = inputs(lake)
    compared = assert_point_in_time(
        station_days, tables, CONTRACTS, result=StationDays, decision="begins_at", cuts=CUTS
    )
    # Key, both instants, both sums before and the day of each station: five days by the first cut, eight, seven.
    assert compared == (5 + 8 + 7) * tables["raw_stations"].num_rows * 7


@transform(reach={"raw_rentals": Lookback(HOURS_BEFORE, on="ended_at")})
def with_the_day_itself(raw_rentals: ir.Table, raw_stations: ir.Table) -> ir.Table:
    """As `station_days`, but for what is said to be known when the day begins."""
    found = station_days.function(raw_rentals, raw_stations)
    return found.mutate(rentals_before=found.rentals_before + found.rentals)


def test_a_look_at_the_day_itself_would_be_caught(lake: OpenLake) -> None:
    with pytest.raises(AssertionError, match="rentals_before of station_id .* reads the future"):
        assert_point_in_time(
            with_the_day_itself, inputs(lake), CONTRACTS, result=StationDays, decision="begins_at", cuts=CUTS[2:]
        )


def test_a_station_without_rentals_has_its_days_too(lake: OpenLake) -> None:
    tables = inputs(lake)
    other = tables["raw_stations"].slice(0, 1).to_pylist()[0] | {"station_id": "999"}
    more = pa.concat_tables([tables["raw_stations"], pa.Table.from_pylist([other], tables["raw_stations"].schema)])
    found = run_transform(station_days, tables | {"raw_stations": more}).to_pylist()
    idle = [row for row in found if row["station_id"] == "999"]
    assert {(row["rentals"], row["revenue"], row["revenue_before"]) for row in idle} == {(0, Decimal(0), Decimal(0))}
    assert {str(day) for day in DAYS} <= {row["day"] for row in idle}


def inputs(lake: OpenLake) -> dict[str, pa.Table]:
    return {"raw_rentals": rows(lake, "raw/rentals"), "raw_stations": rows(lake, "raw/stations")}

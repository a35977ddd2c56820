"""mart/region_weeks, against the weeks of the stations."""

from decimal import Decimal

from conftest import rows

from taxiway.notebook import OpenLake


def test_the_mart_adds_up_the_stations_of_a_region(lake: OpenLake) -> None:
    stations = {row["station_id"]: row for row in rows(lake, "raw/stations").to_pylist()}
    weeks = rows(lake, "feature/station_weeks").to_pylist()
    found = {row["region"]: row for row in rows(lake, "mart/region_weeks").to_pylist()}
    assert found.keys() == {"brooklyn", "manhattan"}
    for region, row in found.items():
        own = [week for week in weeks if stations[week["station_id"]]["region"] == region]
        docks = sum(stations[week["station_id"]]["docks"] for week in own)
        assert row == {
            "region": region,
            "week": "2013-W44",
            "stations": len(own),
            "rentals": sum(week["rentals"] for week in own),
            "revenue": sum((week["revenue"] for week in own), Decimal()),
            "rentals_per_dock": sum(week["rentals"] for week in own) / docks,
        }

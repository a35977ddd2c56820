"""feature/station_weeks, against the rentals of the week."""

from collections import Counter
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from conftest import rows

from taxiway.notebook import OpenLake

from bikes.clock import CITY


def test_the_week_adds_up_its_days(lake: OpenLake, rentals: list[dict[str, Any]]) -> None:
    found = {row["station_id"]: row for row in rows(lake, "feature/station_weeks").to_pylist()}
    assert found.keys() == set(rows(lake, "raw/stations")["station_id"].to_pylist())
    for station, week in found.items():
        own = [
            rental | {"day": str(rental["ended_at"].astimezone(ZoneInfo(CITY)).date())}
            for rental in rentals
            if rental["station_id"] == station
        ]
        own = [rental for rental in own if rental["day"] <= "2013-11-03"]
        days = Counter(rental["day"] for rental in own)
        assert week == {
            "station_id": station,
            "rentals": len(own),
            "revenue": sum((rental["price"] for rental in own), Decimal()),
            "member_share": sum(rental["is_member"] for rental in own) / len(own),
            "busiest_day": max(days, key=lambda day: (days[day], day)),
            "week": "2013-W44",
        }

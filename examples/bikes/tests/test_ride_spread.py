"""feature/ride_spread, against the standard library's statistics; it is bound, so to the last digits only nearly."""

from collections import defaultdict
from statistics import mean, stdev
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import rows

from taxiway.notebook import OpenLake

from bikes.clock import CITY


def test_mean_and_deviation_are_those_of_the_rides(lake: OpenLake, rentals: list[dict[str, Any]]) -> None:
    minutes = defaultdict(list)
    for rental in rentals:
        day = str(rental["ended_at"].astimezone(ZoneInfo(CITY)).date())
        length = rental["ended_at"] - rental["started_at"]
        minutes[rental["station_id"], day].append(int(length.total_seconds()) // 60)
    found = {(row["station_id"], row["day"]): row for row in rows(lake, "feature/ride_spread").to_pylist()}
    assert found.keys() == minutes.keys()
    for key, row in found.items():
        assert row["rides"] == len(minutes[key])
        assert row["mean_min"] == mean(minutes[key])
        expected = pytest.approx(stdev(minutes[key]), rel=1e-9) if len(minutes[key]) > 1 else None
        assert row["deviation_min"] == expected

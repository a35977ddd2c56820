"""raw/rentals: what is delivered is published, what breaks a rule is in quarantine, and no hour is lost."""

from collections import Counter
from typing import Any

from conftest import HOURS, rows

from taxiway.notebook import OpenLake

from bikes.publisher import deliveries

FIELDS = ("rental_id", "region", "station_id", "started_at", "ended_at", "is_member", "price", "hour")


def test_what_is_good_is_published_as_it_was_delivered(lake: OpenLake, rentals: list[dict[str, Any]]) -> None:
    published = rows(lake, "raw/rentals").select(FIELDS).sort_by("rental_id").to_pylist()
    assert published == [
        {field: rental[field] for field in FIELDS} for rental in sorted(rentals, key=lambda each: each["rental_id"])
    ]


def test_what_breaks_a_rule_is_in_quarantine(lake: OpenLake, delivered: list[Any], rentals: list[Any]) -> None:
    rejected = {row["hour"]: row["reasons"] for row in rows(lake, "quarantine/raw__rentals").to_pylist()}
    assert len(rejected) == len(delivered) - len(rentals) == 3
    assert rejected["2013-10-30T18"] == ["price: must be >= 0"]
    assert rejected["2013-11-02T17"] == ["price: '2.125' is not a number of up to 8 digits, 2 of them after the point"]
    assert rejected["2013-11-04T18"] == ["in_order: a bike is taken before it is brought back"]


def test_the_hour_that_is_shown_twice_is_two_partitions(lake: OpenLake, rentals: list[dict[str, Any]]) -> None:
    night = ("2013-11-03T01", "2013-11-03T01-0500")
    assert set(night) < set(HOURS)
    published = Counter(rows(lake, "raw/rentals")["hour"].to_pylist())
    expected = Counter(rental["hour"] for rental in rentals)
    assert all(published[hour] == expected[hour] > 0 for hour in night)


def test_a_delivery_is_the_same_each_time() -> None:
    assert dict(deliveries(HOURS[:24])) == dict(deliveries(HOURS[:24]))

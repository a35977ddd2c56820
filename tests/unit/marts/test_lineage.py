"""Column lineage read from a mart's SQL."""

import pytest

from taxiway.marts import column_sources

COLUMNS = {("feature", "trips"): ("trip", "city", "delay"), ("raw", "cities"): ("city", "name")}
TRIPS, CITIES = ("feature", "trips"), ("raw", "cities")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select city from d.feature.trips", {"city": {(TRIPS, "city")}}),
        ("select count(*) as trips from d.feature.trips", {"trips": set()}),
        ("select * from d.raw.cities", {"city": {(CITIES, "city")}, "name": {(CITIES, "name")}}),
        (
            "select sum(delay) / nullif(count(delay), 0) as mean from d.feature.trips group by city",
            {"mean": {(TRIPS, "delay")}},
        ),
        (
            ("with t as (select city, max(delay) as worst from d.feature.trips group by city) "
            "select c.name, t.worst from t left join d.raw.cities as c using (city)"),
            {"name": {(CITIES, "name")}, "worst": {(TRIPS, "delay")}},
        ),
        (
            "select city from d.feature.trips union all select name as city from d.raw.cities",
            {"city": {(TRIPS, "city"), (CITIES, "name")}},
        ),
        (
            "select trip, rank() over (partition by city order by delay) as place from d.feature.trips",
            {"trip": {(TRIPS, "trip")}, "place": {(TRIPS, "city"), (TRIPS, "delay")}},
        ),
        ("select name, delay from d.feature.trips join d.raw.cities using (city)",
         {"name": {(CITIES, "name")}, "delay": {(TRIPS, "delay")}}),
    ],
)  # fmt: skip
def test_columns_are_traced_to_base_relations(sql: str, expected: dict) -> None:
    assert {name: set(found) for name, found in column_sources(sql, COLUMNS).items()} == expected

"""Every feature of a real month, with the month before it, equals the naive reference row by row."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from tests.assets import building, reference

MONTHS = ("2013-02", "2013-03")
MONTH = "2013-03"


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pa.Table]:
    return building.lake(MONTHS)


@pytest.fixture(scope="module")
def flights() -> list[dict[str, Any]]:
    """All flights of the months, by the reference alone."""
    airports = building.landed(building.airports.table, ()).to_pylist()
    zones = {airport["faa"]: airport["tzone"] for airport in airports}
    delivered = building.landed(building.raw_flights.table, MONTHS).to_pylist()
    return [reference.flight(record, zones) for record in delivered]


def by_flight(table: pa.Table, month: str = MONTH) -> dict[str, dict[str, Any]]:
    rows = [row for row in table.to_pylist() if row["month"] == month]
    found = {row["flight_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_flights(tables, flights):
    assert by_flight(tables["feature_flights"]) == {row["flight_id"]: row for row in flights if row["month"] == MONTH}


@pytest.mark.parametrize(
    "name",
    ["origin_congestion", "carrier_punctuality", "route_history", "aircraft_rotation", "schedule_pressure"],
)
def test_features_of_earlier_flights(name, tables, flights):
    features = getattr(reference, name)(flights)
    expected = {row["flight_id"]: features(row) for row in flights if row["month"] == MONTH}
    assert without_month(tables[f"feature_{name}"]) == expected


def test_weather_outlook(tables, flights):
    features = reference.weather_outlook(tables["raw_weather"].to_pylist())
    expected = {row["flight_id"]: features(row) for row in flights if row["month"] == MONTH}
    assert without_month(tables["feature_weather_outlook"]) == expected


def test_delay_features(tables, flights):
    """The flight's own columns, its aircraft and the label, and every other feature table as it is."""
    features = reference.delay_features({row["tailnum"]: row for row in tables["raw_aircraft"].to_pylist()})
    own = ("carrier", "origin", "dest", "distance_mi", "decision_at", "scheduled_hour", "scheduled_weekday")
    own += ("scheduled_duration_min",)
    parts = [without_month(tables[table.address.relation]) for table in building.FEATURES]
    expected = {}
    for row in flights:
        if row["month"] == MONTH:
            expected[row["flight_id"]] = {name: row[name] for name in own} | features(row)
            for part in parts:
                expected[row["flight_id"]] |= part[row["flight_id"]]
    assert without_month(tables["feature_delay_features"]) == expected


def without_month(table: pa.Table) -> dict[str, dict[str, Any]]:
    rows = by_flight(table)
    return {name: {key: row[key] for key in row if key not in ("flight_id", "month")} for name, row in rows.items()}

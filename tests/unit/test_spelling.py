"""A name is suggested only where it may have been meant; else there is what there is, in an order that helps."""

import pytest

from taxiway.spelling import nearest

TABLES = (
    "raw/flights",
    "raw/weather",
    "feature/flights",
    "feature/delay_features",
    "feature/route_history",
    "model/delay_model",
    "mart/airport_day",
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("feature/flight", ["feature/flights"]),
        ("feature/route_histori", ["feature/route_history"]),
        ("featur/flights", ["feature/flights", "raw/flights"]),
        ("mart/flights", ["raw/flights", "feature/flights"]),
        ("feature/delays", ["feature/delay_features"]),
        ("mart/airports", ["mart/airport_day"]),
        ("flights", ["raw/flights", "feature/flights"]),
        ("raw_flights", ["raw/flights", "feature/flights"]),
    ],
)
def test_what_is_near_is_suggested(name: str, meant: list[str]) -> None:
    assert nearest(name, TABLES) == f"did you mean {' or '.join(meant)}?"


@pytest.mark.parametrize("name", ["feature/xyz", "feature/weathers", "feature/day", "feature/airport_day_total"])
def test_where_nothing_of_a_layer_is_near_its_tables_are_told(name: str) -> None:
    own = "feature/flights, feature/delay_features, feature/route_history"
    assert nearest(name, [table for table in TABLES if "weather" not in table]) == f"feature has: {own}"


def test_where_the_layer_is_unknown_too_all_are_told_in_their_order() -> None:
    assert nearest("nope/xyz", TABLES) == f"there are: {', '.join(TABLES)}"
    assert nearest("xyz", []) == "there are: none"


def test_a_word_that_all_names_have_suggests_none() -> None:
    assert nearest("x_seconds", ["settle_seconds", "other_seconds"]) == "there are: settle_seconds, other_seconds"
    assert nearest("settle_time", ["settle_seconds", "other_seconds"]) == "did you mean settle_seconds?"


def test_a_prefix_is_told_with_each_name() -> None:
    assert nearest("HOM", ["HOME", "ZONE"], "TAXIWAY_") == "did you mean TAXIWAY_HOME?"
    assert nearest("DIR", ["HOME", "ZONE"], "TAXIWAY_") == "there are: TAXIWAY_HOME, TAXIWAY_ZONE"

"""A number that its type just holds costs its row, not the month: rules see it before any of them has refused it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.working import rows, run, workspace

from flights.project import project

AT, MONTH, FILE = "raw/flights", "2013-02", "flights-2013-02.csv"
KEPT = 400
CASES: Mapping[str, tuple[dict[str, str], str]] = {
    "an hour beyond the day": ({"hour": "999"}, "hour"),
    "the largest hour": ({"hour": "32767"}, "hour"),
    "the largest delay": ({"dep_delay": "32767", "minute": "59"}, "dep_delay"),
    "the largest minute": ({"minute": "32767"}, "minute"),
    "the smallest clock": ({"sched_dep_time": "-32768", "dep_time": "-32768"}, "sched_dep_time"),
}


@pytest.fixture(scope="module")
def delivery() -> list[str]:
    """The header and the first records of the publisher's file."""
    assert project.deliveries is not None
    return dict(project.deliveries([MONTH]))[FILE].decode().splitlines()[: KEPT + 1]


@pytest.mark.parametrize("case", CASES)
def test_a_row_with_an_extreme_number_goes_to_quarantine(tmp_path: Path, delivery: list[str], case: str) -> None:
    values, told = CASES[case]
    header, record = (line.split(",") for line in (delivery[0], delivery[KEPT // 2]))
    spoilt = ",".join((dict(zip(header, record, strict=True)) | values).values())
    lines = [*delivery[: KEPT // 2], spoilt, *delivery[KEPT // 2 + 1 :]]
    place = workspace(tmp_path / "home", project, zone="America/New_York")
    place.landing.deliver(FILE, "".join(f"{line}\n" for line in lines).encode())
    (result,) = run(place, AT, MONTH).partitions
    assert (result.status, result.rows, result.rejected) == ("published", KEPT - 1, 1), result.message
    (kept,) = rows(place.lake, "quarantine/raw__flights")
    assert kept["source_row"] == KEPT // 2
    assert any(reason.startswith(told) for reason in kept["reasons"]), kept["reasons"]

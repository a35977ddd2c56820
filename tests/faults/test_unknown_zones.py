"""An airport whose time zone is none: the row is put aside, and the flights that need it are told by rows and why."""

from collections import Counter

import pytest
from tests.working import contents, rows, run, workspace

from flights.project import project
from taxiway.materialise import Workspace

MONTH, FILE = "2013-02", "airports.csv"
RULE = "zone_is_known: raw/airports must know the time zone of dest"


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, bytes, Counter[str]]:
    """February's flights, published; the airports' file; how many flights each airport has."""
    place = workspace(tmp_path_factory.mktemp("zones") / "home", project, zone="America/New_York")
    assert project.deliveries is not None
    files = dict(project.deliveries([MONTH]))
    place.landing.deliver("flights-2013-02.csv", files["flights-2013-02.csv"])
    run(place, "raw/flights", MONTH)
    flights = contents(place.lake, "raw/flights")["dest"].to_pylist()
    return place, files[FILE], Counter(flights)


def with_zone(data: bytes, airport: str, zone: str) -> bytes:
    lines = data.decode().splitlines(keepends=True)
    changed = [line.rpartition(",")[0] + f",{zone}\n" if line.startswith(f"{airport},") else line for line in lines]
    assert changed != lines
    return "".join(changed).encode()


@pytest.mark.parametrize("zone", ["America/Miami", "america/new_york", "EST", "Mars/Olympus"])
def test_flights_to_an_airport_without_a_zone_are_told(
    delivered: tuple[Workspace, bytes, Counter[str]], zone: str
) -> None:
    place, data, flights = delivered
    rare = min(flights, key=lambda dest: (flights[dest], dest))
    place.landing.deliver(FILE, with_zone(data, rare, zone))
    run(place, "raw/airports")
    (airport,) = rows(place.lake, "quarantine/raw__airports")
    assert airport["reasons"] == ["tzone_is_a_zone: tzone must be the name of a time zone, such as America/New_York"]

    (result,) = run(place, "feature/flights", MONTH).partitions
    put_aside = rows(place.lake, "quarantine/feature__flights")
    assert (result.rows, len(put_aside)) == (sum(flights.values()) - flights[rare], flights[rare])
    assert all(RULE in row["reasons"] for row in put_aside)


def test_a_month_with_too_many_of_them_is_refused_with_the_reason(
    delivered: tuple[Workspace, bytes, Counter[str]],
) -> None:
    place, data, flights = delivered
    ((often, number),) = flights.most_common(1)
    place.landing.deliver(FILE, with_zone(data, often, "America/Nowhere"))
    run(place, "raw/airports")
    (result,) = run(place, "feature/flights", MONTH).partitions
    assert result.status == "refused"
    assert f"{number:,} of {sum(flights.values()):,} rows rejected" in result.message
    assert RULE in result.message

"""Each kind of fault in a delivery of real flights: taken, taken with a warning, put aside or refused, and why."""

from pathlib import Path

import pytest
from tests.faults.leftovers import leftovers
from tests.working import contents, rows, run, statuses, workspace

from flights.project import project
from flights.spoil import KINDS
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace

AT, MONTH, FILE = "raw/flights", "2013-02", "flights-2013-02.csv"
FLIGHTS = 24_951
TOLD = {
    "missing-column": "has no column 'carrier'",
    "renamed-column": "has no column 'dest' (is it 'destination'?)",
    "empty": "is empty",
    "header-only": "has a header but no rows",
    "binary": "is binary",
    "html": "is an HTML or XML page",
    "truncated": "too few fields",
    "unclosed-quote": "unclosed or misplaced quote",
    "duplicate-key": "key (flight_date, carrier, flight, origin, dest): 1 more than once",
    "other-month": "24,951 of 24,951 rows rejected",
    "other-month-rows": "month",
    "bad-date": "date",
    "bad-clock": "sched_dep_time",
    "text-in-number": "distance: 'far' is not a whole number",
    "out-of-range": "distance: '99999999999999999999' is not a whole number",
    "missing-value": "dest",
    "too-many-fields": "too many fields: 20 of 19",
    "too-few-fields": "too few fields: 18 of 19",
    "too-many-bad-rows": "499 of 24,951 rows rejected, 249 tolerated",
}
MALFORMED = {"truncated": 1, "too-many-fields": 3, "too-few-fields": 3}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, bytes]:
    """February as it was delivered, published; and its file."""
    place = workspace(tmp_path_factory.mktemp("flights") / "home", project, zone="America/New_York")
    assert project.deliveries is not None
    data = dict(project.deliveries([MONTH]))[FILE]
    place.landing.deliver(FILE, data)
    assert run(place, AT, MONTH).partitions[0].rows == FLIGHTS
    return place, data


@pytest.mark.parametrize("kind", KINDS)
def test_what_becomes_of_a_fault(delivered: tuple[Workspace, bytes], kind: str) -> None:
    place, data = delivered
    address = project.table(AT).address
    place.landing.deliver(FILE, data)
    run(place, AT, MONTH)
    good = contents(place.lake, address).sort_by("source_row")
    version = place.lake.open(address).version
    assert project.spoil is not None
    place.landing.deliver(FILE, project.spoil(kind, FILE, data))
    (result,) = run(place, AT, MONTH).partitions
    now = contents(place.lake, address).sort_by("source_row")
    put_aside = rows(place.lake, str(address.quarantine)) if place.lake.find(address.quarantine) else []

    expected = KINDS[kind].expected
    if expected == "refused":
        assert result.status == "refused"
        assert FILE in result.message or f"{AT}: {MONTH} not published" in result.message
        assert TOLD[kind] in result.message
        assert place.lake.open(address).version == version
        assert now.equals(good)
        assert put_aside == []
    elif expected == "quarantined":
        assert (result.status, result.rows, result.rejected) == ("published", FLIGHTS - 3, 3)
        numbers = sorted(row["source_row"] for row in put_aside)
        assert len(set(numbers)) == 3
        assert all(TOLD[kind] in " ".join(row["reasons"]) for row in put_aside), put_aside
        assert all(row["source_file"] == FILE and row["delivered"] for row in put_aside)
        kept = [row for row in good.to_pylist() if row["source_row"] not in numbers]
        assert now.to_pylist() == kept
    elif expected == "cut":
        assert (result.status, result.rejected) == ("published", 1)
        assert result.rows is not None
        assert 0.4 < result.rows / FLIGHTS < 0.6
        assert "may be cut" in result.warnings[0]
        assert now.equals(good[: result.rows])
        assert [row["source_row"] for row in put_aside] == [result.rows + 1]
        assert TOLD[kind] in " ".join(put_aside[0]["reasons"])
    else:
        assert (result.status, result.rows, result.rejected) == ("unchanged", FLIGHTS, 0)
        assert bool(result.warnings) == (expected == "accepted with warning")
        assert now.equals(good)
        assert put_aside == []
    # Where the file as a whole was refused, its records were not counted.
    assert result.malformed == (None if result.verdict is None else MALFORMED.get(kind, 0))


@pytest.mark.parametrize("kind", ["header-only", "duplicate-key", "too-many-bad-rows"])
def test_a_refusal_changes_neither_the_table_nor_its_quarantine(delivered: tuple[Workspace, bytes], kind: str) -> None:
    """The rows that were put aside before stay as well: they belong to the delivery that is still published."""
    place, data = delivered
    address = project.table(AT).address
    assert project.spoil is not None
    place.landing.deliver(FILE, project.spoil("bad-date", FILE, data))
    assert run(place, AT, MONTH).partitions[0].rejected == 3
    before = [(place.lake.open(at).version, rows(place.lake, str(at))) for at in (address, address.quarantine)]
    place.landing.deliver(FILE, project.spoil(kind, FILE, data))
    (result,) = run(place, AT, MONTH).partitions
    assert result.status == "refused"
    assert [(place.lake.open(at).version, rows(place.lake, str(at))) for at in (address, address.quarantine)] == before


def test_a_refused_month_holds_back_no_other(delivered: tuple[Workspace, bytes], tmp_path: Path) -> None:
    """January is new, February is spoilt: in one run over both January is published and February stays."""
    _, data = delivered
    place = workspace(tmp_path / "home", project, zone="America/New_York")
    assert project.deliveries is not None
    assert project.spoil is not None
    place.landing.deliver(FILE, data)
    run(place, AT, MONTH)
    february = rows(place.lake, AT)
    january = dict(project.deliveries(["2013-01"]))["flights-2013-01.csv"]
    place.landing.deliver("flights-2013-01.csv", january)
    place.landing.deliver(FILE, project.spoil("duplicate-key", FILE, data))
    assert statuses(run(place, AT, ["2013-01", MONTH])) == {"2013-01": "published", MONTH: "refused"}
    now = rows(place.lake, AT)
    assert [row for row in now if row["month"] == MONTH] == february
    assert len(now) == len(january.splitlines()) - 1 + FLIGHTS


def test_the_table_of_messages_is_whole() -> None:
    assert set(TOLD) == {kind for kind, spoiler in KINDS.items() if not spoiler.expected.startswith("accepted")}


def test_a_corrected_delivery_heals_it_all(delivered: tuple[Workspace, bytes]) -> None:
    place, data = delivered
    place.landing.deliver(FILE, data)
    (result,) = run(place, AT, MONTH).partitions
    assert result.rows == FLIGHTS
    assert rows(place.lake, str(project.table(AT).address.quarantine)) == []
    assert leftovers(place.settings) == []


@pytest.mark.parametrize("spoilt", ["html", "upper-case"])
def test_a_reference_file_is_refused_like_any_other(tmp_path: Path, spoilt: str) -> None:
    place = workspace(tmp_path / "home", project, zone="America/New_York")
    assert project.deliveries is not None
    data = dict(project.deliveries([]))["airports.csv"]
    place.landing.deliver("airports.csv", data.upper() if spoilt == "upper-case" else b"<html>\n")
    (result,) = run(place, "raw/airports", WHOLE).partitions
    assert result.status == "refused"
    assert "airports.csv" in result.message

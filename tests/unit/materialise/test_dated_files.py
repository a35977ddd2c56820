"""Rows are put where their own date says: a file touches several days, a day is made of all files with rows of it."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests import bikes
from tests.gauges.events import lines
from tests.gauges.sightings import AT, project, project_of, seen
from tests.working import rows, run, statuses, workspace

from taxiway.landing import CSV, JSONLines
from taxiway.materialise import Workspace, make_plan
from taxiway.materialise.delivered import unexpected, waiting
from taxiway.materialise.reading import read_for
from taxiway.tables import Project

A, B, C = (f"sightings-{name}.jsonl.gz" for name in "abc")
DAYS = ["2013-01-01", "2013-01-02", "2013-01-03"]


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    found = workspace(tmp_path, project, first="2013-01-01", end="2013-01-04")
    found.landing.deliver(A, lines(seen(1, 1, 12), seen(2, 2, 0), seen(3, 1, 23, 59, 59)))
    found.landing.deliver(B, lines(seen(4, 2, 5), seen(5, 3, 5)))
    return found


def again(place: Workspace) -> Workspace:
    """The same deployment, as another process sees it."""
    return Workspace(place.project, place.settings, place.clock)


def made(place: Workspace) -> list[tuple[Any, ...]]:
    return sorted((row["day"], row["id"], row["source_file"], row["source_row"]) for row in rows(place.lake, AT))


def made_of(place: Workspace, day: str) -> dict[str, str | None]:
    return dict(place.lake.open(place.project.table(AT).address).partitions[day].inputs["landing"])


def digest(place: Workspace, name: str) -> str:
    return sha256(place.landing.read(name)).hexdigest()


def quarantined(place: Workspace) -> list[tuple[Any, ...]]:
    found = rows(place.lake, "quarantine/raw__sightings")
    return sorted((row["day"], row["source_file"], row["source_row"], *row["reasons"]) for row in found)


def test_the_days_of_a_file_are_made_each_of_its_own_rows(place: Workspace) -> None:
    assert statuses(run(place, AT)) == dict.fromkeys(DAYS, "published")
    assert made(place) == [
        ("2013-01-01", 1, A, 1),
        ("2013-01-01", 3, A, 3),
        ("2013-01-02", 2, A, 2),
        ("2013-01-02", 4, B, 1),
        ("2013-01-03", 5, B, 2),
    ]
    assert made_of(place, "2013-01-01") == {A: digest(place, A)}
    assert made_of(place, "2013-01-02") == {A: digest(place, A), B: digest(place, B)}
    assert set(statuses(run(place, AT)).values()) == {"skipped"}


def test_a_late_file_makes_only_the_days_anew_of_which_it_has_rows(place: Workspace) -> None:
    run(place, AT)
    place.landing.deliver(C, lines(seen(6, 3, 1)))
    assert statuses(run(place, AT)) == {**dict.fromkeys(DAYS, "skipped"), "2013-01-03": "published"}
    assert [row[1] for row in made(place)] == [1, 3, 2, 4, 5, 6]


def test_a_file_that_changes_or_goes_makes_its_days_anew(place: Workspace) -> None:
    run(place, AT)
    place.landing.deliver(B, lines(seen(6, 3, 1), seen(5, 3, 5)))
    assert statuses(run(place, AT)) == {"2013-01-01": "skipped", "2013-01-02": "published", "2013-01-03": "published"}
    assert [row[1] for row in made(place)] == [1, 3, 2, 5, 6]
    assert made_of(place, "2013-01-02") == {A: digest(place, A), B: digest(place, B)}, "B was read, and has none of it"
    assert set(statuses(run(place, AT)).values()) == {"skipped"}
    Path(place.landing.address(A)).unlink()
    first, second, third = run(place, AT).partitions
    assert [first.status, second.status, third.status] == ["refused", "refused", "skipped"]
    assert first.message.startswith(
        "no file sightings-*.jsonl.gz with a row of 2013-01-01 has been delivered: put one into "
    )
    assert "--partition 2013-01-02 --accept-fewer" in second.message, "B has no row of it, and A is gone"
    assert [row[1] for row in made(place)] == [1, 3, 2, 5, 6], "what was published stays"
    assert statuses(run(place, AT, DAYS[1], accept_fewer=True)) == {"2013-01-02": "published"}
    assert [row[1] for row in made(place)] == [1, 3, 5, 6]
    assert made_of(place, "2013-01-02") == {B: digest(place, B)}
    assert statuses(run(place, AT, DAYS[1])) == {"2013-01-02": "skipped"}


def test_a_file_that_cannot_be_read_any_more_refuses_the_days_that_were_made_of_it(place: Workspace) -> None:
    run(place, AT)
    place.landing.deliver(A, b"no gzip")
    assert statuses(run(place, AT)) == {"2013-01-01": "refused", "2013-01-02": "refused", "2013-01-03": "skipped"}
    assert len(made(place)) == 5
    place.landing.deliver(C, b"no gzip")
    (told,) = unexpected(place, place.landing.listing())
    assert told.message.startswith(f"{C} is of raw/sightings and cannot be read: {C}")


def test_rows_without_a_date_or_outside_the_calendar_are_rows_of_the_first_day(place: Workspace) -> None:
    gone = {"id": 6, "seen_at": None}
    place.landing.deliver(B, lines(seen(5, 3, 5), seen(7, 9, 0), gone, {"id": 8, "seen_at": "soon"}, seen(4, 2, 5)))
    outcome = {each.partition: each for each in run(place, AT).partitions}
    assert {key: (each.status, each.rejected) for key, each in outcome.items()} == {
        "2013-01-01": ("published", 0),
        "2013-01-02": ("published", 3),
        "2013-01-03": ("published", 0),
    }
    calendar = "(2013-01-01 to before 2013-01-04)"
    assert quarantined(place) == [
        ("2013-01-02", B, 2, f"seen_at: 2013-01-09T00:00:00+00:00 lies outside the calendar {calendar}"),
        ("2013-01-02", B, 3, "seen_at: missing, and tells the day of the row"),
        ("2013-01-02", B, 4, "seen_at: 'soon' is not an instant in UTC such as 2013-01-31T10:00:00Z"),
    ]


def test_a_longer_calendar_takes_the_rows_out_of_quarantine(place: Workspace) -> None:
    place.landing.deliver(B, lines(seen(4, 2, 5), seen(7, 4, 0)))
    run(place, AT)
    assert [row[:3] for row in quarantined(place)] == [("2013-01-02", B, 2)]
    longer = workspace(Path(place.settings.home), project, first="2013-01-01", end="2013-01-05")
    run(longer, AT, [*DAYS[:2], "2013-01-04"])
    assert quarantined(longer) == []
    assert [(int(day[-2:]), number) for day, number, *_ in made(longer)] == [(1, 1), (1, 3), (2, 2), (2, 4), (4, 7)]


def test_a_file_with_no_row_of_the_calendar_is_told(place: Workspace) -> None:
    place.landing.deliver(C, lines({"id": 6, "seen_at": None}, seen(7, 9, 0)))
    (told,) = unexpected(place, place.landing.listing())
    assert told.message == (
        f"{C} is of raw/sightings, and no row tells its day in seen_at, as row 1: seen_at: missing, and tells the day "
        "of the row: deliver it with such as lie in the calendar, or remove it"
    )
    assert told.table is place.project.table(AT)
    assert C not in place.expected_files


def test_rows_of_a_day_that_is_not_over_wait_for_its_end(place: Workspace) -> None:
    before = Workspace(project, place.settings, lambda: datetime(2013, 1, 3, 12, tzinfo=UTC))
    place.landing.deliver(C, lines(seen(6, 3, 5)))
    assert statuses(run(before, AT)) == {"2013-01-01": "published", "2013-01-02": "published"}
    assert [row[1] for row in made(before)] == [1, 3, 2, 4]
    (told,) = unexpected(before, before.landing.listing())
    assert (
        told.message == f"{C} has rows of raw/sightings for 2013-01-03, which is not over yet: they are read after that"
    )
    assert list(waiting(before, before.landing.listing())) == [
        "raw/sightings: 2 files have rows of 2013-01-03, which is not over yet: they are read after that"
    ]
    assert statuses(run(place, AT)) == {**dict.fromkeys(DAYS, "skipped"), "2013-01-03": "published"}
    assert [row[1] for row in made(place)] == [1, 3, 2, 4, 5, 6]
    assert list(waiting(place, place.landing.listing())) == []


def test_files_are_read_once_for_each_content(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(table: Any, name: str, data: bytes) -> Any:
        read.append(name)
        return read_for(table, name, data)

    monkeypatch.setattr("taxiway.materialise.dated_files.read_for", counted)
    table = place.project.table(AT)
    make_plan(place, table, DAYS)
    assert sorted(read) == [A, B]
    make_plan(place, table, DAYS)
    make_plan(again(place), table, DAYS)
    assert len(read) == 2, "what was found is kept"
    place.landing.deliver(C, lines(seen(6, 3, 5)))
    make_plan(again(place), table, DAYS)
    assert read[2:] == [C]
    read.clear()
    run(again(place), AT)
    assert sorted(read) == [A, B, C], "each once for all of its days"


def test_what_is_kept_is_cut_short_is_found_anew(place: Workspace) -> None:
    run(place, AT)
    (kept,) = (Path(place.settings.home) / "dated").iterdir()
    kept.write_text(kept.read_text()[:-5])
    assert set(statuses(run(again(place), AT)).values()) == {"skipped"}


def test_other_content_of_the_same_size_and_date_is_seen(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that tells no change."""
    run(place, AT)
    found = place.landing.listing()
    moved = gzip.decompress(place.landing.read(B)).replace(b"2013-01-03", b"2013-01-01")
    monkeypatch.setattr(type(place.landing), "listing", lambda _: found)
    Path(place.landing.address(B)).write_bytes(gzip.compress(moved, mtime=0))
    found = statuses(run(place, AT, accept_fewer=True))
    assert found == {"2013-01-01": "published", "2013-01-02": "unchanged", "2013-01-03": "published"}
    assert [row[:2] for row in made(place)][:3] == [("2013-01-01", 1), ("2013-01-01", 3), ("2013-01-01", 5)]


def test_malformed_records_are_rows_of_the_first_day(tmp_path: Path) -> None:
    place = workspace(tmp_path, project_of(CSV("seen.csv", dated="seen_at")), first="2013-01-01", end="2013-01-04")
    place.landing.deliver("seen.csv", b"id,seen_at\n1,2013-01-03T10:00:00Z\n2\n3,2013-01-02T10:00:00Z\n")
    outcome = {each.partition: each for each in run(place, AT, DAYS[1:]).partitions}
    assert {key: (each.rows, each.rejected, each.malformed) for key, each in outcome.items()} == {
        "2013-01-02": (1, 1, 1),
        "2013-01-03": (1, 0, 0),
    }
    ((day, file, row, reason),) = quarantined(place)
    assert (day, file, row, "field" in reason) == ("2013-01-02", "seen.csv", 2, True)


def test_a_column_that_the_table_does_not_keep_may_tell_the_day(tmp_path: Path) -> None:
    files = CSV("seen.csv", dated="sent_at", dropped={"sent_at": "timestamp('UTC', 6)"})
    place = workspace(tmp_path, project_of(files), first="2013-01-01", end="2013-01-04")
    at = "2013-01-01T10:00:00Z"
    records = [f"1,{at},2013-01-02T00:00:00Z", f"2,{at},2013-01-03T00:00:00Z", f"3,{at},soon"]
    place.landing.deliver("seen.csv", "\n".join(["id,seen_at,sent_at", *records, ""]).encode())
    assert statuses(run(place, AT, DAYS[1:])) == dict.fromkeys(DAYS[1:], "published")
    assert [row[:2] for row in made(place)] == [("2013-01-02", 1), ("2013-01-03", 2)]
    reason = "sent_at: 'soon' is not an instant in UTC such as 2013-01-31T10:00:00Z"
    assert quarantined(place) == [("2013-01-02", "seen.csv", 3, reason)]


def test_files_of_no_table_are_told_with_what_was_meant(place: Workspace) -> None:
    for name in ("Sightings-d.jsonl.gz", "sightings-d.jsonl"):
        place.landing.deliver(name, b"x")
    told = {each.name: each.why for each in unexpected(place, place.landing.listing())}
    assert "rename it, with a name such as sightings-1.jsonl.gz" in told["Sightings-d.jsonl.gz"]
    assert "pack it, with a name such as sightings-1.jsonl.gz" in told["sightings-d.jsonl"]


def test_json_recordssay_the_form_of_their_instants(tmp_path: Path) -> None:
    files = JSONLines("seen-*.jsonl", dated="seen_at", instants="%d.%m.%Y %H:%M")
    place = workspace(tmp_path, project_of(files), first="2013-01-01", end="2013-01-04")
    place.landing.deliver("seen-1.jsonl", b'{"id": 1, "seen_at": "02.01.2013 10:00"}\n')
    assert statuses(run(place, AT, DAYS[1])) == {"2013-01-02": "published"}


def test_the_night_on_which_clocks_go_back_has_its_hours(tmp_path: Path) -> None:
    rentals = replace(bikes.project.tables[0], files=CSV("rentals-*.csv", dated="started_at"))
    place = bikes.bikes(tmp_path, first="2013-11-03", end="2013-11-04")
    place = Workspace(Project("bikes", (rentals,)), place.settings)
    times = ("03:59:59", "04:00:00", "05:59:59", "06:00:00", "06:59:59", "07:00:00")
    lines = [f"S{number},2013-11-03T{time}Z,5" for number, time in enumerate(times)]
    place.landing.deliver("rentals-1.csv", "\n".join(["station,started_at,minutes", *lines, ""]).encode())
    night = ["2013-11-03T00", "2013-11-03T01", "2013-11-03T01-0500", "2013-11-03T02"]
    assert [key for _, key in place.expected_files.of("rentals-1.csv")] == night
    # The first of them answers for what lies before the calendar, so it has a row too many to be rejected.
    outcome = {each.partition: each for each in run(place, bikes.RENTALS, night).partitions}
    assert "lies outside the calendar (2013-11-03 to before 2013-11-04)" in outcome[night[0]].message
    assert [outcome[key].status for key in night] == ["refused", "published", "published", "published"]
    found = sorted((row["hour"], row["station"]) for row in rows(place.lake, bikes.RENTALS))
    assert found == [(night[1], "S2"), (night[2], "S3"), (night[2], "S4"), (night[3], "S5")]


@pytest.mark.parametrize("end", ["b (1)", "é", "a" * 200])
def test_a_name_with_what_no_name_may_have_is_told_and_not_read(place: Workspace, end: str) -> None:
    (Path(place.landing.store.uri) / f"sightings-{end}.jsonl.gz").write_bytes(b"x")
    (found,) = unexpected(place, place.landing.listing())
    assert found.why.startswith(
        "belongs to no table: the name of a file has only letters from A to Z or a to z, digits"
    )

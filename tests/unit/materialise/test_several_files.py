"""A month is made of all its files, anew with each that comes, goes or changes, and says which they were."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.bikes import RENTALS, bikes
from tests.gauges.events import AT, lines, project, project_of
from tests.working import rows, run, statuses, workspace

from taxiway.contracts import table
from taxiway.errors import DefinitionError, LakeError
from taxiway.landing import CSV, JSONLines
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import unexpected
from taxiway.tables import Table

A, B, C = (f"events-2013-01-{name}.jsonl.gz" for name in "abc")
OTHER = "events-2013-02-a.jsonl.gz"


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    found = workspace(tmp_path, project, months=2)
    found.landing.deliver(A, lines({"id": 1, "what": "a log", "marks": ["X"], "is_wet": True}))
    found.landing.deliver(B, lines({"id": 2, "what": "a boat"}))
    found.landing.deliver(OTHER, lines({"id": 3, "what": "a log"}))
    return found


def made(place: Workspace) -> list[tuple[Any, ...]]:
    found = rows(place.lake, AT)
    return sorted((row["month"], row["id"], row["source_file"], row["source_row"]) for row in found)


def digests(place: Workspace) -> dict[str, str | None]:
    return dict(place.lake.open(place.project.table(AT).address).partitions["2013-01"].inputs["landing"])


def test_a_month_is_made_of_all_its_files(place: Workspace) -> None:
    assert statuses(run(place, AT)) == {"2013-01": "published", "2013-02": "published"}
    assert made(place) == [("2013-01", 1, A, 1), ("2013-01", 2, B, 1), ("2013-02", 3, OTHER, 1)]
    assert digests(place) == {name: sha256(place.landing.read(name)).hexdigest() for name in (A, B)}
    (first, *_) = (row for row in rows(place.lake, AT) if row["id"] == 1)
    assert (first["marks"], first["is_wet"]) == (["X"], True)
    assert set(statuses(run(place, AT)).values()) == {"skipped"}


def test_a_file_that_comes_changes_or_goes_makes_its_month_anew(place: Workspace) -> None:
    run(place, AT)
    place.landing.deliver(C, lines({"id": 4, "what": "a tree"}))
    assert statuses(run(place, AT)) == {"2013-01": "published", "2013-02": "skipped"}
    assert [row[1] for row in made(place)] == [1, 2, 4, 3]
    place.landing.deliver(C, lines({"id": 5, "what": "a tree"}))
    assert statuses(run(place, AT)) == {"2013-01": "published", "2013-02": "skipped"}
    assert [row[1] for row in made(place)] == [1, 2, 5, 3]
    Path(place.landing.address(A)).unlink()
    assert statuses(run(place, AT)) == {"2013-01": "published", "2013-02": "skipped"}
    assert [row[1] for row in made(place)] == [2, 5, 3]
    assert list(digests(place)) == [B, C]


def test_however_many_files_a_month_has_it_names_each(place: Workspace) -> None:
    for number in range(30):
        place.landing.deliver(f"events-2013-01-{number}.jsonl.gz", lines({"id": 10 + number, "what": "a log"}))
    run(place, AT)
    assert len(digests(place)) == 32
    assert statuses(run(place, AT))["2013-01"] == "skipped"


def test_where_one_file_cannot_be_read_or_none_is_there_the_month_is_refused(place: Workspace) -> None:
    run(place, AT)
    place.landing.deliver(B, b"no gzip")
    (outcome, _) = run(place, AT).partitions
    assert (outcome.status, B in outcome.message) == ("refused", True)
    assert len(made(place)) == 3
    for name in (A, B):
        Path(place.landing.address(name)).unlink()
    (outcome, _) = run(place, AT).partitions
    assert outcome.status == "refused"
    assert outcome.message.startswith("no file events-2013-01-*.jsonl.gz has been delivered: put it into ")


def test_rows_that_cannot_be_read_say_in_which_file_they_stand(place: Workspace) -> None:
    place.landing.deliver(B, lines({"id": 2, "what": "a boat"}, {"id": "many", "what": "boats"}))
    (outcome, _) = run(place, AT).partitions
    assert (outcome.status, outcome.rejected) == ("published", 1)
    (row,) = rows(place.lake, "quarantine/raw__events")
    assert (row["source_file"], row["source_row"]) == (B, 2)
    assert row["delivered"] == '{"id": "many", "what": "boats"}'
    assert row["reasons"] == ["id: 'many' is not a whole number from -2147483648 to 2147483647"]


def test_files_of_no_table_are_told_with_what_was_meant(place: Workspace) -> None:
    for name in ("Events-2013-01-d.jsonl.gz", "events-2014-01-a.jsonl.gz", "events-2013-01-d.jsonl"):
        place.landing.deliver(name, b"x")
    told = {each.name: each.why for each in unexpected(place, place.landing.listing())}
    free = "with a name such as events-2013-01-1.jsonl.gz"
    assert told["Events-2013-01-d.jsonl.gz"] == f"belongs to no table: rename it, {free}"
    assert "is of raw/events for 2014-01, outside the calendar" in told["events-2014-01-a.jsonl.gz"]
    assert told["events-2013-01-d.jsonl"] == f"belongs to no table: pack it, {free}"
    place.landing.deliver("events-2013-01-1.jsonl.gz", b"x")
    told = {each.name: each.why for each in unexpected(place, place.landing.listing())}
    assert "such as events-2013-01-2.jsonl.gz" in told["events-2013-01-d.jsonl"]


@pytest.mark.parametrize("end", ["b (1)", "é", "a" * 200])
def test_a_name_with_what_no_name_may_have_is_told_so(place: Workspace, end: str) -> None:
    name = f"events-2013-01-{end}.jsonl.gz"
    (Path(place.landing.store.uri) / name).write_bytes(b"x")
    (found,) = unexpected(place, place.landing.listing())
    assert found.why.startswith(
        "belongs to no table: the name of a file has only letters from A to Z or a to z, digits"
    )


def test_what_no_text_can_be_is_not_delivered_as_csv(tmp_path: Path) -> None:
    place = workspace(tmp_path, project_of(CSV("events-{month}.csv")), months=1)
    with pytest.raises(DefinitionError, match="text cannot be delivered as array"):
        run(place, AT)


def test_a_table_of_months_needs_the_month_in_the_names(place: Workspace) -> None:
    table = place.project.table(AT)
    with pytest.raises(DefinitionError, match=r"raw/events: the delivered files events-\*\.jsonl need \{month\}"):
        Table(AT, table.contract, table.transform, JSONLines("events-*.jsonl"))


def test_a_refusal_names_table_file_row_and_column_of_a_value(place: Workspace) -> None:
    place.landing.deliver(B, lines({"id": 2, "what": None}, {"id": 3.5, "what": "boats"}))
    (outcome, _) = run(place, AT).partitions
    assert outcome.status == "refused"
    assert outcome.message.startswith("raw/events: 2013-01 not published: 2 of 3 rows rejected, 1 tolerated; ")
    assert f"unreadable as delivered (1 row), as {B} row 2: id: '3.5' is not a whole number" in outcome.message
    assert f"what: missing (1 row), as {B} row 1: what = None" in outcome.message


def test_a_month_is_refused_where_one_of_its_files_cannot_be_read(place: Workspace) -> None:
    run(place, AT)
    file = Path(place.landing.address(B))
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))
    outcome = run(place, AT)
    assert statuses(outcome) == {"2013-01": "refused", "2013-02": "skipped"}
    assert B in outcome.partitions[0].message
    assert [row[1] for row in made(place)] == [1, 2, 3]


@pytest.mark.parametrize(
    "asked", [("2013-11-03T01",), ("2013-11-03T01-0500",), ("2013-11-03T01", "2013-11-03T01-0500")]
)
def test_of_an_hour_that_is_shown_twice_each_file_is_of_one(tmp_path: Path, asked: tuple[str, ...]) -> None:
    place = bikes(tmp_path)
    raw = replace(place.project.table(RENTALS), files=CSV("rentals-{hour}-*.csv"))
    # Four digits that are no offset of that hour are those of `*`.
    files = {
        "2013-11-03T01": "rentals-2013-11-03T01-0400.csv",
        "2013-11-03T01-0500": "rentals-2013-11-03T01-0500-a.csv",
    }
    for name in files.values():
        place.landing.deliver(name, b"x")
    assert place.delivered(raw, asked) == {key: (files[key],) for key in asked}


def test_partitions_of_another_grain_are_not_kept_beside(place: Workspace) -> None:
    run(place, AT)
    raw = place.project.table(AT)

    class ByDay(raw.contract):
        """The same, which is said to be by day."""

        class Config(raw.contract.Config):
            metadata = table(grain="day", partition="month", tolerance=0.5, key_within_partition=True)

    by_day = Table(AT, ByDay, raw.transform, JSONLines("events-{day}-*.jsonl.gz"))
    daily = replace(place, project=replace(project, tables=(by_day,)))
    daily.landing.deliver("events-2013-01-01-a.jsonl.gz", lines({"id": 1, "what": "a log"}))
    with pytest.raises(LakeError, match=r"its partitions are published by month, as 2013-0., .* by day; make it anew"):
        run(daily, AT, "2013-01-01")


def test_a_name_that_is_too_long_stops_no_run_and_is_told(place: Workspace) -> None:
    longer = f"events-2013-01-{'a' * 200}.jsonl.gz"
    (Path(place.landing.store.uri) / longer).write_bytes(lines({"id": 4, "what": "a tree"}))
    assert statuses(run(place, AT)) == {"2013-01": "published", "2013-02": "published"}
    assert list(digests(place)) == [A, B]
    listing = place.landing.listing()
    assert [each.name for each in unexpected(place, listing)] == [longer]
    assert longer not in place.expected_in(listing)

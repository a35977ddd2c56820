"""A source delivers what has changed, each month whole, and nothing is lost or doubled whatever happens in between."""

import csv
import io
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import Database
from tests.unit.connectors.wells import READINGS, delivered, files, filled, place_of
from tests.working import processes, rows, run, run_all, statuses

from taxiway.landing import LandingZone
from taxiway.materialise import Workspace
from taxiway.materialise.extract import extract

JANUARY, FEBRUARY, MARCH, APRIL = (f"readings-2013-0{month}.csv" for month in (1, 2, 3, 4))
# Older than what was delivered: a transaction that commits late, or a clock that is slow.
EARLIER = "2013-05-31 23:59Z"


@pytest.fixture
def database(database: Database) -> Database:
    return filled(database)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Workspace:
    return place_of(tmp_path / "home", database.url)


def level(level: int | str, day: str, cursor: str = "2013-07-01") -> str:
    """The statement that gives the first readings of a day another level."""
    return f"UPDATE river.readings SET level_cm = {level}, updated_at = '{cursor}' WHERE read_at = '{day} 00:00Z'"


def see_all_is_delivered(place: Workspace, database: Database) -> None:
    """Every row of the database is in the file of its month, once, and no other is."""
    expected: dict[str, list[tuple[str, ...]]] = {}
    query = (
        "SELECT to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM'), gauge, "
        "to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), coalesce(level_cm::text, ''), "
        "coalesce(remark, '') FROM river.readings ORDER BY 1, 2, 3, 4"
    )
    for month, *row in database.rows(query):
        expected.setdefault(f"readings-{month}.csv", []).append(tuple(row))
    found = {}
    for name, data in files(place).items():
        if name.startswith("readings"):
            records = csv.DictReader(io.StringIO(data.decode(), newline=""))
            found[name] = sorted(
                (r["gauge"], r["read_at"][:19].replace("T", " "), r["level_cm"], r["remark"]) for r in records
            )
    assert found == {name: sorted(rows) for name, rows in expected.items()} | {
        name: [] for name in found if name not in expected
    }


def test_the_first_time_all_months_are_delivered(place: Workspace, database: Database) -> None:
    assert delivered(place) == {JANUARY: True, FEBRUARY: True, MARCH: True}
    see_all_is_delivered(place, database)


def test_nothing_is_delivered_where_nothing_has_changed(place: Workspace) -> None:
    delivered(place)
    before = place.landing.listing().files
    assert delivered(place) == {}
    assert place.landing.listing().files == before


@pytest.mark.parametrize("cursor", ["2013-07-01", EARLIER])
def test_a_change_is_delivered_however_old_its_cursor_is(place: Workspace, database: Database, cursor: str) -> None:
    delivered(place)
    database.do(
        f"UPDATE river.readings SET level_cm = 999, updated_at = '{cursor}' WHERE read_at = '2013-02-03 06:00Z'"
    )
    assert delivered(place) == {FEBRUARY: True}
    see_all_is_delivered(place, database)


def test_a_transaction_that_commits_late_is_not_passed_over(place: Workspace, database: Database) -> None:
    with database.connected() as connection:
        connection.autocommit = False
        late = "UPDATE river.readings SET level_cm = 1, updated_at = '2013-07-01' WHERE read_at = '2013-01-02 00:00Z'"
        connection.cursor().execute(late)
        database.do(
            "UPDATE river.readings SET level_cm = 2, updated_at = '2013-07-02' WHERE read_at = '2013-03-02 00:00Z'"
        )
        assert delivered(place) == {JANUARY: True, FEBRUARY: True, MARCH: True}
        connection.commit()
    assert delivered(place) == {JANUARY: True}
    see_all_is_delivered(place, database)


def test_a_row_that_moves_to_another_month_is_right_in_both(place: Workspace, database: Database) -> None:
    delivered(place)
    database.do("UPDATE river.readings SET read_at = '2013-03-05 01:00Z', updated_at = '2013-07-01' "
                "WHERE read_at = '2013-01-05 00:00Z' AND gauge = 'AAA'")  # fmt: skip
    assert delivered(place) == {JANUARY: True, MARCH: True}
    see_all_is_delivered(place, database)


def test_a_deleted_row_is_gone(place: Workspace, database: Database) -> None:
    delivered(place)
    database.do("DELETE FROM river.readings WHERE read_at = '2013-02-05 00:00Z'")
    assert delivered(place) == {FEBRUARY: True}
    see_all_is_delivered(place, database)


def test_of_a_month_that_has_no_rows_any_more_a_file_without_rows_is_delivered_once(
    place: Workspace, database: Database
) -> None:
    delivered(place)
    database.do("DELETE FROM river.readings WHERE read_at < '2013-02-01 00:00Z'")
    assert delivered(place) == {JANUARY: True}
    assert files(place)[JANUARY] == b"remark,gauge,read_at,level_cm\n"
    assert delivered(place) == {}


def test_only_the_months_that_are_asked_for(place: Workspace) -> None:
    assert delivered(place, only=["2013-02", "2013-04"]) == {FEBRUARY: True}
    assert delivered(place) == {JANUARY: True, MARCH: True}


def test_a_table_without_months_is_one_file(place: Workspace, database: Database) -> None:
    assert delivered(place, "raw/gauges") == {"gauges.csv": True}
    assert files(place)["gauges.csv"] == b"gauge,river\nAAA,Elbe\nBBB,Oder\n"
    assert delivered(place, "raw/gauges") == {}
    database.do("DELETE FROM river.gauges WHERE gauge = 'AAA'")
    assert delivered(place, "raw/gauges") == {"gauges.csv": True}
    assert files(place)["gauges.csv"] == b"gauge,river\nBBB,Oder\n"


def test_a_file_that_was_lost_or_forgotten_is_delivered_again(place: Workspace, database: Database) -> None:
    delivered(place)
    place.landing.store.remove([FEBRUARY])
    assert delivered(place) == {FEBRUARY: True}
    for memory in (b"", b"[]", b'{"2013-01": 3}'):
        place.landing.store.write(".sources/raw_readings.json", memory)
        assert set(delivered(place).values()) == {False}
    place.landing.store.write(APRIL, b"gauge,read_at,level_cm,remark\nAAA,2013-04-01T00:00:00Z,1,\n")
    assert delivered(place) == {APRIL: True}
    see_all_is_delivered(place, database)


def test_what_is_remembered_is_no_delivery(place: Workspace) -> None:
    from taxiway.materialise.delivered import unexpected

    delivered(place)
    assert unexpected(place, place.landing.listing()) == []


def test_the_tables_are_what_the_database_holds(place: Workspace, database: Database) -> None:
    for at in (READINGS, "raw/gauges"):
        delivered(place, at)
    run_all(place, ["2013-01", "2013-02", "2013-03"])
    database.do(
        "UPDATE river.readings SET level_cm = NULL, updated_at = '2013-07-01' WHERE read_at = '2013-02-02 00:00Z'"
    )
    delivered(place)
    assert statuses(run(place, READINGS, ["2013-01", "2013-02", "2013-03"])) == {
        "2013-01": "skipped",
        "2013-02": "published",
        "2013-03": "skipped",
    }
    held = {(row["gauge"], row["read_at"]): row["level_cm"] for row in rows(place.lake, READINGS)}
    query = "SELECT gauge, read_at, level_cm FROM river.readings"
    assert held == {(gauge, read_at): level for gauge, read_at, level in database.rows(query)}


def test_texts_come_through_as_they_are(place: Workspace, database: Database) -> None:
    hard = ["", None, "NA", "NULL", 'a "b"\n\\.\nc', "a,b\t\\N", " x ", "żółw 🐢", "'; DROP TABLE x; --"]
    for number, text in enumerate(hard):
        database.do("INSERT INTO river.gauges VALUES (%s, %s, now())", f"XX{chr(65 + number)}", text or "")
        database.do("UPDATE river.gauges SET river = %s WHERE gauge = %s", text, f"XX{chr(65 + number)}")
    delivered(place, "raw/gauges")
    run(place, "raw/gauges")
    held = {row["gauge"]: row["river"] for row in rows(place.lake, "raw/gauges")}
    expected = database.rows("SELECT gauge, river FROM river.gauges WHERE river IS NOT NULL")
    assert held == dict(expected)


def test_an_update_during_the_delivery_is_delivered_the_next_time(place: Workspace, database: Database) -> None:
    """What is delivered is of one moment: what was remembered goes with the rows, whenever another one commits."""
    for _ in extract(place, place.project.table(READINGS)):
        database.do("UPDATE river.readings SET level_cm = level_cm + 1, updated_at = updated_at + interval '1 day'")
    assert delivered(place) == {JANUARY: True, FEBRUARY: True, MARCH: True}
    see_all_is_delivered(place, database)


def test_two_at_once_take_turns(place: Workspace, database: Database) -> None:
    first = extract(place, place.project.table(READINGS))
    next(first)
    found: dict[str, bool] = {}
    second = threading.Thread(target=lambda: found.update(delivered(place)))
    second.start()
    tries = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory%'"
    # The first has the lock, and asks for something else by now.
    while not database.rows(tries):
        assert second.is_alive()
    database.do(level(7, "2013-03-02"))
    for _ in first:
        pass
    second.join()
    assert found == {MARCH: True}
    see_all_is_delivered(place, database)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_changed_the_files_are_what_the_database_holds(
    place: Workspace, database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    for turn in range(12):
        for _ in range(chance.randrange(4)):
            database.do(change(chance, turn))
        if chance.random() < 0.7:
            delivered(place)
    delivered(place)
    see_all_is_delivered(place, database)
    assert delivered(place) == {}


def change(chance: random.Random, turn: int) -> str:
    """A change of one or several rows: new ones, other levels, other months, none any more."""
    day = f"'2013-{chance.randrange(1, 4):02d}-{chance.randrange(1, 29):02d}'::date"
    cursor = f"updated_at = '2013-06-01'::timestamptz + interval '{turn + 1} seconds'"
    of_day = f"WHERE read_at::date = {day} AND read_at < '2013-02-20'"
    return chance.choice(
        [
            f"DELETE FROM river.readings WHERE read_at::date = {day}",
            f"UPDATE river.readings SET level_cm = {turn}, {cursor} WHERE read_at::date = {day}",
            f"UPDATE river.readings SET read_at = read_at + interval '31 days', {cursor} {of_day}",
            f"INSERT INTO river.readings VALUES ('CCC', {day} + interval '{turn} minutes', 1, 'x', '2013-06-01')",
        ]
    )


_UNDO = """
UPDATE river.readings SET read_at = '2013-01-05 00:00Z', updated_at = '2013-06-01' WHERE read_at = '2013-03-05 01:00Z';
INSERT INTO river.readings SELECT gauge, '2013-02-05 00:00Z', 5, NULL, '2013-06-01' FROM river.gauges;
UPDATE river.readings SET level_cm = 6, updated_at = '2013-06-01' WHERE read_at = '2013-03-06 00:00Z';
"""


@pytest.fixture
def changed(place: Workspace, database: Database) -> Database:
    """Delivered once; then a row moved, another was deleted, a third has another level."""
    delivered(place)
    database.do(
        "UPDATE river.readings SET read_at = '2013-03-05 01:00Z', updated_at = '2013-07-01' "
        "WHERE read_at = '2013-01-05 00:00Z'; DELETE FROM river.readings WHERE read_at = '2013-02-05 00:00Z'; "
        "UPDATE river.readings SET level_cm = 3, updated_at = '2013-07-01' WHERE read_at = '2013-03-06 00:00Z'"
    )
    return database


@pytest.mark.parametrize("undone", [False, True], ids=["changed", "changed back meanwhile"])
@pytest.mark.parametrize("step", range(6))
def test_who_is_killed_anywhere_has_lost_and_doubled_nothing(
    place: Workspace, changed: Database, step: int, undone: bool
) -> None:
    """Of three months: before and after each file is in its place, which is before it is remembered."""
    child = processes.Process(target=deliver_and_die, args=(place.settings.home, changed.url, step))
    child.start()
    child.join()
    assert child.exitcode == 9
    if undone:
        changed.do(_UNDO)
    delivered(place)
    see_all_is_delivered(place, changed)
    assert delivered(place) == {}


def deliver_and_die(home: Path, url: str, step: int) -> None:
    """Deliver, and end at that step, as a kill would."""
    steps = iter(range(100))
    deliver = LandingZone.deliver

    def deliver_or_die(zone: LandingZone, name: str, data: bytes) -> bool:
        die_at(step, steps)
        done = deliver(zone, name, data)
        die_at(step, steps)
        return done

    LandingZone.deliver = deliver_or_die
    delivered(place_of(home, url))


def die_at(step: int, steps: Iterator[int]) -> None:
    if next(steps) == step:
        os._exit(9)

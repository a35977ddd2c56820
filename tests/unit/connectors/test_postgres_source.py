"""What is PostgreSQL's own: clocks, types of dates, rows of no month, and errors in one line without a secret."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import PASSWORD, USER, Database
from tests.unit.connectors.wells import PROJECT, READINGS, SOURCES, delivered, files, filled, place_of
from tests.working import run

from taxiway.connectors import PostgresSource
from taxiway.errors import ConnectorError, DefinitionError
from taxiway.materialise import Workspace
from taxiway.materialise.extract import extract
from taxiway.tables import Project


@pytest.fixture
def database(database: Database) -> Database:
    return filled(database)


def project_with(**changes: Any) -> Project:
    """The readings come from another table or column."""
    source = replace(SOURCES[READINGS], **changes)
    tables = {table.at: table for table in PROJECT.tables}
    changed = replace(tables[READINGS], source=source)
    return replace(PROJECT, tables=tuple((tables | {READINGS: changed}).values()))


def place_with(database: Database, home: Path, zone: str = "UTC", **changes: Any) -> Workspace:
    return place_of(home / "home", database.url, project_with(**changes), zone=zone)


def read_at(place: Workspace, month: str) -> list[str]:
    """The instants in the file of a month."""
    lines = files(place)[f"readings-{month}.csv"].decode().splitlines()[1:]
    return sorted({line.split(",")[2] for line in lines})


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
@pytest.mark.parametrize("server", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_month_is_that_of_the_deployments_clock(database: Database, tmp_path: Path, zone: str, server: str) -> None:
    database.do(f"ALTER ROLE {USER} IN DATABASE {database.name} SET TimeZone = '{server}'")
    database.do(f"ALTER ROLE {USER} IN DATABASE {database.name} SET DateStyle = 'German, DMY'")
    place = place_with(database, tmp_path, zone)
    delivered(place)
    first, last = {
        "UTC": ("2013-02-01T00:00:00.000000Z", "2013-02-28T18:00:00.000000Z"),
        "America/New_York": ("2013-02-01T06:00:00.000000Z", "2013-03-01T00:00:00.000000Z"),
        "Asia/Tokyo": ("2013-01-31T18:00:00.000000Z", "2013-02-28T12:00:00.000000Z"),
    }[zone]
    found = read_at(place, "2013-02")
    assert (found[0], found[-1], len(found)) == (first, last, 28 * 4)


@pytest.mark.parametrize("dtype", ["date", "timestamp"])
def test_a_date_without_a_zone_is_taken_as_it_is(database: Database, tmp_path: Path, dtype: str) -> None:
    day = f"*, (read_at AT TIME ZONE 'UTC')::{dtype} AS day"
    place = place_with(
        database, tmp_path, "Asia/Tokyo", table="", query=f"SELECT {day} FROM river.readings", partition_by="day"
    )
    delivered(place)
    found = read_at(place, "2013-02")
    assert (found[0], found[-1]) == ("2013-02-01T00:00:00.000000Z", "2013-02-28T18:00:00.000000Z")


def test_rows_of_no_month_are_told(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database.do(
        "INSERT INTO river.readings VALUES ('A', NULL), ('A', 'infinity'), ('A', '2012-12-31'), ('A', '2099-01-01')"
    )
    place = place_with(database, tmp_path)
    assert len(delivered(place)) == 3
    (message,) = caplog.messages
    assert message == (
        "connection 'warehouse': river.readings has 2 rows without read_at and 2 rows of 2012-12, 2099-01: of no "
        "month that is over in the calendar, so not delivered"
    )


@pytest.mark.parametrize(
    ("instant", "text"),
    [("infinity", "infinity"), ("-infinity", "-infinity"), ("0044-03-15 BC", "0044-03-15 00:00:00+00 BC")],
)
def test_an_instant_that_no_file_can_hold_is_refused_and_no_null(
    database: Database, tmp_path: Path, instant: str, text: str
) -> None:
    query = f"SELECT 'AAA' AS gauge, '{instant}'::timestamptz AS read_at, 1 AS level_cm, '' AS remark, 1 AS at, "
    query += "'2013-01-01'::date AS day"
    place = place_with(database, tmp_path, table="", query=query, cursor="at", partition_by="day")
    delivered(place)
    assert read_at(place, "2013-01") == [text]
    (done,) = run(place, READINGS, "2013-01").partitions
    (problem,) = done.samples["unreadable"]["problems"].to_pylist()
    assert problem == [f"read_at: '{text}' is not an instant in UTC such as 2013-01-31T10:00:00Z"]
    assert done.rejected == 1


def test_numbers_are_their_shortest_exact_text(database: Database, tmp_path: Path) -> None:
    database.do("SET extra_float_digits = 0")
    database.do(f"ALTER ROLE {USER} IN DATABASE {database.name} SET extra_float_digits = 0")
    floats = "unnest(ARRAY[0.1, '-0', 5e-324, 1.7976931348623157e308, 123456789012345.67]::float8[])"
    query = f"SELECT 'A' AS gauge, '2013-01-01'::timestamptz AS read_at, {floats} AS level_cm, '' AS remark, 1 AS at"
    place = place_with(database, tmp_path, table="", query=query, cursor="at")
    delivered(place)
    levels = [line.split(",")[3] for line in files(place)["readings-2013-01.csv"].decode().splitlines()[1:]]
    assert [float(each) for each in levels] == [0.1, -0.0, 5e-324, 1.7976931348623157e308, 123456789012345.67]
    assert levels[1] == "-0"


def test_another_query_delivers_again_what_differs(database: Database, tmp_path: Path) -> None:
    delivered(place_with(database, tmp_path))
    place = place_with(database, tmp_path, table="", query="SELECT * FROM river.readings WHERE gauge = 'AAA'")
    assert set(delivered(place).values()) == {True}
    assert set(delivered(place_with(database, tmp_path, schedule="@daily", table="river.readings")).values()) == {True}
    assert delivered(place_with(database, tmp_path)) == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"table": "river.reading"}, 'relation "river.reading" does not exist'),
        ({"table": 'river.x"; DROP TABLE readings; --'}, "does not exist"),
        ({"cursor": "changed_at"}, "river.readings has no column changed_at; there are: gauge, read_at"),
        (
            {"partition_by": "gauge"},
            "gauge says of which partition a row is, and is no date or timestamp",
        ),
        ({"table": "", "query": "SELECT 1 AS one"}, "the query has no column remark; there are: one"),
        ({"table": "", "query": "SELECT nonsense"}, 'column "nonsense" does not exist'),
        (
            {
                "table": "",
                "query": "SELECT gauge, read_at::timestamp, level_cm, remark, updated_at FROM river.readings",
            },
            "read_at is to be an instant, and has no zone there; give it one in a query: read_at AT TIME ZONE 'UTC'",
        ),
    ],
    ids=["table", "hostile table", "cursor", "partition", "columns", "query", "clock"],
)
def test_what_cannot_be_read_is_one_line(
    database: Database, tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    clocks = "SELECT gauge, read_at::timestamp, level_cm, remark, updated_at FROM river.readings"
    database.do(f"CREATE VIEW river.clocks AS {clocks}")
    place = place_with(database, tmp_path, **changes)
    with pytest.raises(ConnectorError) as caught:
        delivered(place)
    assert str(caught.value).startswith("connection 'warehouse': ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(place) == {}


def test_a_session_that_is_ended_halfway_keeps_what_was_delivered(database: Database, tmp_path: Path) -> None:
    ours = "datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'taxiway'"
    place = place_with(database, tmp_path)
    found = extract(place, place.project.table(READINGS))
    next(found)
    database.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
    with pytest.raises(ConnectorError) as caught:
        list(found)
    assert "\n" not in str(caught.value)
    assert list(files(place)) == ["readings-2013-01.csv"]
    assert sorted(delivered(place)) == ["readings-2013-02.csv", "readings-2013-03.csv"]


def test_a_wrong_password_is_one_line_without_it(database: Database, tmp_path: Path) -> None:
    place = place_of(tmp_path / "home", database.url_of(USER, "top-secret"))
    with pytest.raises(ConnectorError, match="password authentication failed") as caught:
        delivered(place)
    assert "top-secret" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_what_is_declared_wrongly_is_refused() -> None:
    with pytest.raises(DefinitionError, match="name a table or a query, one of the two"):
        PostgresSource(connection="warehouse", cursor="updated_at")
    with pytest.raises(DefinitionError, match="its source has to name the column that tells a row's partition"):
        project_with(partition_by=None)

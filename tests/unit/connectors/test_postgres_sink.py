"""What is PostgreSQL's own: views, rights and old transactions outlive a new version; what it cannot keep is named."""

import math
import traceback
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from tests.postgres import PASSWORD, USER, Database
from tests.unit.connectors.holders import SCHEMA, Holder, in_postgres, levels

from taxiway.addresses import Address
from taxiway.connectors import Outgoing, PostgresSink, postgres_publish, postgres_session
from taxiway.errors import ConnectorError, DefinitionError, SettingsError, TaxiwayError


@pytest.fixture
def holder(database: Database, tmp_path: Path) -> Holder:
    return in_postgres(database, tmp_path)


def refused(holder: Holder, rows: pa.Table) -> str:
    with pytest.raises(ConnectorError) as caught:
        holder.publish("v9", rows)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_views_and_rights_outlive_a_new_version(holder: Holder, database: Database) -> None:
    reader = f"reader_{database.name}"
    holder.publish("v1", levels(1))
    database.do(f"CREATE VIEW high AS SELECT max(level) AS level FROM mart.levels; CREATE ROLE {reader}")
    database.do(f"GRANT USAGE ON SCHEMA mart TO {reader}; GRANT SELECT ON mart.levels TO {reader}")
    holder.publish("v2", levels(2))
    assert database.rows("SELECT level FROM high") == [(2,)]
    with database.connected() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {reader}")
        cursor.execute("SELECT max(level) FROM mart.levels")
        assert cursor.fetchall() == [(2,)]
        with pytest.raises(Exception, match="permission denied"):
            cursor.execute("DELETE FROM mart.levels")
    database.do(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


def test_a_transaction_that_began_before_sees_the_version_of_then(holder: Holder, database: Database) -> None:
    """As it would not if another table took the name: of that it sees no rows."""
    holder.publish("v1", levels(1))
    with database.connected() as connection, connection.cursor() as cursor:
        connection.set_session("REPEATABLE READ", autocommit=False)
        cursor.execute("SELECT 1")
        holder.publish("v2", levels(2, 3))
        cursor.execute("SELECT level, count(*) FROM mart.levels GROUP BY 1")
        assert cursor.fetchall() == [(1, 10)]
        connection.rollback()
        cursor.execute("SELECT level, count(*) FROM mart.levels GROUP BY 1")
        assert cursor.fetchall() == [(2, 3)]


def test_a_publisher_whose_session_is_ended_leaves_what_was_there(holder: Holder, database: Database) -> None:
    def ended() -> Iterator[pa.RecordBatch]:
        yield from levels(2, 5).to_batches()
        database.do(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Client' "
            "AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        yield from levels(2, 5).to_batches()

    holder.publish("v1", levels(1))
    with pytest.raises(ConnectorError, match="connection 'bi': ") as caught:
        holder.publish_batches("v2", SCHEMA, ended)
    assert "\n" not in str(caught.value)
    assert holder.read() == levels(1).to_pylist()


def test_the_key_has_an_index_that_follows_the_contract(holder: Holder, database: Database) -> None:
    def keys() -> list[tuple[str]]:
        return database.rows("SELECT indexdef FROM pg_indexes WHERE tablename = 'levels'")

    index = "CREATE UNIQUE INDEX levels_7d50f208_key ON mart.levels USING btree (%s)"
    holder.publish("v1", levels(1))
    assert keys() == [(index % "gauge",)]
    assert holder.publish("v1", levels(1), ("level", "gauge")).changed
    assert keys() == [(index % "level, gauge",)]
    holder.publish("v2", levels(2), ())
    assert keys() == []


def test_a_key_may_become_narrower_and_wider_again(holder: Holder) -> None:
    """What was there need not be unique by the new key, nor what comes by the old one."""
    twice = pa.table({"gauge": ["A", "A"], "level": [1, 2]}, SCHEMA)
    holder.publish("v1", twice, ("gauge", "level"))
    assert holder.publish("v2", levels(2), ("gauge",)).changed
    assert holder.publish("v3", twice, ("gauge", "level")).changed
    assert sorted(holder.read(), key=str) == twice.to_pylist()


def test_long_names_of_tables_have_indexes_of_their_own(holder: Holder, database: Database) -> None:
    tables = [f"{'x' * 62}{end}" for end in "ab"]
    for table in tables:
        holder.sink = PostgresSink(connection="bi", table=table)
        holder.publish("v1", levels(1))
    indexed = "SELECT tablename FROM pg_indexes WHERE indexname LIKE 'x%_key' ORDER BY 1"
    assert database.rows(indexed) == [(table,) for table in tables]
    assert not holder.publish("v1", levels(1)).changed


def test_an_index_of_another_table_is_not_taken_for_its_own(holder: Holder, database: Database) -> None:
    """As it was where the name of a table's index was cut, or another's by chance."""
    database.do("CREATE SCHEMA mart; CREATE TABLE mart.theirs (gauge text)")
    name = postgres_publish._index_name("levels")
    database.do(f"CREATE INDEX {name} ON mart.theirs (gauge)")
    assert "already exists" in refused(holder, levels(1))
    database.do("DROP TABLE mart.theirs")
    assert holder.publish("v1", levels(1)).changed


def test_another_table_does_not_replace_it(holder: Holder) -> None:
    holder.publish("v1", levels(1))
    other = Outgoing(Address("feature", "rivers"), SCHEMA, ("gauge",), "v1", levels(2).to_batches)
    sink = PostgresSink(connection="bi", schema="mart", table="levels")
    with pytest.raises(ConnectorError) as caught:
        sink.publish(holder.settings, other)
    assert str(caught.value) == (
        "bi: mart.levels was made from mart/levels of deployment local, not from feature/rivers of deployment local: "
        "publish into another with PostgresSink(table=...), or set the source in mart.taxiway_published if it is to be "
        "this one's"
    )
    assert holder.read() == levels(1).to_pylist()


def test_who_it_is_of_can_be_changed(holder: Holder, database: Database) -> None:
    holder.publish("v1", levels(1))
    database.do("UPDATE mart.taxiway_published SET source = 'mart/levels of deployment staging' WHERE name = 'levels'")
    holder.deployment = "staging"
    assert not holder.publish("v1", levels(1)).changed


def test_a_publisher_that_waits_for_another_says_so_and_can_be_interrupted(
    holder: Holder, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(postgres_session, "_LOCK_TOLD_S", 0.1)

    def interrupted(_: float) -> None:
        if caplog.messages:
            raise KeyboardInterrupt

    holder.publish("v1", levels(1))
    with database.connected() as other:
        other.cursor().execute("SELECT pg_advisory_lock(hashtextextended('taxiway sink mart.levels', 0))")
        with monkeypatch.context() as during:
            during.setattr(postgres_session.time, "sleep", interrupted)
            with pytest.raises(KeyboardInterrupt):
                holder.publish("v2", levels(2))
        assert caplog.messages == ["sink mart.levels: another process is at it, which is waited for"]
        monkeypatch.setattr(postgres_session, "_LOCK_S", 0.3)
        assert "sink mart.levels: another process has been at it for" in refused(holder, levels(2))
    assert holder.read() == levels(1).to_pylist()
    assert holder.publish("v2", levels(2)).changed


def test_a_column_that_a_view_reads_is_not_taken_away(holder: Holder, database: Database) -> None:
    holder.publish("v1", levels(1))
    database.do("CREATE VIEW high AS SELECT max(level) AS level FROM mart.levels")
    told = refused(holder, levels(2).drop_columns("level"))
    assert "cannot drop column level of table mart.levels because other objects depend on it" in told
    assert database.rows("SELECT level FROM high") == [(1,)]


def test_a_table_that_somebody_dropped_is_made_again(holder: Holder, database: Database) -> None:
    holder.publish("v1", levels(1))
    database.do("DROP TABLE mart.levels")
    assert holder.publish("v1", levels(1)).changed
    assert holder.read() == levels(1).to_pylist()


def test_names_are_quoted(holder: Holder, database: Database) -> None:
    name = 'a"; DROP TABLE x; -- %s {}'
    holder.sink = PostgresSink(connection="bi", schema=name, table=name)
    rows = pa.table({name: ["A"], "select": [1]})
    holder.publish("v1", rows, (name,))
    quoted = '"' + name.replace('"', '""') + '"'
    assert database.rows(f"SELECT * FROM {quoted}.{quoted}") == [("A", 1)]


def test_a_nul_is_named_in_one_line(holder: Holder) -> None:
    holder.publish("v1", levels(1))
    told = refused(holder, pa.table({"gauge": ["A", "B\0C"], "level": [1, 2]}))
    assert "mart/levels: a text of the column gauge has a NUL character, which PostgreSQL cannot keep" in told
    assert holder.read() == levels(1).to_pylist()


@pytest.mark.parametrize(
    "dtype", [pa.timestamp("ns"), pa.uint64(), pa.binary(), pa.duration("us"), pa.list_(pa.list_(pa.string()))], ids=str
)
def test_a_type_that_it_cannot_keep_is_refused_by_name(holder: Holder, dtype: pa.DataType) -> None:
    told = refused(holder, pa.table({"gauge": ["A"], "odd": pa.array([None], dtype)}))
    assert f"PostgreSQL cannot keep the column odd ({dtype})" in told


def test_what_the_server_refuses_is_one_line(holder: Holder) -> None:
    told = refused(holder, pa.table({"gauge": ["A", "A"], "level": [1, 2]}))
    assert told == "connection 'bi': could not create unique index \"levels_7d50f208_key\""
    holder.publish("v1", levels(1))
    told = refused(holder, pa.table({"gauge": ["A", "A"], "level": [1, 2]}))
    assert told == "connection 'bi': duplicate key value violates unique constraint \"levels_7d50f208_key\""


def test_a_name_that_it_would_cut_is_refused(holder: Holder) -> None:
    with pytest.raises(DefinitionError, match="at most 63 bytes"):
        PostgresSink(connection="bi", table="x" * 64)
    assert "cannot keep the column" in refused(holder, pa.table({"gauge": ["A"], "x" * 64: [1]}))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("{good}_gone", 'FATAL: database "{name}_gone" does not exist'),
        ("wrong password", f'FATAL: password authentication failed for user "{USER}"'),
        ("postgresql://me:top-secret@127.0.0.1:1/x", "connection to server at"),
        ("postgresql://me:top-secret@[::1/x", "its URL cannot be read"),
        ("top-secret", "its URL cannot be read"),
    ],
    ids=["no database", "wrong password", "nobody there", "half an address", "no URL"],
)
def test_what_cannot_be_reached_is_told_in_one_line_without_a_secret(
    holder: Holder, database: Database, url: str, told: str
) -> None:
    wrong = database.url_of(USER, "top-secret")
    holder.url = wrong if url == "wrong password" else url.replace("{good}", database.url.split("?")[0])
    if "_gone" in url:
        holder.url += f"?host={database.folder}"
    with pytest.raises(ConnectorError) as caught:
        holder.publish("v1", levels(1))
    assert str(caught.value).startswith("connection 'bi': ")
    assert told.format(name=database.name) in str(caught.value)
    trace = "".join(traceback.format_exception(caught.value))
    for text in (str(caught.value), repr(holder.settings), trace):
        assert "top-secret" not in text
        assert PASSWORD not in text
    assert "\n" not in str(caught.value)


def test_a_connection_that_is_not_set_says_which_variable(holder: Holder) -> None:
    holder.sink = PostgresSink(connection="sales")
    with pytest.raises(SettingsError, match="set TAXIWAY_CONNECTION_SALES to its URL") as caught:
        holder.publish("v1", levels(1))
    assert isinstance(caught.value, TaxiwayError)
    assert PASSWORD not in str(caught.value)


def test_nan_is_not_taken_for_a_text(holder: Holder, database: Database) -> None:
    rows = pa.table({"gauge": ["nan", "inf"], "level": pa.array([math.nan, -math.inf])})
    holder.publish("v1", rows)
    assert database.rows("SELECT gauge, level::text FROM mart.levels ORDER BY 1") == [
        ("inf", "-Infinity"),
        ("nan", "NaN"),
    ]


def test_a_user_without_rights_is_told_so(holder: Holder, database: Database) -> None:
    user = f"user_{database.name}"
    database.do(f"CREATE ROLE {user} LOGIN PASSWORD 'pw-of-user'")
    holder.url = database.url_of(user, "pw-of-user")
    assert f"permission denied for database {database.name}" in refused(holder, levels(1))
    database.do(f"DROP ROLE {user}")

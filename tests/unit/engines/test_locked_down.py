"""A session reads the lake and its own scratch folder and nothing else, and cannot be talked out of it."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from taxiway.engines.duckdb import DuckDB, DuckDBSession, identifier, literal
from taxiway.errors import EngineError
from taxiway.storage import Store

OUTSIDE = (
    "FROM read_csv('{home}/lake2/secret.csv')",
    "FROM read_csv('{home}/lake/../lake2/secret.csv')",
    "FROM read_csv('{home}/lake/link.csv')",
    "FROM read_csv('{home}/*/secret.csv')",
    "FROM read_csv('{home}/lak?2/secret.csv')",
    "FROM read_text('/etc/passwd')",
    "FROM read_blob('/proc/self/environ')",
    "FROM glob('/etc/*')",
    "FROM glob('{home}/*')",
    "FROM '/etc/passwd'",
    "FROM '{home}/lake2/secret.csv'",
    "FROM read_csv('https://example.org/x.csv')",
    "FROM secret",
    "ATTACH '{home}/other.db'",
    "COPY (SELECT 1) TO '{home}/out.csv'",
    "EXPORT DATABASE '{home}/out'",
    "IMPORT DATABASE '{home}/lake2'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT getenv('HOME')",
)
SETTINGS = (
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET allowed_directories = ['/']",
    "SET allowed_paths = ['/etc/passwd']",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET TimeZone = 'Europe/Berlin'",
    "SET python_enable_replacements = true",
    "SET temp_directory = '/tmp'",
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBSession]:
    lake, beside = tmp_path / "lake", tmp_path / "lake2"
    for folder in (lake, beside):
        folder.mkdir()
        (folder / "secret.csv").write_text("word\nsesame\n")
    (lake / "link.csv").symlink_to(beside / "secret.csv")
    with DuckDB(2, "1GB", tmp_path / "scratch", Store(str(lake))).session() as session:
        yield session


def test_what_is_in_the_lake_can_be_read(session: DuckDBSession, tmp_path: Path) -> None:
    found = session.query(f"FROM read_csv({literal(str(tmp_path / 'lake' / 'secret.csv'))})")
    assert found.to_pylist() == [{"word": "sesame"}]


@pytest.mark.parametrize("statement", OUTSIDE)
def test_what_lies_outside_cannot(session: DuckDBSession, tmp_path: Path, statement: str) -> None:
    secret = session.query("SELECT 'a Python object that SQL must not see' AS word")
    assert secret.num_rows == 1
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EngineError):
        session.query(statement.format(home=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("statement", SETTINGS)
def test_no_setting_can_be_changed(session: DuckDBSession, statement: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="configuration has been locked"):
        session.connection.execute(statement)


def test_every_instant_is_shown_in_utc(session: DuckDBSession) -> None:
    (row,) = session.query("SELECT '2013-01-01T05:00:00Z'::TIMESTAMPTZ::TEXT AS at").to_pylist()
    assert row["at"] == "2013-01-01 05:00:00+00"


@pytest.mark.parametrize("name", ["plain", 'a"b', "a'b", "x; DROP TABLE y --", "ü", "select"])
def test_a_name_is_one_identifier_and_a_text_one_literal(session: DuckDBSession, name: str) -> None:
    found = session.query(f"SELECT {literal(name)} AS {identifier(name)}")
    assert found.to_pylist() == [{name: name}]

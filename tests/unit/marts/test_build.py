"""What dbt built is read from its file, whether or not dbt has let go of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments import Environment

from taxiway.marts import Build
from taxiway.marts.project import SCRATCH_FILE

RELATIONS = {"levels": "mart.levels"}


@contextmanager
def held(folder: Path, **options: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, open as dbt has it, with a mart."""
    credentials = DuckDBCredentials(database="marts", schema="main", path=str(folder / SCRATCH_FILE), **options)
    with Environment.initialize_db(credentials) as connection:
        connection.execute("CREATE SCHEMA mart")
        connection.execute("CREATE TABLE mart.levels AS SELECT 7 AS level")
        yield connection


def test_rows_are_read_though_dbt_still_holds_the_file(tmp_path: Path) -> None:
    with held(tmp_path) as dbt:
        assert Build(tmp_path, RELATIONS, ()).rows("levels").to_pylist() == [{"level": 7}]
        assert dbt.execute("FROM mart.levels").fetchall() == [(7,)]
    assert Build(tmp_path, RELATIONS, ()).rows("levels").to_pylist() == [{"level": 7}]

"""What dbt built is read from its file, whether or not dbt has let go of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments import Environment

from taxiway.errors import MartsFailed
from taxiway.marts import Build
from taxiway.marts.project import SCRATCH_FILE


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
        assert Build(tmp_path, ()).rows("levels").to_pylist() == [{"level": 7}]
        assert dbt.execute("FROM mart.levels").fetchall() == [(7,)]
    assert Build(tmp_path, ()).rows("levels").to_pylist() == [{"level": 7}]


def test_a_file_that_dbt_holds_in_another_way_is_told(tmp_path: Path) -> None:
    with (
        held(tmp_path, config_options={"default_order": "desc"}),
        pytest.raises(MartsFailed, match=r"cannot be read \(.*\); leave config_options out of dbt's profile"),
    ):
        Build(tmp_path, ()).rows("levels")

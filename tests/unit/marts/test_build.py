"""What dbt built is read from its file, whenever dbt lets go of it."""

from pathlib import Path
from threading import Timer

import duckdb
import pytest

from taxiway.errors import MartsFailed
from taxiway.marts import Build, build
from taxiway.marts.project import SCRATCH_FILE


def held(folder: Path) -> duckdb.DuckDBPyConnection:
    """The file, open to write as dbt has it."""
    connection = duckdb.connect(str(folder / SCRATCH_FILE))
    connection.execute("CREATE SCHEMA mart")
    connection.execute("CREATE TABLE mart.levels AS SELECT 7 AS level")
    return connection


def test_rows_are_read_once_dbt_has_let_go_of_the_file(tmp_path: Path) -> None:
    Timer(0.5, held(tmp_path).close).start()
    assert Build(tmp_path, ()).rows("levels").to_pylist() == [{"level": 7}]


def test_a_file_that_dbt_does_not_let_go_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_LET_GO_S", 0.2)
    with held(tmp_path), pytest.raises(MartsFailed, match=r"did not let go of .*; run again"):
        Build(tmp_path, ()).rows("levels")

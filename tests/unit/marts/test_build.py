"""What dbt built is read from its file, whether or not dbt has let go of it."""

from pathlib import Path

import duckdb

from taxiway.marts import Build
from taxiway.marts.project import SCRATCH_FILE


def test_rows_are_read_though_dbt_still_holds_the_file(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / SCRATCH_FILE), read_only=False, config={}) as dbt:
        dbt.execute("SET TimeZone = 'UTC'")
        dbt.execute("SET memory_limit = '1GB'")
        dbt.execute("CREATE SCHEMA mart")
        dbt.execute("CREATE TABLE mart.levels AS SELECT 7 AS level")
        assert Build(tmp_path, ()).rows("levels").to_pylist() == [{"level": 7}]
        assert dbt.execute("FROM mart.levels").fetchall() == [(7,)]
    assert Build(tmp_path, ()).rows("levels").to_pylist() == [{"level": 7}]

"""A frame of Spark is compared like any other."""

from pathlib import Path

import pytest
from tests.parity.conftest import EngineFor
from tests.working import contents, land, run_all, workspace

from taxiway.comparison import compare
from taxiway.engines.base import Reading
from taxiway.notebook import OpenLake


@pytest.mark.parametrize("kind", ["pyspark.sql", "pyspark.pandas"])
def test_a_frame_of_spark_is_equal_to_its_table(tmp_path: Path, engine_for: EngineFor, kind: str) -> None:
    place = workspace(tmp_path / "home")
    land(place, ["2013-01"])
    run_all(place, ["2013-01"])
    at = "feature/level_history"
    rows = contents(place.lake, at)
    with engine_for("spark", place.settings).session() as session:
        session.read("given", Reading(place.lake.open(place.project.table(at).address), rows.schema))
        frame = session.spark.table("given")
        if kind == "pyspark.pandas":
            frame = frame.pandas_api(index_col="gauge")
        found = compare(OpenLake(place.settings), frame, at, key=["gauge", "read_at"])
        fewer = compare(OpenLake(place.settings), session.spark.table("given").limit(7), at, key=["gauge", "read_at"])
    assert found.equal, found
    assert (fewer.given.rows, fewer.table.only_here) == (7, 217)

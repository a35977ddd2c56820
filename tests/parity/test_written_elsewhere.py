"""Tables that Spark wrote with features of its own: each engine reads the right rows or refuses; none reads wrong."""

from typing import Any

import pyarrow as pa
import pytest
from tests.parity.conftest import EngineFor
from tests.working import land, run, statuses

from taxiway.addresses import Address
from taxiway.engines import Engine, Reading
from taxiway.errors import LakeError
from taxiway.materialise import Workspace, materialise
from taxiway.testing.bits import differences

READINGS = Address("raw", "readings")
KEY = ["gauge", "read_at"]

ELSEWHERE = {
    "deletion vectors": (
        "ALTER TABLE {at} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "DELETE FROM {at} WHERE gauge = 'AAA' AND level_cm < 20",
    ),
    "column mapping": (
        "ALTER TABLE {at} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "ALTER TABLE {at} RENAME COLUMN level_cm TO height_cm",
        "ALTER TABLE {at} RENAME COLUMN height_cm TO level_cm",
        "UPDATE {at} SET level_cm = level_cm + 1 WHERE gauge = 'BBB'",
    ),
    "both": (
        "ALTER TABLE {at} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "ALTER TABLE {at} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "DELETE FROM {at} WHERE gauge = 'AAA' AND level_cm < 20",
        "UPDATE {at} SET level_cm = NULL WHERE gauge = 'BBB' AND level_cm > 120",
    ),
}


@pytest.mark.parametrize("feature", ELSEWHERE)
def test_what_was_written_elsewhere_reads_the_same(gauges: Workspace, engine_for: EngineFor, feature: str) -> None:
    land(gauges, ["2013-01", "2013-02"])
    for at in ("raw/gauges", "raw/readings"):
        run(gauges, at, None if at == "raw/gauges" else ["2013-01", "2013-02"])
    engines = {name: engine_for(name, gauges.settings) for name in ("duckdb", "spark")}
    spark: Any = engines["spark"]
    table = f"delta.`{gauges.lake.uri(READINGS)}`"
    for statement in ELSEWHERE[feature]:
        spark.started.sql(statement.format(at=table))
    schema = gauges.project.table("raw/readings").rules.schema
    expected = spark.started.sql(f"SELECT * FROM {table}").select(*schema.names).toArrow().cast(schema)
    assert 0 < expected.num_rows <= 448

    for engine in engines.values():
        assert differences(expected, read(gauges, engine, schema), KEY) == [], engine.name
    # None writes such a table.
    land(gauges, ["2013-01"], (b"Z,1", b"Z,2"))
    readings = gauges.project.table("raw/readings")
    for engine in engines.values():
        with pytest.raises(
            LakeError, match=r"raw/readings: another program gave the table .*which Taxiway does not wr"
        ):
            materialise(gauges, readings, ["2013-01"], engine, run="test")

    # What is computed from it is the same too, and so are the rows that are said to have been read.
    history = gauges.project.table("feature/level_history")
    months = ["2013-01", "2013-02"]
    made = materialise(gauges, history, months, engines["duckdb"], run="test")
    again = materialise(gauges, history, months, engines["spark"], run="test", force=True)
    assert statuses(made) == dict.fromkeys(months, "published")
    assert statuses(again) == dict.fromkeys(months, "unchanged")
    assert made.rows_read == again.rows_read


def read(place: Workspace, engine: Engine, schema: pa.Schema) -> pa.Table:
    with engine.session() as session:
        session.read("found", Reading(place.lake.open(READINGS), schema))
        return session.query("SELECT * FROM found").cast(schema)

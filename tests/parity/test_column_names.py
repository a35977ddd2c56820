"""Columns whose names mean something to SQL, to Delta or to the guard are columns like any other, on both engines."""

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from tests.parity.conftest import EngineFor
from tests.working import land, rows, run, with_table, workspace

from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.materialise import materialise
from taxiway.tables import Table
from taxiway.transforms import transform

NAMES = [
    *("rows", "partition", "rejected", "unreadable", "reasons", "delivered", "duplicated_keys", "hash", "problems"),
    *("rule_0", "order", "select", "group", "true", "null", "index", "columns", "Table", "filename", "rowid", "key"),
    *("file_row_number", "value", "month", "count", "filter", "schema", "published", "staged", "side", "x" * 128),
]
KEY = ["rows", "partition", "problems", "n"]
PARTITION = "interval"
OWN = table(grain="month", partition=PARTITION, tolerance=0.9, key_within_partition=True)

Named: Any = type(
    "Named",
    (Contract,),
    {
        "__annotations__": {**{f"c{n}": Text for n, _ in enumerate(NAMES)}, "n": Int64, "own": Text},
        "__doc__": "One row for each reading.",
        **{f"c{n}": column("A text", alias=name, str_matches="^[A-Z]+$") for n, name in enumerate(NAMES)},
        "n": column("A number", ge=2),
        "own": column("The month", alias=PARTITION),
        "Config": type("Config", (), {"unique": KEY, "metadata": OWN}),
    },
)


@transform
def named(raw_readings: ir.Table) -> ir.Table:
    """Each column the gauge."""
    t: Any = raw_readings
    return t.select(**dict.fromkeys(NAMES, t.gauge), n=t.source_row, **{PARTITION: t.month})


@transform
def twice(raw_readings: ir.Table) -> ir.Table:
    """Each row two times."""
    once: Any = named.function(raw_readings)
    return once.union(once, distinct=False)


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_names_are_columns_like_any_other(engine_for: EngineFor, tmp_path: Path, engine: str) -> None:
    made = Table("feature/named", Named, named)
    place = with_table(workspace(tmp_path / "home"), made)
    months = ["2013-01", "2013-02"]
    land(place, months)
    run(place, "raw/readings", months)
    on = engine_for(engine, place.settings)
    first = materialise(place, made, months, on, run="test").partitions
    assert [(result.status, result.rejected) for result in first] == [("published", 1), ("published", 1)]
    (again,) = materialise(place, made, ["2013-02"], on, run="test", force=True).partitions
    assert again.status == "unchanged"
    found = rows(place.lake, "feature/named")
    assert len(found) == 2 * 223
    assert {row[name] for row in found for name in NAMES} == {"AAA", "BBB"}
    assert len(rows(place.lake, "quarantine/feature__named")) == 2
    (refused,) = materialise(place, Table("feature/named", Named, twice), ["2013-01"], on, run="test").partitions
    assert refused.status == "refused"
    assert set(KEY) < set(refused.samples["key"].column_names)

"""Rows that a computed table rejects are kept in the same words by both engines, numbers and times among them."""

from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from tests.parity.conftest import EngineFor
from tests.working import contents, land, run, with_table, workspace

from taxiway.addresses import Address
from taxiway.contracts import Contract, Date, Float64, Instant, Int64, Text, column, table
from taxiway.materialise import Workspace, execute, materialise
from taxiway.tables import Table
from taxiway.testing.bits import differences
from taxiway.transforms import transform

KEPT = Address("quarantine", "feature__shares")
FLOATS = (0.1, 1e-7, 1e22, -0.0, 1 / 3, 123456789.125, float("nan"), float("inf"))


class Shares(Contract):
    """Readings with a share that none of them may have."""

    gauge: Text = column("The gauge")
    read_at: Instant = column("When it was read")
    day: Date = column("The day")
    share: Float64 = column("A share", unit="share", lt=-1e300)
    number: Int64 = column("A number", nullable=True)
    month: Text = column("The month")

    class Config:
        unique = ["gauge", "read_at"]
        metadata = table(grain="month", tolerance=1.0)


@transform
def shares(raw_readings: ir.Table) -> ir.Table:
    t: Any = raw_readings
    cases = [(t.source_row % len(FLOATS) == number, value) for number, value in enumerate(FLOATS[:-2])]
    chosen: Any = ibis.cases(*cases, else_=ibis.literal(FLOATS[-1]))
    number = ibis.ifelse(t.level_cm > 20, t.source_row, ibis.null("int64"))
    return t.select("gauge", "read_at", "month", day=t.read_at.date(), share=chosen, number=number)


@pytest.mark.parametrize("where", ["here", "in the engine"])
def test_rejected_rows_are_kept_in_the_same_words(
    engine_for: EngineFor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "in the engine":
        monkeypatch.setattr(execute, "FEW_REJECTED", 0)
    found = []
    for name in ("duckdb", "spark"):
        made = Table("feature/shares", Shares, shares)
        place: Workspace = with_table(workspace(tmp_path / name), made)
        land(place, ["2013-01"])
        run(place, "raw/readings", "2013-01")
        engine = engine_for(name, place.settings)
        (result,) = materialise(place, made, ["2013-01"], engine, run="test").partitions
        assert (result.status, result.rows, result.rejected) == ("published", 0, 224)
        found.append(contents(place.lake, KEPT))
    by_duckdb, by_spark = found
    assert differences(by_duckdb, by_spark, ["delivered"]) == []
    texts = by_duckdb["delivered"].to_pylist()
    assert any('"share":0.3333333333333333,' in text for text in texts)
    assert any('"share":"inf",' in text for text in texts)
    assert any('"read_at":"2013-01-01 06:00:00.000000Z","day":"2013-01-01",' in text for text in texts)
    assert any('"number":null' in text for text in texts)

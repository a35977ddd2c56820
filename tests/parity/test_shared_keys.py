"""A key that two partitions share is found on both engines, whatever types it is made of, staged or published."""

from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from tests.parity.conftest import ENGINES, EngineFor
from tests.parity.test_repeated_keys import ALONE, TWICE, Lots
from tests.working import land, run, with_table, workspace

from taxiway.contracts import (
    Contract,
    Int64,
    Text,
    column,
    compile_contract,
    key_columns,
    repeated_hashes,
    shared_keys,
    shares_a_key,
    table,
)
from taxiway.engines import Engine
from taxiway.materialise import materialise
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.compile import to_sql

CONTRACT = compile_contract(Lots)
STAGED = ibis.table(CONTRACT.ibis_schema, name="staged")
PUBLISHED = ibis.table({name: CONTRACT.ibis_schema[name] for name in key_columns(CONTRACT)}, name="published")


def in_month(rows: list[dict[str, Any]], month: str) -> list[dict[str, Any]]:
    return [row | {"month": month} for row in rows if row["month"] != "2013-02"]


@pytest.mark.parametrize("what", ["nothing", *TWICE])
def test_a_shared_key_is_found(engine: Engine, what: str) -> None:
    """Each kind of key, of which one row is staged in January and the other in February, or published in March."""
    one, other = TWICE.get(what, [None, None])
    alone = in_month(ALONE, "2013-01") if what == "nothing" else []
    january = [*alone, *([one] if one else [])]
    elsewhere = {"2013-02": False, "2013-03": True}
    february, march = ([other | {"month": month}] if other else [] for month in elsewhere)
    with engine.session() as session:
        session.load("staged", pa.Table.from_pylist([*january, *february], CONTRACT.schema))
        session.load("published", pa.Table.from_pylist(march, CONTRACT.schema).select(PUBLISHED.columns))

        def found(expression: Any) -> list[dict[str, Any]]:
            return session.query(to_sql(expression, session.dialect)).to_pylist()

        repeated = found(repeated_hashes(CONTRACT, STAGED))
        shared = found(shares_a_key(CONTRACT, STAGED, PUBLISHED))
        pairs = {
            (r["partition"], r["other"], r["is_published"], r["keys"])
            for r in found(shared_keys(CONTRACT, STAGED, PUBLISHED))
        }
    if what == "nothing":
        assert (repeated, shared, pairs) == ([], [], set())
    else:
        assert (len(repeated), len(shared)) == (1, 1)
        assert pairs == {
            ("2013-01", "2013-02", False, 1),
            ("2013-02", "2013-01", False, 1),
            ("2013-01", "2013-03", True, 1),
            ("2013-02", "2013-03", True, 1),
        }


class Numbered(Contract):
    """A reading with a number."""

    number: Int64 = column("Its number")
    gauge: Text = column("The gauge")
    month: Text = column("The month")

    class Config:
        unique = ["gauge", "number"]
        metadata = table(grain="month")


@transform
def numbered(raw_readings: Any) -> Any:
    return raw_readings.select("gauge", "month", number=raw_readings.source_row)


@transform
def numbered_by_month(raw_readings: Any) -> Any:
    later = ibis.ifelse(raw_readings.month == "2013-02", 1000, 0)
    return raw_readings.select("gauge", "month", number=raw_readings.source_row + later)


@pytest.mark.parametrize("name", ENGINES)
def test_a_run_refuses_what_is_published_of_another_month_and_far_fewer_rows(
    engine_for: EngineFor, tmp_path: Path, name: str
) -> None:
    at = "feature/numbered"
    place = with_table(workspace(tmp_path / "home", months=2), Table(at, Numbered, numbered))
    land(place)
    run(place, "raw/readings")
    engine = engine_for(name, place.settings)
    for months in (["2013-02"], ["2013-01"]):
        (result,) = materialise(place, place.project.table(at), months, engine, run="test").partitions
    assert "key (gauge, number): 224 also in 2013-02" in result.message
    assert result.samples["key"].to_pylist() == [
        {"gauge": "AAA", "number": number, "month": "2013-01", "also_in": "2013-02"} for number in (1, 3, 5, 7, 9)
    ]
    place = with_table(place, Table(at, Numbered, numbered_by_month))
    done = materialise(place, place.project.table(at), ["2013-01", "2013-02"], engine, run="test")
    assert done.refused == ()

    @transform
    def one(raw_readings: Any) -> Any:
        return raw_readings.filter(raw_readings.source_row == 1).select(
            "gauge", "month", number=raw_readings.source_row
        )

    place = with_table(place, Table(at, Numbered, one))
    done = materialise(place, place.project.table(at), ["2013-01"], engine, run="test", force=True)
    assert "volume: 1 row where 224 are published" in done.refused[0].message

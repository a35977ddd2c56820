"""What analysts write every day is of use: portable, or in a table bound to one engine; what varies is refused."""

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests import everyday

from taxiway.engines.duckdb import DuckDB
from taxiway.errors import EngineError
from taxiway.storage import Store
from taxiway.transforms.certificate import objections
from taxiway.transforms.compile import to_sql

# Of other rows these are an error of the engine.
DEFINED = {"square root": pc.field("x") >= 0, "field of JSON": pc.field("s") == '{"x": "y"}'}


@pytest.mark.parametrize("name", everyday.wanted("B"))
def test_it_is_of_use_in_a_table_that_is_bound_to_duckdb(tmp_path: Path, name: str) -> None:
    expression = everyday.expression(name)
    found = objections(expression, everyday.KEYS)
    assert found, "certified: what is written here as B is P"
    assert not [str(each) for each in found if each.varies]
    rows = everyday.rows_of_t()
    assert made(tmp_path, expression, rows.filter(DEFINED[name]) if name in DEFINED else rows).num_rows > 0


@pytest.mark.parametrize("name", DEFINED)
def test_what_is_not_defined_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(EngineError):
        made(tmp_path, everyday.expression(name), everyday.rows_of_t())


@pytest.mark.parametrize("name", everyday.wanted("N"))
def test_what_varies_is_refused_everywhere_with_what_to_write_instead(name: str) -> None:
    (found,) = objections(everyday.expression(name), everyday.KEYS)
    assert found.varies
    assert "write instead" in str(found)


def made(folder: Path, expression: ir.Table, rows: pa.Table) -> pa.Table:
    with DuckDB(2, "500MB", folder / "scratch", Store(str(folder / "lake"))).session() as session:
        session.load("t", rows)
        session.load("u", everyday.rows_of_u())
        return session.query(to_sql(expression, "duckdb"))

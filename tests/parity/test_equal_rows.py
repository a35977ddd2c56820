"""Each engine tells rows apart by every bit, in the one question that publishing asks: which rows are not the same."""

import ibis
import pyarrow as pa

from taxiway.engines import Engine
from taxiway.materialise.equality import SURPLUS, unequal_rows
from taxiway.transforms.compile import to_sql

SCHEMA = pa.schema([("row", pa.int64()), ("level", pa.float64()), ("levels", pa.list_(pa.float64()))])
NAN = float("nan")
SAME = [(1, NAN, [NAN, None]), (2, None, None), (3, -0.0, []), (3, -0.0, []), (4, 1.5, [-0.0])]
OTHER = [(5, 0.0, None), (6, None, [0.0]), (7, 2.0, None), (7, 2.0, None)]


def rows(of: list[tuple]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in of], SCHEMA)


def test_rows_are_the_same_only_to_the_bit_and_as_often(engine: Engine):
    changed = [(5, -0.0, None), (6, None, [-0.0]), (7, 2.0, None)]
    one, other = (ibis.table(ibis.Schema.from_pyarrow(SCHEMA), name=name) for name in ("one", "other"))
    with engine.session() as session:
        session.load("one", rows(SAME + OTHER))
        session.load("other", rows([*reversed(SAME), *changed]))
        found = session.query(to_sql(unequal_rows(one, other), session.dialect)).to_pylist()
    assert sorted((row["row"], row[SURPLUS]) for row in found) == [(5, -1), (5, 1), (6, -1), (6, 1), (7, 1)]

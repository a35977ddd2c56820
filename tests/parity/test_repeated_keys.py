"""A key that several rows have is found by its hash first, on both engines, whatever types it is made of."""

import struct
from datetime import UTC, date, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest

from taxiway.contracts import (
    Bool,
    Contract,
    Date,
    Float64,
    Instant,
    Int16,
    Int32,
    Int64,
    Text,
    column,
    compile_contract,
    key_audit,
    repeated_hashes,
    table,
)
from taxiway.engines import Engine
from taxiway.transforms.compile import to_sql

(OTHER_NAN,) = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000001))


class Lots(Contract):
    """A lot."""

    name: Text = column("Its name")
    number: Int16 = column("Its number")
    pieces: Int32 = column("Its pieces")
    serial: Int64 = column("Its serial number")
    share: Float64 = column("A share", unit="share", allow_nan=True)
    day: Date = column("A day")
    at: Instant = column("An instant")
    kept: Bool = column("Whether it is kept")
    month: Text = column("The month")

    class Config:
        unique = ["name", "number", "pieces", "serial", "share", "day", "at", "kept"]
        metadata = table(grain="month")


class LotsOfAMonth(Lots):
    """A lot, whose key contains its month."""

    class Config(Lots.Config):
        metadata = table(grain="month", key_within_partition=True)


def lot(**other: Any) -> dict[str, Any]:
    """A lot, with other values for some."""
    first = {"name": "a", "number": 1, "pieces": 1, "serial": 1, "share": 0.5, "day": date(2013, 1, 1), "kept": True}
    return first | {"at": datetime(2013, 1, 1, tzinfo=UTC), "month": "2013-01"} | other


ALONE = [
    lot(),
    *(lot(name=name) for name in ("", "A", "a ", "é", "e\u0301", "😀")),
    lot(number=-1),
    lot(pieces=-(2**31)),
    lot(serial=2**63 - 1),
    lot(share=0.25),
    lot(day=date(1960, 2, 29)),
    lot(at=datetime(2013, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    lot(kept=False),
    lot(month="2013-02"),
]
TWICE = {
    "a text": [lot(name="😀"), lot(name="😀")],
    "zeros": [lot(share=0.0), lot(share=-0.0)],
    "no numbers": [lot(share=float("nan")), lot(share=OTHER_NAN)],
    "everything": [lot(), lot()],
}


@pytest.mark.parametrize("what", ["nothing", *TWICE])
def test_a_repeated_key_has_a_repeated_hash(engine: Engine, what: str) -> None:
    contract = compile_contract(LotsOfAMonth)
    rows = [*ALONE, *TWICE.get(what, [])]
    staged = ibis.table(contract.ibis_schema, name="staged")
    with engine.session() as session:
        session.load("staged", pa.Table.from_pylist(rows, contract.schema))
        hashes = session.query(to_sql(repeated_hashes(contract, staged), session.dialect))
        keys = session.query(to_sql(key_audit(contract, staged), session.dialect))
    repeated = [] if what == "nothing" else [{"partition": "2013-01", "duplicated_keys": 1}]
    assert (hashes.num_rows, keys.to_pylist()) == (len(repeated), repeated)

"""Money, bytes, lists and records are kept to the last digit, from the delivered file to a mart's query."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.working import contents, rows, run, statuses, workspace

from taxiway.contracts import Arrow, Binary, Contract, Int64, Text, column, compile_contract, table
from taxiway.errors import DefinitionError
from taxiway.landing import CSV, Files, JSONLines, Parquet
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake
from taxiway.tables import Project, Table
from taxiway.transforms import transform

LINE = pa.struct([("sku", pa.string()), ("price", pa.decimal128(12, 2)), ("at", pa.timestamp("us", "UTC"))])
Amount = Annotated[Arrow, pa.decimal128(20, 2)]
Total = Annotated[Arrow, pa.decimal128(38, 2)]
Lines = Annotated[Arrow, pa.list_(LINE)]
Place = Annotated[Arrow, pa.struct([("days", pa.list_(pa.date32())), ("share", pa.float64())])]


class RawOrders(Contract):
    """One row for each order."""

    id: Int64 = column("Its number")
    amount: Amount = column("What it costs", unit="EUR", ge=0, le=Decimal("123456789012345678.99"))
    label: Binary = column("Its label", nullable=True)
    lines: Lines = column("What was ordered", nullable=True)
    place: Place = column("Where it goes", nullable=True)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")

    class Config:
        unique = ["id"]
        metadata = table(tolerance=0.9)


class Paid(Contract):
    """What all orders cost."""

    what: Text = column("Which orders")
    total: Total = column("What they cost", unit="EUR")

    class Config:
        unique = ["what"]
        metadata = table()


@transform
def raw_orders(landing_orders: ir.Table) -> ir.Table:
    return landing_orders


@transform
def whole(raw_orders: ir.Table) -> ir.Table:
    return raw_orders.group_by(what=raw_orders.source_file).aggregate(total=raw_orders.amount.sum())


AT = datetime(2013, 1, 31, 10, 0, 0, 250_000, UTC)
ORDERS: Sequence[dict[str, Any]] = (
    {
        "id": 1,
        "amount": Decimal("123456789012345678.90"),
        "label": b"\x00\xff",
        "lines": [{"sku": "A", "price": Decimal("0.10"), "at": AT}, None],
        "place": {"days": [date(2013, 1, 31), None], "share": 0.1},
    },
    {"id": 2, "amount": Decimal("0.05"), "label": None, "lines": [], "place": None},
    {"id": 3, "amount": Decimal("0.05"), "label": b"", "lines": None, "place": {"days": None, "share": None}},
)
BAD = {"id": 4, "amount": Decimal("-0.01"), "label": b"x", "lines": ORDERS[0]["lines"], "place": ORDERS[0]["place"]}
TOTAL = Decimal("123456789012345679.00")


def project(files: Files) -> Project:
    tables = (Table("raw/orders", RawOrders, raw_orders, files), Table("feature/paid", Paid, whole))
    return Project("orders", tables)


def in_parquet() -> bytes:
    written = pa.BufferOutputStream()
    types = {"id": pa.int64(), "amount": pa.decimal128(20, 2), "label": pa.binary()}
    others = {name: compile_contract(RawOrders).schema.field(name).type for name in ("lines", "place")}
    columns = [(name, dtype) for name, dtype in (types | others).items()]
    pq.write_table(pa.Table.from_pylist([*ORDERS, BAD], pa.schema(columns)), written)
    return written.getvalue().to_pybytes()


LINES = b"""\
{"id": 1, "amount": 123456789012345678.90, "label": "AP8=", "lines": [{"sku": "A", "price": 0.10, \
"at": "2013-01-31T10:00:00.25Z"}, null], "place": {"days": ["2013-01-31", null], "share": 0.1}}
{"id": 2, "amount": "0.05", "lines": []}
{"id": 3, "amount": 0.050, "label": "", "place": {}}
{"id": 4, "amount": -0.01}
{"id": 5, "amount": 0.055}
{"id": 6, "amount": 1e2}
"""


@pytest.mark.parametrize("how", ["JSON lines", "Parquet"])
def test_values_come_back_as_they_were_delivered(tmp_path: Path, how: str) -> None:
    files, data = (
        (JSONLines("orders.jsonl"), LINES) if how == "JSON lines" else (Parquet("orders.parquet"), in_parquet())
    )
    place = workspace(tmp_path, project(files))
    place.landing.deliver(files.name, data)
    assert statuses(run(place, "raw/orders")) == {"*": "published"}
    assert statuses(run(place, "raw/orders", force=True)) == {"*": "unchanged"}
    found = rows(place.lake, "raw/orders")
    assert [{name: row[name] for name in ORDERS[0]} for row in sorted(found, key=lambda row: row["id"])] == [*ORDERS]
    assert statuses(run(place, "feature/paid")) == {"*": "published"}
    assert [row["total"] for row in rows(place.lake, "feature/paid")] == [TOTAL]


def opened(place: Workspace) -> OpenLake:
    lake = OpenLake(place.settings)
    lake.__dict__["workspace"] = place
    return lake


def test_notebooks_and_sql_read_the_same_values(tmp_path: Path) -> None:
    place = workspace(tmp_path, project(Parquet("orders.parquet")))
    place.landing.deliver("orders.parquet", in_parquet())
    run(place, "raw/orders")
    lake = opened(place)
    read = lake.read("raw/orders").order("id").to_arrow_table()
    assert read.select(list(ORDERS[0])).to_pylist() == [*ORDERS]
    frame = read.to_pandas(types_mapper=Arrow)
    assert frame["amount"].sum() == TOTAL
    assert lake.sql("SELECT sum(amount) FROM raw.orders").fetchone() == (TOTAL,)
    assert lake.sql("SELECT lines[1].price FROM raw.orders WHERE id = 1").fetchone() == (Decimal("0.10"),)


def test_a_row_that_breaks_a_rule_is_kept_with_all_its_values(tmp_path: Path) -> None:
    place = workspace(tmp_path, project(Parquet("orders.parquet")))
    place.landing.deliver("orders.parquet", in_parquet())
    run(place, "raw/orders")
    (row,) = rows(place.lake, "quarantine/raw__orders")
    assert row["reasons"] == ["amount: must be >= 0"]
    kept = json.loads(row["delivered"])
    assert {name: kept[name] for name in BAD} == {
        "id": 4,
        "amount": "-0.01",
        "label": "eA==",
        "lines": [{"sku": "A", "price": "0.10", "at": "2013-01-31 10:00:00.250000Z"}, None],
        "place": {"days": ["2013-01-31", None], "share": 0.1},
    }


def test_of_a_decimal_no_digit_is_rounded_away(tmp_path: Path) -> None:
    place = workspace(tmp_path, project(JSONLines("orders.jsonl")))
    place.landing.deliver("orders.jsonl", LINES)
    run(place, "raw/orders")
    told = {row["source_row"]: row["reasons"] for row in rows(place.lake, "quarantine/raw__orders")}
    wanted = "is not a number of up to 20 digits, 2 of them after the point"
    assert told[5] == [f"amount: '0.055' {wanted}"]
    assert told[6] == [f"amount: '1e2' {wanted}"]


class RawPaid(Contract):
    """One row for each payment."""

    id: Int64 = column("Its number")
    amount: Amount = column("What was paid")

    class Config:
        unique = ["id"]
        metadata = table(tolerance=0.9)


@transform
def raw_paid(landing_paid: ir.Table) -> ir.Table:
    return landing_paid.drop("source_file", "source_row")


def test_csv_delivers_decimals_in_its_own_form(tmp_path: Path) -> None:
    files = CSV("paid.csv", delimiter=";", decimal=",", thousands=".")
    place = workspace(tmp_path, Project("paid", (Table("raw/paid", RawPaid, raw_paid, files),)))
    place.landing.deliver("paid.csv", b"id;amount\n1;123.456.789.012.345.678,90\n2;-0,5\n3;1,005\n4;0.5\n5;7\n")
    run(place, "raw/paid")
    assert {row["id"]: row["amount"] for row in rows(place.lake, "raw/paid")} == {
        1: Decimal("123456789012345678.90"),
        2: Decimal("-0.50"),
        5: Decimal("7.00"),
    }
    assert contents(place.lake, "raw/paid").schema.field("amount").type == pa.decimal128(20, 2)


REFUSED: dict[str, tuple[pa.DataType, str]] = {
    "time": (pa.time64("us"), "Delta has no times of day: Int64"),
    "clock": (pa.timestamp("us"), "Instant, and its zone as Text"),
    "nanoseconds": (pa.timestamp("ns", "UTC"), "in UTC and microseconds: Instant"),
    "duration": (pa.duration("s"), "Delta has no durations: Int64"),
    "float32": (pa.float32(), "Float64"),
    "unsigned": (pa.uint32(), "the next wider"),
    "negative scale": (pa.decimal128(10, -2), "up to 38 digits"),
    "map": (pa.map_(pa.string(), pa.int64()), "a list of structs"),
    "in a list": (pa.list_(pa.time64("us")), "Delta has no times of day"),
    "in a struct": (pa.struct([("n", pa.int8())]), "Int16"),
    "an empty struct": (pa.struct([]), "a struct with members"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_with_what_to_write_instead(case: str) -> None:
    dtype, instead = REFUSED[case]

    class Odd(Contract):
        """One row for each thing."""

        id: Int64 = column("Its number")
        what: Annotated[Arrow, dtype] = column("What it is")

        class Config:
            unique = ["id"]
            metadata = table()

    with pytest.raises(DefinitionError, match=f"column what has the type .*, which cannot be kept: write .*{instead}"):
        compile_contract(Odd)


def test_a_list_or_bytes_are_no_part_of_a_key() -> None:
    class Odd(Contract):
        """One row for each label."""

        label: Binary = column("Its label")

        class Config:
            unique = ["label"]
            metadata = table()

    with pytest.raises(DefinitionError, match="label is binary and cannot be part of the key"):
        compile_contract(Odd)

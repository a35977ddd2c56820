"""A table that somebody else writes is checked, pinned at a version, read at that, and never written."""

import os
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pydantic import SecretStr
from tests.working import rows, run, statuses, workspace

from taxiway.connectors import External
from taxiway.contracts import Arrow, Contract, Int64, Text, column, table
from taxiway.errors import DefinitionError, LakeError
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake
from taxiway.tables import Project, Table
from taxiway.transforms import transform

AT, SUMS = "external/orders", "feature/sums"
Amount = Annotated[Arrow, pa.decimal128(12, 2)]
Total = Annotated[Arrow, pa.decimal128(38, 2)]


class Orders(Contract):
    """One row for each order, as the shop writes it."""

    id: Int64 = column("Its number")
    shop: Text = column("Which shop", isin=["A", "B"])
    amount: Amount = column("What it costs", ge=0)

    class Config:
        unique = ["id"]
        metadata = table()


class Sums(Contract):
    """One row for each shop."""

    shop: Text = column("Which shop")
    total: Total = column("What its orders cost")

    class Config:
        unique = ["shop"]
        metadata = table()


@transform
def sums(external_orders: ir.Table) -> ir.Table:
    return external_orders.group_by("shop").aggregate(total=external_orders.amount.sum())


def orders(*amounts: str, shop: str = "A", first: int = 1) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(range(first, first + len(amounts)), pa.int32()),
            "shop": pa.array([shop] * len(amounts)),
            "amount": pa.array(map(Decimal, amounts), pa.decimal128(12, 2)),
            "more": pa.array([0.5] * len(amounts)),
        }
    )


class Shop:
    """What somebody else does in a place of theirs."""

    def __init__(self, folder: Path, form: str) -> None:
        self.folder, self.form = folder, form

    def write(self, table: pa.Table) -> None:
        if self.form == "delta":
            write_deltalake(self.folder, table, mode="append")
        else:
            self.folder.mkdir(exist_ok=True)
            pq.write_table(table, self.folder / f"{len(list(self.folder.iterdir()))}.parquet")

    def content(self) -> dict[str, bytes]:
        files = (Path(where) / name for where, _, names in os.walk(self.folder) for name in names)
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}


@pytest.fixture(params=["delta", "parquet"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    found = Shop(tmp_path / "shop", request.param)
    found.write(orders("0.10", "0.20"))
    return found


@pytest.fixture
def place(shop: Shop, tmp_path: Path) -> Workspace:
    return with_shop(tmp_path, shop)


def with_shop(tmp_path: Path, shop: Shop) -> Workspace:
    external: Any = External("shop", format=shop.form, connection="shops")  # pyright: ignore[reportArgumentType]
    tables = (Table(AT, Orders, external=external), Table(SUMS, Sums, sums))
    return workspace(tmp_path / "home", Project("shop", tables), connections={"shops": SecretStr(str(tmp_path))})


def total(place: Workspace) -> list[tuple[str, Decimal]]:
    return [(row["shop"], row["total"]) for row in rows(place.lake, SUMS)]


def opened(place: Workspace) -> OpenLake:
    lake = OpenLake(place.settings)
    lake.__dict__["workspace"] = place
    return lake


def test_it_is_checked_and_read_and_never_written(place: Workspace, shop: Shop) -> None:
    before = shop.content()
    outcome = run(place, AT)
    assert (statuses(outcome), outcome.partitions[0].rows) == ({"*": "published"}, 2)
    assert statuses(run(place, AT)) == {"*": "skipped"}
    assert statuses(run(place, SUMS)) == {"*": "published"}
    assert total(place) == [("A", Decimal("0.30"))]
    assert opened(place).sql("SELECT sum(amount), count(*) FROM external.orders").fetchone() == (Decimal("0.30"), 2)
    assert opened(place).read(AT).columns == ["id", "shop", "amount"]
    assert shop.content() == before


def test_what_reads_it_reads_the_version_that_was_checked(place: Workspace, shop: Shop) -> None:
    run(place, AT)
    shop.write(orders("1.00", first=3))
    if shop.form == "delta":
        run(place, SUMS)
        assert total(place) == [("A", Decimal("0.30"))]
    else:
        with pytest.raises(LakeError, match="are others than those that were checked"):
            run(place, SUMS)
    assert statuses(run(place, AT)) == {"*": "published"}
    assert statuses(run(place, SUMS)) == {"*": "published"}
    assert total(place) == [("A", Decimal("1.30"))]


def test_what_breaks_its_contract_is_not_pinned(place: Workspace, shop: Shop) -> None:
    run(place, AT)
    shop.write(orders("1.00", shop="C", first=3))
    (result,) = run(place, AT).partitions
    assert result.status == "refused"
    assert "1 of 3 rows rejected, 0 tolerated; shop: must be one of 'A', 'B' (1 row)" in result.message
    if shop.form == "delta":
        run(place, SUMS)
        assert total(place) == [("A", Decimal("0.30"))]


def test_columns_of_another_type_are_told(tmp_path: Path) -> None:
    table = orders("1.00").set_column(2, "amount", pa.array([1.0])).drop_columns("shop")
    write_deltalake(tmp_path / "shop", table)
    tables = (Table(AT, Orders, external=External(str(tmp_path / "shop"))),)
    place = workspace(tmp_path / "home", Project("shop", tables))
    (result,) = run(place, AT).partitions
    told = "breaks its contract: column shop is missing; column amount is double and must be decimal128(12, 2)"
    assert (result.status, told in result.message) == ("refused", True)


def test_where_nothing_is_or_its_version_is_gone_that_is_told(place: Workspace, shop: Shop) -> None:
    run(place, AT)
    for name in shop.content():
        (shop.folder / name).unlink()
    (result,) = run(place, AT).partitions
    assert (result.status, "there is no " in result.message) == ("refused", True)
    with pytest.raises(LakeError, match="external/orders"):
        run(place, SUMS)


@pytest.mark.parametrize("shop", ["delta"], indirect=True)
def test_a_version_of_delta_is_there_until_its_owner_removes_it(place: Workspace, shop: Shop) -> None:
    run(place, AT)
    write_deltalake(shop.folder, orders("5.00"), mode="overwrite")
    run(place, SUMS)
    assert total(place) == [("A", Decimal("0.30"))]
    DeltaTable(shop.folder).vacuum(0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(LakeError, match="taxiway run external/orders"):
        run(place, SUMS, force=True)


def test_what_could_not_be_only_read_is_refused() -> None:
    with pytest.raises(DefinitionError, match="write a whole path"):
        External("orders")
    with pytest.raises(DefinitionError, match="write the path below the connection 'shops'"):
        External("/orders", connection="shops")
    with pytest.raises(DefinitionError, match="leave out its transform, files and source"):
        Table(AT, Orders, sums, external=External("/orders"))

    class Tolerant(Contract):
        """One row for each order."""

        id: Int64 = column("Its number")

        class Config:
            unique = ["id"]
            metadata = table(tolerance=0.5)

    with pytest.raises(DefinitionError, match="right as a whole or not at all"):
        Table(AT, Tolerant, external=External("/orders"))


def test_a_table_that_was_made_anew_at_the_same_version_is_checked_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", "delta")
    shop.write(orders("0.10"))
    place = with_shop(tmp_path, shop)
    run(place, AT)
    shutil.rmtree(shop.folder)
    shop.write(orders("-1.00"))
    with pytest.raises(
        LakeError, match="was made anew since it was checked; .* taxiway run external/orders"
    ):
        run(place, SUMS)
    assert statuses(run(place, AT)) == {"*": "refused"}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"amount": pa.array([1.239999])}, r"1.parquet in .* column amount is double and must be decimal128\(12, 2\)"),
        ({"amount": None}, "1.parquet in .* column amount is missing"),
    ],
)
def test_each_file_has_the_columns_of_the_contract(tmp_path: Path, other: dict[str, Any], told: str) -> None:
    shop = Shop(tmp_path / "shop", "parquet")
    shop.write(orders("0.10"))
    second = {"id": pa.array([2], pa.int32()), "shop": pa.array(["A"])} | other
    shop.write(pa.table({name: values for name, values in second.items() if values is not None}))
    outcome = run(with_shop(tmp_path, shop), AT)
    assert statuses(outcome) == {"*": "refused"}
    assert re.search(told, outcome.partitions[0].message)


def test_numbers_may_be_wider_in_a_later_file(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", "parquet")
    shop.write(orders("0.10"))
    wide = orders("0.20", first=2)
    shop.write(wide.set_column(0, "id", pa.array([2**40], pa.int64())))
    place = with_shop(tmp_path, shop)
    assert statuses(run(place, AT)) == {"*": "published"}
    assert sorted(opened(place).read(AT).fetch_arrow_table()["id"].to_pylist()) == [1, 2**40]

"""A key holds over the whole table: no two published partitions have one, in whatever order and range they are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from tests.working import rows, run, statuses, with_table, workspace

from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.engines.duckdb import DuckDBSession
from taxiway.errors import PublishConflict
from taxiway.landing import CSV
from taxiway.materialise import Workspace
from taxiway.tables import Project, Table
from taxiway.transforms import transform

RAW, ORDERS = "raw/orders", "feature/orders"


class RawOrders(Contract):
    """An order as delivered, by its place in the file."""

    id: Int64 = column("The order", nullable=True)
    amount: Int64 = column("Its amount", unit="cents", nullable=True)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it")
    month: Text = column("The month")

    class Config:
        unique = ["source_file", "source_row"]
        metadata = table(grain="month", key_within_partition=True)


def contract(*key: str, **options: Any) -> type[Contract]:
    class Orders(Contract):
        """An order."""

        id: Int64 = column("The order")
        amount: Int64 = column("Its amount", unit="cents", ge=0)
        month: Text = column("The month")

        class Config:
            unique = list(key)
            metadata = table(grain="month", tolerance=1.0, **options)

    return Orders


MONTHLY = contract("id", key_within_partition=True)
NUMBERED = contract("month", "id")


@transform
def raw_orders(landing_orders: ir.Table) -> ir.Table:
    return landing_orders.mutate(month=landing_orders["_partition"])


@transform
def orders(raw_orders: ir.Table) -> ir.Table:
    return raw_orders.select("id", "amount", "month")


PROJECT = Project(
    "orders",
    (
        Table(RAW, RawOrders, raw_orders, CSV("orders-{month}.csv")),
        Table(ORDERS, contract("id"), orders),
    ),
)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", PROJECT)


def deliver(place: Workspace, **months: Sequence[int] | Mapping[int, int]) -> list[str]:
    """Land and read orders by month (`jan=[1, 2]`): ids, or the amount by id; returns the months."""
    names = {"jan": "2013-01", "feb": "2013-02", "mar": "2013-03"}
    keys = [names[name] for name in months]
    for key, ids in zip(keys, months.values(), strict=True):
        amounts = ids if isinstance(ids, Mapping) else dict.fromkeys(ids, 5)
        lines = "".join(f"{number},{amount}\n" for number, amount in amounts.items())
        place.landing.deliver(f"orders-{key}.csv", f"id,amount\n{lines}".encode())
    assert run(place, RAW, keys, accept_fewer=True).refused == ()
    return keys


def published(place: Workspace) -> dict[str, list[int]]:
    """The published ids by month."""
    found: dict[str, list[int]] = {}
    for row in rows(place.lake, ORDERS):
        found.setdefault(row["month"], []).append(row["id"])
    return {month: sorted(ids) for month, ids in found.items()}


@pytest.mark.parametrize("first", ["2013-01", "2013-02"])
def test_the_partition_that_comes_second_is_refused(place: Workspace, first: str) -> None:
    months = deliver(place, jan=[1, 2, 3], feb=[3, 4, 5])
    (second,) = set(months) - {first}
    assert statuses(run(place, ORDERS, [first])) == {first: "published"}
    (refused,) = run(place, ORDERS, [second]).partitions
    assert refused.status == "refused"
    assert refused.message == (
        f"{ORDERS}: {second} not published: 0 of 3 rows rejected, 3 tolerated; key (id): 1 also in {first}"
        f"; see all its rows: taxiway quarantine {ORDERS} --refused --partition {second}"
    )
    assert refused.samples["key"].to_pylist() == [{"id": 3, "month": second, "also_in": first}]
    assert published(place).keys() == {first}


def test_in_a_range_the_later_one_is_refused_and_the_others_are_published(place: Workspace) -> None:
    months = deliver(place, jan=[1, 2, 3], feb=[3, 4, 5], mar=[5, 6])
    outcome = run(place, ORDERS, months)
    assert statuses(outcome) == {"2013-01": "published", "2013-02": "refused", "2013-03": "published"}
    assert "key (id): 1 also in 2013-01" in outcome.refused[0].message
    assert published(place) == {"2013-01": [1, 2, 3], "2013-03": [5, 6]}


def test_what_is_published_stays_where_an_earlier_month_of_the_run_has_its_key(place: Workspace) -> None:
    deliver(place, feb=[3, 4])
    run(place, ORDERS, ["2013-02"])
    months = deliver(place, jan=[1, 2, 3], feb=[3, 4, 5])
    for force in (False, True):
        outcome = run(place, ORDERS, months, force=force)
        assert statuses(outcome)["2013-01"] == "refused"
        assert "key (id): 1 also in 2013-02" in outcome.refused[0].message
    assert published(place) == {"2013-02": [3, 4, 5]}


def test_a_key_may_move_to_another_month_where_both_are_made_again_in_one_run(place: Workspace) -> None:
    run(place, ORDERS, deliver(place, jan=[1, 2], feb=[3, 4]))
    months = deliver(place, jan=[1, 2, 3], feb=[4, 5])
    assert set(statuses(run(place, ORDERS, months)).values()) == {"published"}
    assert published(place) == {"2013-01": [1, 2, 3], "2013-02": [4, 5]}


def test_a_month_that_is_refused_for_another_reason_still_holds_its_published_keys(place: Workspace) -> None:
    run(place, ORDERS, deliver(place, jan=[1, 2], feb=[3, 4]))
    months = deliver(place, jan=[1, 2, 3], feb={9: -1})
    outcome = run(place, ORDERS, months)
    assert statuses(outcome) == {"2013-01": "refused", "2013-02": "refused"}
    assert "key (id): 1 also in 2013-02" in outcome.partitions[0].message
    assert published(place) == {"2013-01": [1, 2], "2013-02": [3, 4]}
    assert set(statuses(run(place, ORDERS, months, accept_fewer=True)).values()) == {"published"}


def test_rows_that_are_rejected_have_no_key(place: Workspace) -> None:
    months = deliver(place, jan={1: 5, 2: -1, 3: 5}, feb={1: -1, 2: 5, 4: 5})
    for keys in (months[:1], months[1:], months):
        assert run(place, ORDERS, keys, force=True).refused == ()
    assert published(place) == {"2013-01": [1, 3], "2013-02": [2, 4]}


@pytest.mark.parametrize("declared", [MONTHLY, NUMBERED])
def test_a_key_within_its_partition_is_looked_for_there_alone(place: Workspace, declared: type[Contract]) -> None:
    place = with_table(place, replace(PROJECT.table(ORDERS), contract=declared))
    months = deliver(place, jan=[1, 2], feb=[1, 3])
    assert run(place, ORDERS, months[:1]).refused == ()
    assert run(place, ORDERS, months).refused == ()
    assert published(place) == {"2013-01": [1, 2], "2013-02": [1, 3]}


def test_a_contract_that_is_made_stricter_is_held_against_what_is_published(place: Workspace) -> None:
    loose = with_table(place, replace(PROJECT.table(ORDERS), contract=MONTHLY))
    months = deliver(place, jan=[1, 2], feb=[1, 3])
    run(loose, ORDERS, months)
    assert statuses(run(place, ORDERS, months)) == {"2013-01": "refused", "2013-02": "refused"}
    assert set(statuses(run(place, ORDERS, months, rebuild=True)).values()) == {"refused"}


def test_a_rebuild_is_held_against_itself_alone(place: Workspace) -> None:
    loose = with_table(place, replace(PROJECT.table(ORDERS), contract=MONTHLY))
    run(loose, ORDERS, deliver(place, jan=[1, 2], feb=[1, 3]))
    months = deliver(place, jan=[1, 2], feb=[3, 4])
    assert set(statuses(run(place, ORDERS, months, rebuild=True)).values()) == {"published"}
    assert published(place) == {"2013-01": [1, 2], "2013-02": [3, 4]}


def test_at_most_five_keys_are_shown_of_each_month(place: Workspace) -> None:
    months = deliver(place, jan=range(20), feb=range(10, 30), mar=range(12, 40))
    outcome = run(place, ORDERS, months)
    february, march = outcome.refused
    assert "key (id): 10 also in 2013-01" in february.message
    assert [row["id"] for row in february.samples["key"].to_pylist()] == [10, 11, 12, 13, 14]
    assert [(row["id"], row["also_in"]) for row in march.samples["key"].to_pylist()] == [
        (number, "2013-01") for number in range(12, 17)
    ]


def test_a_key_twice_in_a_month_and_in_another_one(place: Workspace) -> None:
    deliver(place, jan=[1, 2])
    run(place, ORDERS, ["2013-01"])
    place.landing.deliver("orders-2013-02.csv", b"id,amount\n2,5\n3,5\n3,5\n")
    run(place, RAW, ["2013-02"])
    (refused,) = run(place, ORDERS, ["2013-02"]).partitions
    assert "key (id): 1 more than once" in refused.message
    assert published(place) == {"2013-01": [1, 2]}


def test_month_by_month_and_in_a_range_give_the_same_table(tmp_path: Path) -> None:
    found = []
    for name in ("single", "range"):
        place = workspace(tmp_path / name, PROJECT)
        months = deliver(place, jan=[1, 2, 3], feb=[3, 4, 5], mar=[1, 5, 6])
        for keys in [[month] for month in months] if name == "single" else [months]:
            run(place, ORDERS, keys)
        found.append(published(place))
    assert found == [{"2013-01": [1, 2, 3]}] * 2


def meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Another run between the look at the keys and the commit of the next one."""
    write = DuckDBSession.write

    def late(session: DuckDBSession, *given: Any) -> None:
        monkeypatch.setattr(DuckDBSession, "write", write)
        other()
        write(session, *given)

    monkeypatch.setattr(DuckDBSession, "write", late)


@pytest.mark.parametrize("first", [[], ["2013-03"]], ids=["new table", "published table"])
def test_two_runs_with_other_months_and_other_keys_are_both_published(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, first: list[str]
) -> None:
    months = deliver(place, jan=[1, 2], feb=[3, 4], mar=[9])
    run(place, ORDERS, first)
    meanwhile(monkeypatch, lambda: run(place, ORDERS, ["2013-02"]))
    assert statuses(run(place, ORDERS, ["2013-01"])) == {"2013-01": "published"}
    assert statuses(run(place, ORDERS, months[:2])) == {"2013-01": "skipped", "2013-02": "skipped"}
    assert published(place) == {"2013-01": [1, 2], "2013-02": [3, 4]} | {month: [9] for month in first}


@pytest.mark.parametrize("first", [[], ["2013-03"]], ids=["new table", "published table"])
def test_a_month_that_another_run_publishes_meanwhile_is_not_passed_over(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, first: list[str]
) -> None:
    months = deliver(place, jan=[1, 2], feb=[2, 3], mar=[9])
    run(place, ORDERS, first)
    meanwhile(monkeypatch, lambda: run(place, ORDERS, ["2013-02"]))
    with pytest.raises(PublishConflict, match="keys were looked at before, while this one computed"):
        run(place, ORDERS, ["2013-01"])
    assert statuses(run(place, ORDERS, months[:2])) == {"2013-01": "refused", "2013-02": "skipped"}
    assert published(place)["2013-02"] == [2, 3]

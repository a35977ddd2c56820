"""Two writers at once, in every order that their storage operations can have: what comes is what one after the other
gives, or one of them is refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement, count, islice
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.lake.stepping import SteppingStore, every_order, some_orders
from tests.working import SOAK, publish, write_rows

from taxiway.addresses import Address
from taxiway.errors import LakeError, PublishConflict
from taxiway.lake import Batch, Lake, PartitionState, Provenance, Publication
from taxiway.lake import upkeep as of_table
from taxiway.lake.upkeep import remove_leftovers, remove_old_versions
from taxiway.lake.writers import register
from taxiway.storage import Store

AT = "feature/levels"
ADDRESS = Address.parse(AT)
ORDERS = 8
# Two that both remove many files can do so in more orders than anybody has time for.
MOST_ORDERS = 1000

Contents = dict[str, list[int]]


def month(key: str, *levels: int) -> pa.Table:
    return pa.table({"month": [key] * len(levels), "level": pa.array(levels, pa.int64())})


def contents(lake: Lake, version: int | None = None) -> Contents:
    """The rows of a table, of the files that its log names and no others."""
    snapshot = lake.find(ADDRESS, version)
    found: Contents = {}
    for file in snapshot.files if snapshot is not None else ():
        rows = pq.read_table(pa.BufferReader(lake.table(ADDRESS).read(file.path)))
        found.setdefault(file.partition, []).extend(rows["level"].to_pylist())
    return {key: sorted(levels) for key, levels in found.items()}


def publication(lake: Lake, name: str, key: str, rows: int) -> Publication:
    state = PartitionState(name, "code", {}, rows)
    return Publication(ADDRESS, Provenance(name, "run", "test", {}, {key: state}), lake.find(ADDRESS), "month")


def replaces(name: str, key: str, *levels: int) -> Callable[[Lake], Any]:
    def work(lake: Lake) -> None:
        rows = month(key, *levels)
        write = partial(write_rows, lake.store, rows, "month")
        lake.publish(publication(lake, name, key, rows.num_rows), rows.schema, write)

    return work


def compacts(lake: Lake) -> None:
    base = lake.open(ADDRESS)
    small = of_table.small_files(base)
    if not small:
        return
    files = tuple(file for found in small.values() for file in found)

    def write(folder: str) -> None:
        levels = [pq.read_table(pa.BufferReader(lake.table(ADDRESS).read(f.path))) for f in files]
        rows = pa.concat_tables(levels)
        rows = rows.append_column("month", pa.array([files[0].partition] * rows.num_rows))
        write_rows(lake.store, rows, "month", folder)

    provenance = Provenance("compacts", "run", "test", {}, {})
    lake.publish(Publication(ADDRESS, provenance, base, "month", compacts=files), base.schema, write)


def streams(lake: Lake) -> None:
    """Append the first stretch of a stream."""
    rows, name = month("2013-02", 6), uuid4().hex
    batch = Batch("stream", None, 1)
    added = replace(publication(lake, name, "2013-02", rows.num_rows), appends=batch)
    lake.publish(added, rows.schema, partial(write_rows, lake.store, rows, "month"))


WORKS: dict[str, Callable[[Lake], Any]] = {
    "a month": replaces("january", "2013-01", 7),
    "the month again": replaces("again", "2013-01", 8, 9),
    "another month": replaces("february", "2013-02", 5),
    "a stretch of a stream": streams,
    "restore": lambda lake: lake.restore(ADDRESS, 0, run="test"),
    "compaction": compacts,
    "vacuum": lambda lake: remove_old_versions(lake, ADDRESS, timedelta(0)),
    "upkeep": lambda lake: remove_leftovers(lake, ADDRESS),
}


@pytest.fixture
def make(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Store]:
    """Makes copies of a table with three versions: the first two of January, then small files of it; and what a writer
    left that is gone. Every writer counts as gone as soon as it has registered."""
    monkeypatch.setattr(of_table, "GONE_AFTER", timedelta(seconds=-60))
    monkeypatch.setattr(of_table, "MANY_FILES", 2)
    template = Lake(store.below("template"))
    publish(template, AT, month("2013-01", 1), ["2013-01"])
    publish(template, AT, month("2013-01", 2), ["2013-01"], template.open(ADDRESS))
    append(template, month("2013-01", 3))
    register(template.table(ADDRESS), "left")
    template.table(ADDRESS).write("left/month=2013-01/0.parquet", b"half")
    numbers = count()
    files = list(template.store.files())

    def copy() -> Store:
        copied = store.below(f"copy-{next(numbers)}")
        if store.is_folder:
            shutil.copytree(template.store.uri, copied.uri)
        else:
            for file in files:
                copied.write(file.path, template.store.read(file.path))
        return copied

    return copy


def append(lake: Lake, rows: pa.Table) -> None:
    from deltalake import DeltaTable, write_deltalake

    write_deltalake(DeltaTable(lake.uri(ADDRESS), storage_options=lake.store.delta_options), rows, mode="append")


def one_after_the_other(make: Callable[[], Store], names: tuple[str, ...]) -> Contents:
    lake = Lake(make())
    for name in names:
        try:
            WORKS[name](lake)
        except LakeError:
            continue
    return contents(lake)


@pytest.mark.parametrize("names", combinations_with_replacement(WORKS, 2), ids=" and ".join)
def test_in_every_order_the_result_is_one_of_the_serial_ones(make: Callable[[], Store], names: tuple[str, str]) -> None:
    serial = [one_after_the_other(make, order) for order in (names, names[::-1])]
    alone = [one_after_the_other(make, (name,)) for name in names]
    works = [partial(_in_a_lake, WORKS[name]) for name in names]
    tried = 0
    orders = islice(every_order(make, works), MOST_ORDERS) if SOAK else some_orders(make, works, ORDERS)
    for order, store, results in orders:
        tried += 1
        for error in filter(None, results):
            assert not isinstance(error, Exception) or isinstance(error, LakeError), f"{order}: {error!r}"
        refused = [isinstance(result, LakeError) for result in results]
        found = contents(Lake(store))
        if any(refused):
            at_least = [done for done, is_refused in zip(alone, refused, strict=True) if not is_refused]
            expected = at_least or [one_after_the_other(make, ())]
        else:
            expected = serial
        assert found in expected, f"{order}: {results}"
    assert tried >= (2 if SOAK else ORDERS)


@pytest.mark.parametrize("names", [("a month", "the month again"), ("a month", "another month")], ids=" and ".join)
def test_two_that_make_a_table_in_every_order(store: Store, names: tuple[str, str]) -> None:
    numbers = count()
    make = lambda: store.below(f"copy-{next(numbers)}")  # noqa: E731
    alone = [one_after_the_other(make, (name,)) for name in names]
    works = [partial(_in_a_lake, WORKS[name]) for name in names]
    orders = islice(every_order(make, works), MOST_ORDERS) if SOAK else some_orders(make, works, 40)
    for order, stored, results in orders:
        refused = [isinstance(result, LakeError) for result in results]
        assert all(result is None or isinstance(result, PublishConflict) for result in results), f"{order}: {results}"
        assert refused.count(True) <= 1, f"{order}: {results}"
        found = contents(Lake(stored))
        if any(refused):
            assert found == alone[refused.index(False)], f"{order}: {results}"
        else:
            # Of the same month the other one came after the first was there.
            assert found in [one_after_the_other(make, order) for order in (names, names[::-1])], f"{order}: {results}"


def _in_a_lake(work: Callable[[Lake], Any], store: SteppingStore) -> Any:
    return work(Lake(store))

"""A lake is one deployment's: others read it and change nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from tests.working import publish

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake import Lake, owner
from taxiway.storage import Store

AT = Address("feature", "levels")
ROWS = pa.table({"month": ["2013-01"], "level": [1]})


def add(lake: Lake) -> None:
    publish(lake, str(AT), ROWS, ["2013-01"], lake.find(AT))


CHANGES: dict[str, Callable[[Lake], Any]] = {
    "publish": add,
    "restore": lambda lake: lake.restore(AT, 0, run="test"),
    "drop": lambda lake: lake.drop(AT),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_deployment_reads_and_changes_nothing(store: Store, change: str) -> None:
    add(Lake(store, "staging"))
    other = Lake(store, "production")
    before = sorted(file.path for file in store.files())
    assert other.open(AT).version == 0
    with pytest.raises(LakeError, match="is of deployment 'staging', and this is 'production', which may read it"):
        CHANGES[change](other)
    assert sorted(file.path for file in store.files()) == before
    add(Lake(store, "staging"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_is_of_one_project_and_others_read_it(store: Store, change: str) -> None:
    add(Lake(store, "local", "shop"))
    other = Lake(store, "local", "rivers")
    assert other.open(AT).version == 0
    with pytest.raises(LakeError, match=r"feature/levels in the lake .* is a table of the project 'shop'"):
        CHANGES[change](other)
    assert other.own_tables() == ()
    publish(other, "feature/floods", ROWS, ["2013-01"])
    assert other.own_tables() == (Address("feature", "floods"),)
    with pytest.raises(LakeError, match="feature/levels"):
        other.see_that_it_is_ours(AT.quarantine)


def test_a_name_is_free_once_its_table_is_dropped(store: Store) -> None:
    mine = Lake(store, "local", "shop")
    add(mine)
    publish(mine, str(AT.quarantine), ROWS, ["2013-01"])
    mine.drop(AT.quarantine)
    with pytest.raises(LakeError, match="'shop'"):
        add(Lake(store, "local", "rivers"))
    mine.drop(AT)
    add(Lake(store, "local", "rivers"))


def test_a_lake_that_does_not_say_whose_its_tables_are_is_taken_by_local_alone(store: Store) -> None:
    """As one of before there was a file that says so, which may be another deployment's."""
    add(Lake(store))
    with pytest.raises(LakeError, match="has tables, and nothing says whose they are; where they are of 'staging'"):
        add(Lake(store, "staging"))
    assert store.find(owner.FILE) is None
    store.write(owner.FILE, b"staging\n")
    add(Lake(store, "staging"))
    with pytest.raises(LakeError, match="is of deployment 'staging'"):
        add(Lake(store, "local"))


def test_local_takes_a_lake_with_tables(store: Store) -> None:
    add(Lake(store))
    add(Lake(store, "local"))
    assert owner.owner(store) == "local"


def test_of_two_that_come_at_once_one_owns_it(store: Store) -> None:
    lakes = [Lake(store, name) for name in ("staging", "production", "qa", "local")]

    def claim(lake: Lake) -> bool:
        try:
            lake.see_that_it_is_ours()
        except LakeError:
            return False
        return True

    with ThreadPoolExecutor(len(lakes)) as pool:
        assert list(pool.map(claim, lakes)).count(True) == 1

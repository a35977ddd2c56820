"""A lake is one deployment's: others read it and change nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from tests.working import publish

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake import Lake
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

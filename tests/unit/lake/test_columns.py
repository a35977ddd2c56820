"""A new column that may be null widens a table; every other change is refused with the command that rebuilds it."""

from pathlib import Path

import pyarrow as pa
import pytest
from tests.working import publish, rows

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake import Lake
from taxiway.lake.schema import new_columns, same_type
from taxiway.storage import Store

AT = "feature/levels"
ADDRESS = Address.parse(AT)
BEFORE = pa.table({"month": ["2013-01"], "level": pa.array([1], pa.int32()), "note": ["x"]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(Store(str(tmp_path)))
    publish(lake, AT, BEFORE, ["2013-01"])
    return lake


def test_a_new_column_is_null_in_the_months_before(lake: Lake) -> None:
    after = pa.table({"month": ["2013-02"], "height": [2.5], "note": ["y"], "level": pa.array([2], pa.int32())})
    publish(lake, AT, after, ["2013-02"], lake.open(ADDRESS))
    assert sorted((row["month"], row["level"], row["note"], row["height"]) for row in rows(lake, AT)) == [
        ("2013-01", 1, "x", None),
        ("2013-02", 2, "y", 2.5),
    ]


CHANGES = {
    "removed": (BEFORE.drop_columns("note"), "note is gone"),
    "renamed": (BEFORE.rename_columns(["month", "level", "remark"]), "note is gone"),
    "retyped": (
        BEFORE.set_column(1, "level", pa.array([1], pa.int64())),
        "level was int32 and is now int64",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_other_change_is_refused_and_can_be_rebuilt(lake: Lake, change: str) -> None:
    after, told = CHANGES[change]
    with pytest.raises(LakeError, match=f"{told}.*taxiway run feature/levels --rebuild"):
        publish(lake, AT, after, ["2013-01"], lake.open(ADDRESS))
    assert rows(lake, AT) == BEFORE.to_pylist()
    publish(lake, AT, after, ["2013-01"], lake.open(ADDRESS), rebuild=True)
    assert rows(lake, AT) == after.to_pylist()
    assert lake.open(ADDRESS).schema.names == after.schema.names
    assert rows(lake, AT, version=0) == BEFORE.to_pylist()


def test_a_new_column_that_may_not_be_null_is_refused() -> None:
    declared = BEFORE.schema.append(pa.field("height", pa.float64()))
    assert new_columns(ADDRESS, BEFORE.schema, declared) == ("height",)
    with pytest.raises(LakeError, match="height is new and may not be null"):
        new_columns(ADDRESS, BEFORE.schema, declared, mandatory=["level", "height"])


def test_the_names_of_list_items_do_not_matter() -> None:
    one, other = pa.list_(pa.field("item", pa.string())), pa.list_(pa.field("element", pa.string()))
    assert same_type(one, other)
    assert not same_type(one, pa.list_(pa.int32()))
    assert not same_type(pa.timestamp("us", "UTC"), pa.timestamp("us"))

"""Equal rows make no commit: rows are compared as a bag, to the bit, null and NaN too, partition by partition."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxiway.addresses import Address
from taxiway.engines.duckdb import DuckDB
from taxiway.lake import Lake, PartitionState
from taxiway.materialise.publish import Rows, publish_changes
from taxiway.storage import Store

SCHEMA = pa.schema(
    [
        ("month", pa.string()),
        ("level", pa.float64()),
        ("levels", pa.list_(pa.float64())),
        ("notes", pa.list_(pa.string())),
    ]
)
ORIGIN = {"run": "test", "engine": "test", "libraries": {}}
MONTHS = ["2013-01", "2013-02"]

a_row = st.fixed_dictionaries(
    {
        "month": st.sampled_from(MONTHS),
        "level": st.sampled_from([None, float("nan"), 0.0, -0.0, 1.5]),
        "levels": st.sampled_from([None, [], [0.0], [-0.0], [0.0, None]]),
        "notes": st.sampled_from([None, [], ["a"], ["a", None]]),
    }
)
some_rows = st.lists(a_row, max_size=6)


@settings(max_examples=15)
@given(some_rows, some_rows)
def test_just_the_months_whose_bag_of_rows_differs_are_published(before: list[dict], after: list[dict]) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        lake = Lake(Store(str(place / "lake")))
        publish(lake, place, before)
        changed = publish(lake, place, after)
        assert changed == {month: bag(before, month) != bag(after, month) for month in MONTHS}


@pytest.mark.parametrize("column", ["level", "levels"])
def test_the_sign_of_zero_is_a_bit_like_any_other(tmp_path: Path, column: str) -> None:
    lake = Lake(Store(str(tmp_path / "lake")))
    zero, minus = (0.0, -0.0) if column == "level" else ([0.0], [-0.0])
    rows = [{"month": "2013-01", column: zero}, {"month": "2013-02", column: minus}]
    publish(lake, tmp_path, rows)
    assert publish(lake, tmp_path, rows) == dict.fromkeys(MONTHS, False)
    assert publish(lake, tmp_path, [{**row, column: minus} for row in rows]) == {"2013-01": True, "2013-02": False}


def publish(lake: Lake, place: Path, rows: list[dict]) -> dict[str, bool]:
    """Publish both months; whether each made a commit."""
    address = Address("feature", "levels")
    staged = Rows(address, SCHEMA, "month", ibis.table(ibis.Schema.from_pyarrow(SCHEMA), name="staged"))
    counted = Counter(row["month"] for row in rows)
    states = {month: PartitionState("", "code", {}, counted[month]) for month in MONTHS}
    with DuckDB(1, "200MB", place / "scratch", lake.store).session() as session:
        session.load("staged", pa.Table.from_pylist(rows, SCHEMA))
        return dict(publish_changes(lake, session, staged, states, ORIGIN, base=lake.find(address)).changed)


def bag(rows: list[dict], month: str) -> Counter[str]:
    # The order of a row's columns is none of its values.
    return Counter(repr(sorted(row.items())) for row in rows if row["month"] == month)

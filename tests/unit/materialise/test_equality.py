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


BEFORE = [1.5, 1.5, -3e8, 1e-12, 0.0, None, float("inf")]


@pytest.mark.parametrize(
    ("after", "is_news"),
    [
        ([1.5 + 2e-16 * 4, 1.5, -3e8 - 1e-7, 1e-12 + 1e-25, 0.0, None, float("inf")], False),
        (list(reversed(BEFORE)), False),
        ([1.5 + 1e-7, *BEFORE[1:]], True),
        ([*BEFORE[:3], 1.1e-12, *BEFORE[4:]], True),
        ([*BEFORE[:4], 1e-12, *BEFORE[5:]], True),
        ([*BEFORE[:5], 0.0, BEFORE[6]], True),
        ([*BEFORE[:6], 1e308], True),
        (BEFORE[1:], True),
        ([*BEFORE, 1.5], True),
    ],
)
def test_the_last_digits_of_floats_are_no_news_within_a_tolerance(
    tmp_path: Path, after: list[float | None], *, is_news: bool
) -> None:
    lake = Lake(Store(str(tmp_path / "lake")))
    publish(lake, tmp_path, leveled(BEFORE), float_tolerance=1e-9)
    changed = publish(lake, tmp_path, leveled(after), float_tolerance=1e-9)
    assert changed == {"2013-01": is_news, "2013-02": False}


def test_what_is_no_float_is_compared_to_the_bit_whatever_the_tolerance(tmp_path: Path) -> None:
    lake = Lake(Store(str(tmp_path / "lake")))
    publish(lake, tmp_path, leveled([1.5], notes=["a"]), float_tolerance=0.5)
    changed = publish(lake, tmp_path, leveled([1.5], notes=["b"]), float_tolerance=0.5)
    assert changed["2013-01"]


def leveled(levels: list[float | None], notes: list[str] | None = None) -> list[dict]:
    return [{"month": "2013-01", "level": level, "notes": notes} for level in levels]


def publish(lake: Lake, place: Path, rows: list[dict], float_tolerance: float = 0.0) -> dict[str, bool]:
    """Publish both months; whether each made a commit."""
    address = Address("feature", "levels")
    staged = Rows(address, SCHEMA, "month", ibis.table(ibis.Schema.from_pyarrow(SCHEMA), name="staged"))
    counted = Counter(row["month"] for row in rows)
    states = {month: PartitionState("", "code", {}, counted[month]) for month in MONTHS}
    with DuckDB(1, "200MB", place / "scratch", lake.store).session() as session:
        session.load("staged", pa.Table.from_pylist(rows, SCHEMA))
        base = lake.find(address)
        published = publish_changes(lake, session, staged, states, ORIGIN, base=base, float_tolerance=float_tolerance)
        return dict(published.changed)


def bag(rows: list[dict], month: str) -> Counter[str]:
    # The order of a row's columns is none of its values.
    return Counter(repr(sorted(row.items())) for row in rows if row["month"] == month)

from datetime import datetime, timedelta

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from tests.unit.transforms.moments import START, by_id, events, tables

from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library.buckets import bucket_counts

LONG_AGO = START.replace(year=1969)


@transform
def hourly(rows: ir.Table, width_min: int = 60) -> ir.Table:
    return bucket_counts(rows, by=["group"], at="at", width_min=width_min, keep=["id"])


def bucket(instant: datetime, width: timedelta) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=instant.tzinfo)) // width


@pytest.mark.parametrize("width_min", [60, 45])
@settings(max_examples=40)
@given(rows=tables)
@example(rows=events([]))
@example(rows=events([("a", LONG_AGO, 1), ("a", LONG_AGO + timedelta(minutes=59), 1)]))
def test_counts_equal_a_count_by_hand(rows: pa.Table, width_min: int):
    width = timedelta(minutes=width_min)
    placed = [row for row in rows.to_pylist() if row["at"] is not None]
    expected = {}
    for row in placed:
        others = [bucket(one["at"], width) for one in placed if one["group"] == row["group"]]
        own = bucket(row["at"], width)
        expected[row["id"]] = {"same": others.count(own), "previous": others.count(own - 1)}
    assert by_id(run_transform(hourly, {"rows": rows}, {"width_min": width_min})) == expected

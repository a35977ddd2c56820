"""Tables of events and queries for the tests of building blocks: few keys and instants, so that ties are common."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

START = datetime(2013, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = pa.timestamp("us", "UTC")

# Half hours for ties and window edges, and a microsecond on either side of them.
instants = st.one_of(
    st.none(),
    st.builds(
        lambda halves, micros: START + halves * HOUR / 2 + timedelta(microseconds=micros),
        st.integers(0, 12),
        st.sampled_from([0, 0, 0, -1, 1]),
    ),
)
groups = st.sampled_from(["a", "b", None])
amounts = st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1))


def events(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of group, instant and amount, numbered."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pa.table(
        {
            "id": pa.array([f"{number:03d}" for number in range(len(rows))], pa.string()),
            "group": pa.array(columns[0], pa.string()),
            "at": pa.array(columns[1], INSTANT),
            "amount": pa.array(columns[2], pa.int32()),
        }
    )


def by_id(table: pa.Table) -> dict[str, dict[str, Any]]:
    """The rows by their number, which each has once."""
    rows = table.to_pylist()
    found = {row.pop("id"): row for row in rows}
    assert len(found) == len(rows)
    return found


tables = st.lists(st.tuples(groups, instants, amounts), max_size=30).map(events)

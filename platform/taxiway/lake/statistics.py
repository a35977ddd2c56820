"""What a table's log says of the instants in its files: their bounds by partition, without reading a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from taxiway.lake.snapshot import Snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Delta keeps bounds in milliseconds: the greatest may be up to one of them less than it is.
_CUT_OFF_US = 999


@dataclass(frozen=True)
class TimeBounds:
    """The instants of a column in a partition, in microseconds since 1970, None where it has none; and whether some
    row has no value."""

    earliest_us: int | None
    latest_us: int | None
    has_nulls: bool


def time_bounds(snapshot: Snapshot, column: str) -> Mapping[str, TimeBounds] | None:
    """The bounds of a column of instants in every partition that has files, None where a file's are not known."""
    if not snapshot.plain_files():
        return None
    found: dict[str, TimeBounds] = {}
    for file in snapshot.state.files:
        told = file.statistics
        rows, nulls = told.get("numRecords"), told.get("nullCount", {}).get(column)
        low, high = told.get("minValues", {}).get(column), told.get("maxValues", {}).get(column)
        if rows is None or nulls is None or (nulls < rows and (low is None or high is None)):
            return None
        own = TimeBounds(_microseconds(low), _microseconds(high, _CUT_OFF_US), nulls > 0)
        found[file.partition] = _of_both(found[file.partition], own) if file.partition in found else own
    return found


def _microseconds(value: Any, more: int = 0) -> int | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) + more


def _of_both(one: TimeBounds, other: TimeBounds) -> TimeBounds:
    low = [bound for bound in (one.earliest_us, other.earliest_us) if bound is not None]
    high = [bound for bound in (one.latest_us, other.latest_us) if bound is not None]
    return TimeBounds(min(low, default=None), max(high, default=None), one.has_nulls or other.has_nulls)

"""What a table's log says of the instants in its files: their bounds by partition, without reading a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from taxiway.lake.provenance import WHOLE
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
    actions = snapshot.add_actions
    if not snapshot.plain_files() or not {f"null_count.{column}", "num_records"} <= set(actions.column_names):
        return None
    names = {"rows": "num_records", "nulls": f"null_count.{column}", "low": f"min.{column}", "high": f"max.{column}"}
    if snapshot.partition_column:
        names["key"] = f"partition.{snapshot.partition_column}"
    present = [name for name in names.values() if name in actions.column_names]
    found: dict[str, TimeBounds] = {}
    for file in actions.select(present).to_pylist():
        rows, nulls, low, high = (file.get(names[name]) for name in ("rows", "nulls", "low", "high"))
        if rows is None or nulls is None or (nulls < rows and (low is None or high is None)):
            return None
        own = TimeBounds(_microseconds(low), _microseconds(high, _CUT_OFF_US), nulls > 0)
        key = file[names["key"]] if snapshot.partition_column else WHOLE
        found[key] = _of_both(found[key], own) if key in found else own
    return found


def _microseconds(value: Any, more: int = 0) -> int | None:
    if value is None:
        return None
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) + more


def _of_both(one: TimeBounds, other: TimeBounds) -> TimeBounds:
    low = [bound for bound in (one.earliest_us, other.earliest_us) if bound is not None]
    high = [bound for bound in (one.latest_us, other.latest_us) if bound is not None]
    return TimeBounds(min(low, default=None), max(high, default=None), one.has_nulls or other.has_nulls)

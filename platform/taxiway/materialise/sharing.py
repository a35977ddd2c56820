"""Which partitions of a table are computed in one query: all, where that is the same as one at a time."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from taxiway.engines import Reading
from taxiway.lake.statistics import TimeBounds, time_bounds
from taxiway.materialise.plan import Plan
from taxiway.transforms.independence import TimeWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond every instant, in microseconds since 1970.
_EVER = 2**63


def shared_queries(
    plan: Plan, alone: Mapping[str, Mapping[str, Reading]], together: Mapping[str, Reading]
) -> list[tuple[str, ...]]:
    """The partitions of each query, in order: all in one where no row can see what its partition alone would not read.

    `alone` holds what each partition reads of every input by itself, `together` what one query of them all would.
    """
    keys = tuple(alone)
    known = plan.compiled.independence
    if len(keys) < 2 or known is None:
        return [keys]
    fits = not known.reason and all(_stays_within(window, alone, together) for window in known.windows)
    return [keys] if fits else [(key,) for key in keys]


def _stays_within(
    window: TimeWindow, alone: Mapping[str, Mapping[str, Reading]], together: Mapping[str, Reading]
) -> bool:
    """Whether in every partition the window holds no event that the partition alone would not read."""
    events, asked = (_bounds(together[of.relation], of.name) for of in (window.events, window.asked))
    if events is None or asked is None or (window.nulls and sum(bounds.has_nulls for bounds in events.values()) > 1):
        return False
    others = _Others(events)
    for key, readings in alone.items():
        bounds = asked.get(key)
        if bounds is None or bounds.earliest_us is None or bounds.latest_us is None:
            continue
        first, last = window.of(bounds.earliest_us, bounds.latest_us)
        reading = readings[window.events.relation]
        if reading.since is not None and (
            window.events.name not in reading.since_columns or first < _microseconds(reading.since)
        ):
            return False
        if others.latest_before(reading.partitions or (), key) >= first:
            return False
        if others.earliest_after(reading.partitions or (), key) <= last:
            return False
    return True


class _Others:
    """The bounds of what lies in the partitions before and after those that one reads, which are consecutive."""

    def __init__(self, events: Mapping[str, TimeBounds]) -> None:
        self._keys = sorted(events)
        latest = [-_EVER if (of := events[key].latest_us) is None else of for key in self._keys]
        earliest = [_EVER if (of := events[key].earliest_us) is None else of for key in self._keys]
        self._latest = [-_EVER, *accumulate(latest, max)]
        self._earliest = [*reversed(list(accumulate(reversed(earliest), min))), _EVER]

    def latest_before(self, read: Sequence[str], key: str) -> int:
        return self._latest[bisect_left(self._keys, min(read, default=key))]

    def earliest_after(self, read: Sequence[str], key: str) -> int:
        return self._earliest[bisect_right(self._keys, max(read)) if read else bisect_left(self._keys, key)]


def _bounds(reading: Reading, column: str) -> Mapping[str, TimeBounds] | None:
    if reading.snapshot is None:
        return {}
    found = time_bounds(reading.snapshot, column)
    if found is None or reading.partitions is None:
        return found
    return {key: bounds for key, bounds in found.items() if key in reading.partitions}


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)

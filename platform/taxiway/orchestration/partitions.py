"""Grains and reach in Dagster's terms."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import dagster as dg

from taxiway.calendar import Calendar, Grain
from taxiway.calendar.keys import SHORTEST
from taxiway.materialise.plan import lookback
from taxiway.orchestration.quiet import quiet
from taxiway.tables import Table
from taxiway.transforms import History, Reach, Whole

_CRON: Mapping[Grain, str] = MappingProxyType(
    {"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}
)
# Dagster, too, adds the offset to an hour that is shown a second time. A week it reads by one of its days only.
_FORMATS: Mapping[Grain, str] = MappingProxyType(
    {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V-%u", "month": "%Y-%m"}
)


def partitions_of(calendar: Calendar, table: Table) -> dg.TimeWindowPartitionsDefinition | None:
    """The definition that all tables of a grain share, so that they can share a run; None for one without partitions.

    It has what lies in the calendar as a whole and is over.
    """
    return _definition(calendar, table.grain) if table.grain is not None else None


@lru_cache(maxsize=64)
def _definition(calendar: Calendar, grain: Grain) -> dg.TimeWindowPartitionsDefinition:
    clock, bounds = ZoneInfo(calendar.zone), calendar.bounds
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule=_CRON[grain],
        fmt=_FORMATS[grain],
        start=bounds.start.astimezone(clock),
        end=bounds.end.astimezone(clock) if calendar.end is not None else None,
        timezone=calendar.zone,
    )


def mapping(calendar: Calendar, table: Table, source: Table, reach: Reach | None) -> dg.PartitionMapping | None:
    """Which partitions of `source` one of `table` depends on; None for Dagster's default, the same one or all.

    It covers all that is read, for which the lookback is rounded up to whole partitions of `table`, by the shortest
    that there are. A partition that is asked for because of more than it reads is skipped.
    """
    if table.grain is None or source.grain is None or (reach is None and table.grain == source.grain):
        return None
    if isinstance(reach, Whole):
        return dg.AllPartitionMapping()
    back = -(-lookback(source, reach) // SHORTEST[table.grain])
    if isinstance(reach, History):
        spans = calendar.looked_at.end - calendar.bounds.start
        back = len(calendar.keys(table.grain)) if calendar.end is not None else spans // SHORTEST[table.grain]
    with quiet("allow_nonexistent_upstream_partitions"):
        return dg.TimeWindowPartitionMapping(
            start_offset=-back,
            end_offset=-1 if isinstance(reach, History) and not reach.own else 0,
            allow_nonexistent_upstream_partitions=True,
        )

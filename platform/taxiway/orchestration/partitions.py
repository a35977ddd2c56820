"""Months and reach in Dagster's terms."""

import dagster as dg

from taxiway.materialise.plan import months_back_of
from taxiway.orchestration.quiet import quiet
from taxiway.partitions import Months
from taxiway.tables import Table
from taxiway.transforms import History, Lookback, Reach


def monthly(months: Months) -> dg.MonthlyPartitionsDefinition:
    """The one definition of months that all partitioned assets of a project share, so that they can share a run."""
    return dg.MonthlyPartitionsDefinition(
        start_date=months.first, end_date=months.end, fmt="%Y-%m", timezone=months.zone
    )


def mapping(months: Months, table: Table, source: Table, reach: Reach | None) -> dg.PartitionMapping | None:
    """Which partitions of `source` one of `table` depends on; None for Dagster's default, the same one or all."""
    if not (table.monthly and source.monthly) or reach is None:
        return None
    if isinstance(reach, History):
        return _earlier_months(len(months.keys()), own=reach.own)
    if isinstance(reach, Lookback):
        return _earlier_months(months_back_of(source, reach))
    return dg.AllPartitionMapping()


def _earlier_months(back: int, *, own: bool = True) -> dg.TimeWindowPartitionMapping:
    with quiet("allow_nonexistent_upstream_partitions"):
        return dg.TimeWindowPartitionMapping(
            start_offset=-back, end_offset=0 if own else -1, allow_nonexistent_upstream_partitions=True
        )

"""A small Dagster for tests: the gauges with a mart, a landing zone, an instance, and what the daemon does with it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import ibis.expr.types as ir
import pyarrow as pa
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from tests.gauges import project as gauges
from tests.gauges.project import RiverMonth, deliveries, river_month

from taxiway.calendar import Calendar
from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.orchestration.sensors import LANDING_SENSOR
from taxiway.orchestration.table_asset import RANGE_END_TAG, RANGE_START_TAG
from taxiway.settings import load_settings
from taxiway.tables import Project, Table
from taxiway.transforms import History, arrow_transform, transform


class Readings(Contract):
    """One row for each month: how many readings there were before it."""

    month: Text = column("The month")
    readings: Int64 = column("Readings of earlier months", ge=0)

    class Config:
        """One row a month."""

        unique = ["month"]
        metadata = table(grain="month")


@transform(reach={"raw_readings": History()})
def earlier(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.select("gauge")


@arrow_transform(prepare=earlier)
def experience(rows: pa.Table, partition: str = "") -> pa.Table:
    return pa.table({"month": [partition], "readings": [rows.num_rows]})


PROJECT = Project(
    gauges.name,
    (
        *gauges.tables,
        Table("model/experience", Readings, experience),
        Table("mart/river_month", RiverMonth, river_month),
    ),
    deliveries,
)

Requested = Mapping[str, Sequence[str | None]]


def key(at: str) -> dg.AssetKey:
    return dg.AssetKey(at.split("/"))


@dataclass
class World:
    """`look` and `tick` do what the daemon does with the two sensors, and carry out what they ask for."""

    home: Path
    settle_seconds: float = 0.0
    fresh_hours: float = 26.0
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    looked: str | None = None
    ticked: Any = None

    def __post_init__(self) -> None:
        settings = load_settings(
            home=self.home,
            zone="UTC",
            project="tests.gauges.project:project",
            first="2013-01",
            end="2013-07",
            settle_seconds=self.settle_seconds,
            fresh_hours=self.fresh_hours,
            parameters={},  # the deployment has those of the flights
        )
        self.workspace = Workspace(PROJECT, settings)
        self.defs = build_definitions(PROJECT, settings, workspace=self.workspace)

    def land(self, *months: str, gauges: bool = True) -> None:
        for name, data in deliveries(months):
            if gauges or name != "gauges.csv":
                self.workspace.landing.deliver(name, data)

    def correct(self, month: str, old: bytes = b"", new: bytes = b"") -> None:
        """Deliver a month with a change, by default one other level."""
        _, (name, data) = deliveries([month])
        level = f"{month}-05T06:00:00Z,".encode()
        old, new = (old, new) if old else (level, level + b"1")
        assert old in data
        self.workspace.landing.deliver(name, data.replace(old, new))

    def age(self, name: str, hours: float) -> None:
        """Make a delivered file older."""
        path = Path(self.workspace.landing.address(name))
        then = path.stat().st_mtime - hours * 3600
        os.utime(path, (then, then))

    def look(self, *, run: bool = True) -> dg.SensorResult:
        """One tick of the landing sensor."""
        with dg.build_sensor_context(self.instance, self.looked, resources={"workspace": self.workspace}) as context:
            result = self.defs.get_repository_def().get_sensor_def(LANDING_SENSOR)(context)
        assert isinstance(result, dg.SensorResult)
        self.looked = result.cursor
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        for request in result.run_requests or () if run else ():
            self.run(request.asset_selection or (), partition=request.partition_key, tags=request.tags)
        return result

    def look_twice(self, *, run: bool = True) -> dg.SensorResult:
        """A file has to be unchanged between two looks."""
        self.look(run=run)
        return self.look(run=run)

    def tick(self, *, run: bool = True) -> Requested:
        """One tick of the automation sensor: the partitions it asks for, by table."""
        result = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.ticked)
        self.ticked = result.cursor
        asked = {table.at: sorted(result.get_requested_partitions(key(table.at)), key=str) for table in PROJECT.tables}
        for at, partitions in asked.items() if run else ():
            for months in stretches(self.workspace.calendar, partitions):
                self.run([key(at)], months=months)
        return {at: partitions for at, partitions in asked.items() if partitions}

    def run(
        self,
        keys: Iterable[dg.AssetKey],
        *,
        partition: str | None = None,
        months: tuple[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> bool:
        span = {RANGE_START_TAG: months[0], RANGE_END_TAG: months[1]} if months else {}
        result = self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=list(keys),
            partition_key=partition,
            tags={**span, **(tags or {})},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        return result.success

    def run_all(self, first: str, last: str) -> bool:
        """One run over a range of months, of everything."""
        return self.run([key(table.at) for table in PROJECT.tables], months=(first, last))

    def check(self, at: str, name: str) -> dg.AssetCheckEvaluation | None:
        """The last evaluation of a check."""
        record = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(key(at), name)]
        )
        found = next(iter(record.values()), None)
        if found is None or found.event is None or found.event.dagster_event is None:
            return None
        return found.event.dagster_event.asset_check_evaluation_data

    def stale(self) -> list[str]:
        """The table partitions that Dagster shows as stale."""
        resolver = CachingStaleStatusResolver(
            self.instance, self.defs.resolve_asset_graph(), LoadingContextForTest(self.instance)
        )
        months = self.workspace.settings.calendar.keys("month")
        return [
            f"{table.at} {partition}" if partition else table.at
            for table in PROJECT.tables
            for partition in (months if table.is_partitioned else [None])
            if resolver.get_status(key(table.at), partition) is StaleStatus.STALE
        ]

    def forget(self) -> None:
        """What a daemon with a lost cursor knows."""
        self.looked = None


def stretches(calendar: Calendar, partitions: Sequence[str | None]) -> list[tuple[str, str] | None]:
    """The first and last of each stretch of consecutive months; None for a table without months."""
    found: list[tuple[str, str] | None] = []
    for partition in partitions:
        last = found[-1] if found else None
        if partition is None:
            found.append(None)
        elif last and calendar.following(last[1]) == partition:
            found[-1] = (last[0], partition)
        else:
            found.append((partition, partition))
    return found


def asked(result: dg.SensorResult) -> list[tuple[list[str], str | None]]:
    """What a look asks for: tables, partition or range."""
    return [
        (
            ["/".join(each.path) for each in request.asset_selection or ()],
            request.partition_key or _range(request.tags),
        )
        for request in result.run_requests or ()
    ]


def _range(tags: Mapping[str, str]) -> str | None:
    return f"{tags[RANGE_START_TAG]} to {tags[RANGE_END_TAG]}" if RANGE_START_TAG in tags else None

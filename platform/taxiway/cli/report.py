"""What came of one or several runs: plain data, gathered from their events."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from taxiway.broken import BrokenTable
from taxiway.calendar import Calendar
from taxiway.landed_partitions import Incomplete
from taxiway.orchestration.run_events import RunEvent
from taxiway.tables import Project

_SECONDS = "seconds_"


@dataclass
class TableReport:
    """A table: what became of each of its partitions (`*` where it has none), and how many rows were read for that."""

    table: str
    step: str
    is_partitioned: bool
    partitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    rows_read: int = 0

    @property
    def rows(self) -> int:
        """The rows of these partitions that are in the table now."""
        return sum(partition.get("dagster/row_count") or 0 for partition in self.partitions.values())

    @property
    def rejected(self) -> int:
        """The rows of these partitions that are in quarantine."""
        return sum(partition.get("rejected_rows") or 0 for partition in self.partitions.values())

    def by_status(self) -> dict[str, list[str]]:
        """The partitions by what was done: published, unchanged, skipped."""
        found: dict[str, list[str]] = {}
        for key, partition in self.partitions.items():
            found.setdefault(str(partition["status"]), []).append(key)
        return found


@dataclass
class StepReport:
    """A step, which makes one table or several together: its seconds in all, and those of its work by phase."""

    step: str
    tables: list[TableReport] = field(default_factory=list)
    seconds: float = 0.0
    by_phase: dict[str, float] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        """Whether it makes several tables, none of which has seconds of its own."""
        return len(self.tables) > 1

    def as_data(self) -> dict[str, Any]:
        """Its seconds for machines."""
        phases = {name: round(value, 3) for name, value in self.by_phase.items()}
        return {"seconds": round(self.seconds, 3), "seconds_by_phase": phases}


class Report:
    """Gathers what is worth telling at the end."""

    def __init__(self, project: Project, calendar: Calendar, broken: Sequence[BrokenTable] = ()) -> None:
        """A report of nothing yet, but for the tables that were asked for and are broken."""
        self._project = project
        self.calendar = calendar
        self.broken = tuple(broken)
        self._began = time.perf_counter()
        self.tables: dict[str, TableReport] = {}
        self.steps: dict[str, StepReport] = {}
        self._costs_told: set[str] = set()
        self.failures: list[RunEvent] = []
        self.warnings: list[RunEvent] = []
        self.interrupted = False
        self.left: str | None = None
        self.asked: dict[str, set[str]] = {}
        self.incomplete: tuple[Incomplete, ...] = ()

    def ask(self, partitions: Mapping[str, Sequence[str]]) -> None:
        """Remember which partitions of each table were asked for."""
        for table, keys in partitions.items():
            self.asked.setdefault(table, set()).update(keys)

    def hear(self, event: RunEvent) -> None:
        """Take in an event of a run."""
        if event.kind == "started":
            self._costs_told.clear()
        elif event.kind == "partition":
            self._hear_partition(event)
        elif event.kind == "warning":
            self.warnings.append(event)
        elif event.kind == "left":
            self.left = event.step
        elif event.kind in ("finished", "failed", "interrupted"):
            if event.step in self.steps:
                self.steps[event.step].seconds += event.seconds
            self.interrupted |= event.kind == "interrupted"
            if event.kind == "failed":
                self.failures.append(event)

    def _hear_partition(self, event: RunEvent) -> None:
        step = self.steps.setdefault(event.step, StepReport(event.step))
        if event.table not in self.tables:
            divided = self._project.table(event.table).is_partitioned
            self.tables[event.table] = TableReport(event.table, event.step, divided)
            step.tables.append(self.tables[event.table])
        table = self.tables[event.table]
        table.partitions[event.partition or "*"] = event.metadata
        # Every partition tells what its table read in the step, and every table what the step took.
        if table.table not in self._costs_told:
            table.rows_read += event.metadata.get("rows_read", 0)
            if not self._costs_told:
                for name, value in event.metadata.items():
                    if name.startswith(_SECONDS):
                        phase = name.removeprefix(_SECONDS)
                        step.by_phase[phase] = step.by_phase.get(phase, 0.0) + value
        self._costs_told.add(table.table)

    def seconds_of(self, table: TableReport) -> float | None:
        """The seconds of the table's step; None where the step has not run, or makes others too."""
        step = self.steps.get(table.step)
        return step.seconds if step is not None and not step.shared else None

    @property
    def failed(self) -> bool:
        """Whether any step failed or did not come to its end, a table is broken, or one lacks what was asked for."""
        return bool(self.failures or self.broken or self.lacking()) or self.interrupted

    @property
    def seconds(self) -> float:
        """Since the report was begun."""
        return time.perf_counter() - self._began

    def has_made(self, table: str, partition: str) -> bool:
        """Whether a partition is up to date by the runs of this report."""
        return table in self.tables and partition in self.tables[table].partitions

    def missing(self) -> dict[str, list[str]]:
        """By table, the partitions that were asked for and are not up to date."""
        done = {name: set(table.partitions) for name, table in self.tables.items()}
        left = {name: sorted(keys - done.get(name, set())) for name, keys in self.asked.items()}
        return {name: keys for name, keys in left.items() if keys}

    def lacking(self) -> list[Incomplete]:
        """What was made without partitions of other tables that were asked for too."""
        missing = self.missing()
        return [each for each in self.incomplete if set(each.partitions) & set(missing.get(each.source, ()))]

    def finished(self) -> list[str]:
        """The tables that were asked for and are up to date."""
        missing = self.missing()
        return [name for name in self.asked if name not in missing]

    def as_data(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "succeeded": not self.failed,
            "interrupted": self.interrupted,
            "left_run": self.left,
            "seconds": round(self.seconds, 3),
            "tables": [
                {
                    "table": table.table,
                    "step": table.step,
                    **self._own_seconds(table),
                    "rows": table.rows,
                    "rows_read": table.rows_read,
                    "rejected": table.rejected,
                    "partitions": [
                        {
                            "partition": key,
                            "status": partition["status"],
                            "rows": partition.get("dagster/row_count"),
                            "rejected": partition.get("rejected_rows", 0),
                            "bytes": partition.get("bytes", 0),
                            "version": partition.get("delta_version"),
                        }
                        for key, partition in table.partitions.items()
                    ],
                }
                for table in self.tables.values()
            ],
            "steps": [
                {"step": step.step, "tables": [table.table for table in step.tables], **step.as_data()}
                for step in self.steps.values()
            ],
            "warnings": [
                {"table": w.table, "partition": w.partition or "*", "message": w.message} for w in self.warnings
            ],
            "failures": [{"step": f.step, "message": f.message, "samples": f.samples} for f in self.failures],
            "not_done": self.missing(),
            "incomplete": [asdict(each) for each in self.incomplete],
            "broken": [{"table": table.at, "problem": table.problem} for table in self.broken],
        }

    def _own_seconds(self, table: TableReport) -> dict[str, Any]:
        """The seconds of the table's step where it makes nothing else, null where that makes others too."""
        step = self.steps[table.step]
        return dict.fromkeys(step.as_data()) if step.shared else step.as_data()

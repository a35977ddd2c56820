"""What came of one or several runs: plain data, gathered from their events."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxiway.addresses import Address
from taxiway.orchestration.runs import RunEvent
from taxiway.tables import Project


@dataclass
class TableReport:
    """A table: what became of each of its partitions (`*` where it has none), and the seconds of its step.

    Of several tables that one step makes, the first has the seconds.
    """

    table: str
    step: str
    monthly: bool
    partitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float | None = None

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


class Report:
    """Gathers what is worth telling at the end."""

    def __init__(self, project: Project) -> None:
        """A report of nothing yet."""
        self._project = project
        self._began = time.perf_counter()
        self.tables: dict[str, TableReport] = {}
        self.failures: list[RunEvent] = []
        self.warnings: list[RunEvent] = []
        self.interrupted = False
        self.asked: dict[str, set[str]] = {}

    def ask(self, tables: Sequence[Address], months: Sequence[str]) -> None:
        """Remember what a run is for."""
        for address in tables:
            keys = set(months) if self._project.table(address).monthly else {"*"}
            self.asked.setdefault(str(address), set()).update(keys)

    def hear(self, event: RunEvent) -> None:
        """Take in an event of a run."""
        if event.kind == "partition":
            monthly = self._project.table(event.table).monthly
            table = self.tables.setdefault(event.table, TableReport(event.table, event.step, monthly))
            table.partitions[event.partition or "*"] = event.metadata
        elif event.kind == "warning":
            self.warnings.append(event)
        elif event.kind in ("finished", "failed", "interrupted"):
            for table in self.of_step(event.step)[:1]:
                table.seconds = (table.seconds or 0.0) + event.seconds
            self.interrupted |= event.kind == "interrupted"
            if event.kind == "failed":
                self.failures.append(event)

    def of_step(self, step: str) -> list[TableReport]:
        """The tables that a step has reported."""
        return [table for table in self.tables.values() if table.step == step]

    @property
    def failed(self) -> bool:
        """Whether any step failed or did not come to its end."""
        return bool(self.failures) or self.interrupted

    @property
    def seconds(self) -> float:
        """Since the report was begun."""
        return time.perf_counter() - self._began

    def missing(self) -> dict[str, list[str]]:
        """By table, the partitions that were asked for and are not up to date."""
        done = {name: set(table.partitions) for name, table in self.tables.items()}
        left = {name: sorted(keys - done.get(name, set())) for name, keys in self.asked.items()}
        return {name: keys for name, keys in left.items() if keys}

    def as_data(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "succeeded": not self.failed,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "tables": [
                {
                    "table": table.table,
                    "seconds": table.seconds and round(table.seconds, 3),
                    "rows": table.rows,
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
            "warnings": [
                {"table": w.table, "partition": w.partition or "*", "message": w.message} for w in self.warnings
            ],
            "failures": [{"step": f.step, "message": f.message, "samples": f.samples} for f in self.failures],
            "not_done": self.missing(),
        }

"""What a run goes on with where partitions were refused or a table failed, and what it leaves out: plain data.

What reads a refused partition is left out; a month that only looks back at it is computed, as the sensors would.
"""

from collections.abc import Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from taxiway.lake import WHOLE
from taxiway.landed_months import inputs_of
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest
from taxiway.partitions import blocks
from taxiway.tables import Table

_ENDED = ("finished", "failed", "interrupted")


class Remaining:
    """What is left of a request, given what has happened in its runs so far."""

    def __init__(self, workspace: Workspace, request: RunRequest) -> None:
        """All of the request is left."""
        self._request = request
        self._months = workspace.settings.months
        chosen = {workspace.project.table(address): address for address in request.tables}
        inputs = {table: inputs_of(workspace, table) for table in chosen}
        self._inputs = {t: {s: reach for s, reach in read.items() if s in chosen} for t, read in inputs.items()}
        order = TopologicalSorter({table: tuple(read) for table, read in self._inputs.items()}).static_order()
        self._asked = {table: set(request.months) if table.monthly else {WHOLE} for table in order}
        self._done: dict[Table, set[str]] = {table: set() for table in self._asked}
        self._failed: dict[Table, set[str]] = {table: set() for table in self._asked}
        self._ended: set[str] = set()

    def hear(self, event: RunEvent) -> None:
        """Take in an event of a run."""
        if event.kind == "partition":
            for table in self._asked:
                if table.at == event.table:
                    self._done[table].add(event.partition or WHOLE)
        elif event.kind in _ENDED:
            self._ended.add(event.step)

    def after(self, request: RunRequest) -> RunRequest | None:
        """The next run, once this one has ended; None where all is done that can be."""
        ran = [table for table in self._asked if table.address in request.tables]
        ended = [table for table in ran if self._step(table) in self._ended]
        # A run none of whose steps has come to an end would not do better a second time.
        for table in ended or ran:
            asked = set(request.months) if table.monthly else {WHOLE}
            self._failed[table] |= asked - self._done[table]
        self._ended.clear()
        return self._next()

    def _step(self, table: Table) -> str:
        return table.at if table.transform is not None else "marts"

    def _next(self) -> RunRequest | None:
        left_out = self._left_out()
        left = {
            table: found
            for table, asked in self._asked.items()
            if (found := asked - self._done[table] - left_out[table])
        }
        for monthly in (False, True):
            # One that waits for a table of the other kind, or for one that does, comes later.
            ready: dict[Table, set[str]] = {}
            for table, partitions in left.items():
                if table.monthly == monthly and all(s in ready for s in self._inputs[table] if s in left):
                    ready[table] = partitions
            if ready:
                return self._request_for(ready, monthly=monthly)
        return None

    def _request_for(self, ready: Mapping[Table, set[str]], *, monthly: bool) -> RunRequest:
        if not monthly:
            return replace(self._request, tables=tuple(table.address for table in ready), months=())
        by_month = {month: [t for t, found in ready.items() if month in found] for month in self._request.months}
        months = [month for month, tables in by_month.items() if tables]
        alike = blocks(month for month in months if by_month[month] == by_month[months[0]])
        return replace(
            self._request, tables=tuple(table.address for table in by_month[months[0]]), months=tuple(alike[0])
        )

    def _left_out(self) -> dict[Table, set[str]]:
        """By table, the partitions that failed, and those that are computed from one that did."""
        found: dict[Table, set[str]] = {}
        for table, asked in self._asked.items():
            found[table] = {key for key in asked if self._lacks(table, key, found)} | self._failed[table]
            if self._request.rebuild and found[table]:
                found[table] = set(asked)
        return found

    def _lacks(self, table: Table, partition: str, left_out: Mapping[Table, set[str]]) -> bool:
        for source, reach in self._inputs[table].items():
            if table.monthly and source.monthly:
                reached = partitions_in_reach(self._months, table, source, reach, partition)
                if partition in reached and partition in left_out[source]:
                    return True
            # What reads all months does without some of them, but is not computed for the sake of none.
            elif left_out[source] and left_out[source] >= self._asked[source]:
                return True
        return False

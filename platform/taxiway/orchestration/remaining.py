"""What is left of a command, run by run: what goes into the next one, and what is left out. Plain data.

A run of Dagster's has the partitions of one grain. So a command over several grains is a sequence of runs in the order
of the lineage; tables without partitions join the run in which all is made that they read. What reads a refused
partition is left out; a partition that only looks back at it is computed, as the sensors would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from taxiway.addresses import Address
from taxiway.calendar import Grain
from taxiway.lake import WHOLE
from taxiway.landed_partitions import inputs_of
from taxiway.materialise import Workspace
from taxiway.materialise.plan import readers_of
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest
from taxiway.tables import Table

_ENDED = ("finished", "failed", "interrupted")


class Remaining:
    """What is left of a request, given what has happened in its runs so far."""

    def __init__(self, workspace: Workspace, request: RunRequest, asked: Mapping[Address, Sequence[str]]) -> None:
        """All of the request is left: `asked` are the partitions of each of its tables, `[WHOLE]` where it has none."""
        self._request = request
        self._calendar = workspace.calendar
        chosen = {workspace.project.table(address): address for address in request.tables}
        inputs = {table: inputs_of(workspace, table) for table in chosen}
        self._inputs = {t: {s: reach for s, reach in read.items() if s in chosen} for t, read in inputs.items()}
        order = TopologicalSorter({table: tuple(read) for table, read in self._inputs.items()}).static_order()
        self._asked = {table: set(asked[table.address]) for table in order}
        self._by_name = {table.at: table for table in self._asked}
        self._done: dict[Table, set[str]] = {table: set() for table in self._asked}
        self._failed: dict[Table, set[str]] = {table: set() for table in self._asked}
        self._ended: set[str] = set()

    def hear(self, event: RunEvent) -> None:
        """Take in an event of a run."""
        if event.kind == "partition" and event.table in self._by_name:
            self._done[self._by_name[event.table]].add(event.partition or WHOLE)
        elif event.kind in _ENDED:
            self._ended.add(event.step)

    def first(self) -> RunRequest | None:
        """The first run; None where nothing was asked for."""
        return self._next()

    def after(self, request: RunRequest) -> RunRequest | None:
        """The next run, once this one has ended; None where all is done that can be."""
        ran = [table for table in self._asked if table.address in request.tables]
        ended = [table for table in ran if self._step(table) in self._ended]
        # A run none of whose steps has come to an end would not do better a second time.
        for table in ended or ran:
            asked = set(request.partitions) if table.is_partitioned else {WHOLE}
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
        grains: dict[Grain | None, None] = dict.fromkeys(table.grain for table in left if table.is_partitioned)
        for grain in (*grains, None):
            tables, block = self._run_of(grain, left)
            if any(table.grain == grain for table in tables):
                addresses = tuple(address for address in self._request.tables if self._by_name[str(address)] in tables)
                return replace(self._request, tables=addresses, partitions=tuple(block))
        return None

    def _run_of(self, grain: Grain | None, left: Mapping[Table, set[str]]) -> tuple[list[Table], list[str]]:
        """The tables that a run of this grain can make of what is left, and for which consecutive partitions."""
        # One that waits for a table of another grain, or for one that does, comes later.
        ready: list[Table] = []
        for table in left:
            if table.grain in (grain, None) and all(
                source in ready for source in self._inputs[table] if source in left
            ):
                ready.append(table)
        divided = [table for table in ready if table.is_partitioned]
        keys = sorted({key for table in divided for key in left[table]})
        wanting = {key: [table for table in divided if key in left[table]] for key in keys}
        block = self._calendar.blocks(key for key in keys if wanting[key] == wanting[keys[0]])[0] if keys else []
        found: list[Table] = []
        for table in ready:
            sources = [source for source in self._inputs[table] if source in left]
            if table.is_partitioned:
                now = [source for source in sources if not source.is_partitioned or left[source] & set(block)]
                is_in = table in wanting[block[0]] and all(source in found for source in now)
            else:
                is_in = all(s in found and left[s] <= {WHOLE, *block} for s in sources)
            found += [table] if is_in else []
        return found, block

    def _left_out(self) -> dict[Table, set[str]]:
        """By table, the partitions that failed, and those that are computed from one that did."""
        found: dict[Table, set[str]] = {}
        for table, asked in self._asked.items():
            found[table] = self._failed[table] | (self._lacking(table, found) & asked)
            if self._request.rebuild and found[table]:
                found[table] = set(asked)
        return found

    def _lacking(self, table: Table, left_out: Mapping[Table, set[str]]) -> set[str]:
        """The partitions of a table that are not computed without something that is left out."""
        found: set[str] = set()
        for source, reach in self._inputs[table].items():
            if table.is_partitioned and source.is_partitioned:
                for key in left_out[source]:
                    found.update(readers_of(self._calendar, table, reach, key))
            # What reads all partitions does without some of them, but is not computed for the sake of none.
            elif left_out[source] and left_out[source] >= self._asked[source]:
                return set(self._asked[table])
        return found

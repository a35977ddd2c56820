"""Which partitions a command is for: what its options name, or all that has been landed, of each table by its grain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from taxiway.calendar import Calendar, Grain, Interval, grain_of
from taxiway.cli.output import hint
from taxiway.errors import UsageError
from taxiway.lake import WHOLE
from taxiway.landed_partitions import LandedPartitions, inputs_of
from taxiway.materialise import Workspace
from taxiway.tables import Table

_TOLD = 10


@dataclass(frozen=True)
class Asked:
    """What the options name: the instants from the first key to the last, which need not be of one grain."""

    first: str
    last: str
    span: Interval

    def names(self, grain: Grain) -> bool:
        """Whether partitions of a grain are named as such, and not by longer ones in which they lie."""
        return grain in (grain_of(self.first), grain_of(self.last))


def asked_for(calendar: Calendar, partition: str | None, first: str | None, last: str | None) -> Asked | None:
    """What the options name, None where they name nothing; raises UsageError where they contradict, or name nothing of
    the calendar."""
    if partition is not None and (first is not None or last is not None):
        raise UsageError("--partition names one, --from and --to a range: use one of the two")
    begin, end = partition or first, partition or last
    for key in (begin, end):
        if key is not None and not calendar.span(key).overlaps(calendar.bounds):
            raise UsageError(f"{key} lies outside the calendar of this deployment ({calendar})")
    if begin is None and end is None:
        return None
    span = Interval(
        calendar.span(begin).start if begin is not None else calendar.bounds.start,
        calendar.span(end).end if end is not None else calendar.bounds.end,
    )
    if span.start >= span.end:
        raise UsageError(f"--from {begin} lies after --to {end}")
    return Asked(begin or "", end or "", span)


def wanted_partitions(
    workspace: Workspace, tables: Sequence[Table], asked: Asked | None
) -> dict[Table, tuple[str, ...]]:
    """The partitions of each table to run, `(WHOLE,)` where it has none: those that are over of what is asked for, or
    of all for which any file has been landed.

    One in which several files have to lie is left out where some have not been landed, unless it is named itself.
    Says on stderr what is missing. Raises UsageError where a partition that is named, or everything, has no file.
    """
    calendar, divided = workspace.calendar, [table for table in tables if table.is_partitioned]
    if asked is not None and not divided:
        raise UsageError(f"{', '.join(table.at for table in tables)} has no partitions: name none")
    over = {table: workspace.partitions(table) for table in workspace.project.tables if table.is_partitioned}
    if asked is not None:
        over = {table: tuple(calendar.among(keys, asked.span)) for table, keys in over.items()}
        _see_that_it_is_over(workspace, asked, {table: over[table] for table in divided})
    wanted = {table: over.get(table, (WHOLE,)) for table in tables}
    delivered = [table for table in over if table.files is not None]
    reading = [table for table in delivered if table in tables]
    if not divided or not delivered or (asked is not None and not reading):
        return wanted
    landed = _landed(workspace, {table: over[table] for table in reading or delivered}, asked)
    complete = _Complete(workspace)
    for table in divided:
        if table.files is not None:
            keys = [key for key in over[table] if key in landed.get(table.grain or "hour", ())]
        else:
            found = [key for key in over[table] if _meets(calendar, landed, table, key)]
            is_named = asked is not None and table.grain is not None and asked.names(table.grain)
            keys = found if is_named else [key for key in found if complete(table, key)]
            if len(keys) < len(found):
                left = calendar.in_words(set(found) - set(keys))
                hint(f"{table.at}: {left} is left out, for which not all files have been delivered")
        wanted[table] = tuple(keys)
    return wanted


def _see_that_it_is_over(workspace: Workspace, asked: Asked, over: Mapping[Table, Sequence[str]]) -> None:
    """Say which tables have no partition of that time that is over; raises UsageError where that time itself is not."""
    if not any(over.values()) and asked.span.end > workspace.now:
        raise UsageError(f"{asked.last or asked.first} is not over yet")
    for table in (table for table, keys in over.items() if not keys):
        hint(f"{table.at}: no {table.grain} of that time is over")


def _landed(
    workspace: Workspace, over: Mapping[Table, Sequence[str]], asked: Asked | None
) -> dict[Grain, frozenset[str]]:
    """By grain, the partitions of which any of these tables has a file; says which of the others have none."""
    # What is no file counts as delivered: the step refuses it, and says why.
    lying = workspace.landing.listing()
    there = lying.readable.keys() | lying.blocked.keys()
    found: dict[Grain, frozenset[str]] = {}
    grains: dict[Grain, None] = {table.grain: None for table in over if table.grain is not None}
    for grain in grains:
        own = {table: keys for table, keys in over.items() if table.grain == grain}
        files = workspace.expecting(own, lambda: lying).by_partition(there)
        has = {table: {key for key in keys if (table, key) in files} for table, keys in own.items()}
        found[grain] = frozenset().union(*has.values())
        if asked is not None and asked.names(grain):
            for key in (key for keys in own.values() for key in keys if key not in found[grain]):
                raise UsageError(f"{key} has not been landed; deliver it with: taxiway land --partition {key}")
        _tell_missing(workspace.calendar, has, found[grain])
    if not any(found.values()):
        what = "nothing" if asked is None else "nothing of that time"
        raise UsageError(f"{what} has been landed yet; deliver it with: taxiway land")
    return found


def _tell_missing(calendar: Calendar, has: Mapping[Table, set[str]], landed: frozenset[str]) -> None:
    lines = []
    for tables, keys in groupby(sorted(landed), key=lambda key: [table for table in has if key not in has[table]]):
        if tables:
            for block in calendar.blocks(keys):
                names = [table.file_name(key) for key in block for table in tables]
                lines.append(f"{calendar.in_words(block)}: {', '.join(names[:_TOLD])} has not been delivered")
    for line in lines[:_TOLD]:
        hint(line)
    if len(lines) > _TOLD:
        hint(f"and {len(lines) - _TOLD:,} more times a file has not been delivered")


def _meets(calendar: Calendar, landed: Mapping[Grain, frozenset[str]], table: Table, key: str) -> bool:
    """Whether a partition has an instant in common with one that has been landed."""
    return any(
        key in found if grain == table.grain else not found.isdisjoint(calendar.overlapping(grain, calendar.span(key)))
        for grain, found in landed.items()
    )


class _Complete:
    """Whether all files lie there, or are published, that a partition of a table is made from, where these are of
    another grain."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._landed = LandedPartitions(workspace)
        self._raw: dict[Table, list[Table]] = {}

    def __call__(self, table: Table, key: str) -> bool:
        calendar = self._workspace.calendar
        return all(
            self._landed.has_or_could(raw, part)
            for raw in self._raw_of(table)
            if raw.grain is not None and raw.grain != table.grain
            for part in calendar.overlapping(raw.grain, calendar.span(key))
        )

    def _raw_of(self, table: Table) -> list[Table]:
        """The delivered tables that a table is made from, directly or by way of others."""
        if table not in self._raw:
            read = inputs_of(self._workspace, table)
            found = [raw for source in read for raw in ([source] if source.files is not None else self._raw_of(source))]
            self._raw[table] = list(dict.fromkeys(found))
        return self._raw[table]

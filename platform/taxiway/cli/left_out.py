"""The partitions that a run does without: they have been landed, but are not in a table that it reads."""

from collections.abc import Iterator, Mapping, Sequence

from taxiway.landed_partitions import LandedPartitions, partitioned_inputs
from taxiway.materialise import Workspace
from taxiway.materialise.plan import needed_partitions, partitions_in_reach
from taxiway.tables import Table
from taxiway.transforms import Reach


def left_out(workspace: Workspace, wanted: Mapping[Table, Sequence[str]]) -> Iterator[str]:
    """A line for each set of partitions that tables of a run over those `wanted` will do without, with what to do.

    What a step refuses to do without is not told: the step will say so.
    """
    could_have = LandedPartitions(workspace)
    found: dict[tuple[str, ...], dict[Table, dict[Table, None]]] = {}
    for reader, own in wanted.items():
        for source, reach in partitioned_inputs(workspace, reader).items():
            if reader.transform is None and source not in wanted and not could_have.published(source):
                continue
            read = _read(workspace, reader, source, reach, own)
            made = could_have.published(source) | set(wanted.get(source, ()))
            lacking = tuple(key for key in read if key not in made and could_have.has_or_could(source, key))
            if lacking:
                found.setdefault(lacking, {}).setdefault(source, {})[reader] = None
    for lacking, sources in sorted(found.items()):
        names = ", ".join(source.at for source in sources)
        used = ", ".join(dict.fromkeys(reader.at for found_in in sources.values() for reader in found_in))
        advice = "for those too" if all(source in wanted for source in sources) else "with --upstream"
        told = workspace.calendar.in_words(lacking)
        yield f"{told}: landed, but not in {names}; {used} will be without, unless you run {advice}"


def _read(workspace: Workspace, reader: Table, source: Table, reach: Reach | None, own: Sequence[str]) -> list[str]:
    """The partitions of a source that the run reads beyond those that it refuses to do without."""
    calendar, now = workspace.calendar, workspace.now
    read = {key for each in own for key in partitions_in_reach(calendar, reader, source, reach, each, now)}
    return sorted(read - {key for each in own for key in needed_partitions(calendar, reader, source, reach, each)})

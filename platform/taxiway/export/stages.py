"""The project as commands that follow each other: one a layer. Plain data, which runs nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from taxiway.calendar import GRAINS, Grain
from taxiway.errors import DefinitionError
from taxiway.landed_partitions import inputs_of
from taxiway.materialise import Workspace
from taxiway.tables import Table

_LAND, _SINK = "land", "sink"


@dataclass(frozen=True)
class Stage:
    """A command of Taxiway's, with the names of the stages that come before it, and the shortest grain of
    its tables; what has one is given a partition."""

    name: str
    words: tuple[str, ...]
    grain: Grain | None
    needs: tuple[str, ...] = ()


def stages(workspace: Workspace) -> tuple[Stage, ...]:
    """A stage for each layer, in the order of the lineage; before them one for sources, after them one for sinks.

    Layers that read each other are one stage. Raises DefinitionError where a table of the project is broken: what is
    made without it would be another order.
    """
    project = workspace.project
    if project.broken:
        raise DefinitionError(f"mend what is broken first: {'; '.join(map(str, project.broken))}")
    reads: dict[str, dict[str, None]] = {table.address.layer: {} for table in project.tables}
    for table in project.tables:
        reads[table.address.layer].update({source.address.layer: None for source in inputs_of(workspace, table)})
    together = _together(reads)
    delivered = [table for table in project.tables if table.files is not None and table.source]
    fed = {table.address.layer for table in delivered}
    found = []
    if delivered:
        found.append(Stage(_LAND, (_LAND,), _shortest(delivered)))
    needed = {group: _others(group, together, reads) for group in dict.fromkeys(together.values())}
    for group in TopologicalSorter(needed).static_order():
        before = [_LAND] if fed & {*group} else []
        before += map(_name, needed[group])
        found.append(
            Stage(
                _name(group),
                ("run", *group),
                _shortest(t for t in project.tables if t.address.layer in group),
                tuple(before),
            )
        )
    sinking = [table.address.layer for table in project.tables if table.sinks]
    if sinking:
        found.append(Stage(_SINK, (_SINK,), None, tuple(dict.fromkeys(_name(together[layer]) for layer in sinking))))
    return tuple(found)


def _shortest(tables: Iterable[Table]) -> Grain | None:
    grains = {table.grain for table in tables}
    return next((grain for grain in GRAINS if grain in grains), None)


def _together(reads: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """By layer, the layers that it reads and that read it, directly or by way of others, and itself."""
    reached = {layer: {layer, *sources} for layer, sources in reads.items()}
    for middle in reads:
        for layer in reads:
            if middle in reached[layer]:
                reached[layer] |= reached[middle]
    return {
        layer: tuple(other for other in reads if other in reached[layer] and layer in reached[other]) for layer in reads
    }


def _others(
    group: Sequence[str], together: Mapping[str, tuple[str, ...]], reads: Mapping[str, Iterable[str]]
) -> list[tuple[str, ...]]:
    read = {together[source] for layer in group for source in reads[layer]}
    return [other for other in dict.fromkeys(together.values()) if other in read and other != group]


def _name(group: Sequence[str]) -> str:
    return "-".join(group)

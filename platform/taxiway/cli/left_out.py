"""The months that a run does without: they have been landed, but are not in a table that it reads."""

from collections.abc import Iterator, Sequence

from taxiway.addresses import Address
from taxiway.landed_months import LandedMonths, monthly_inputs
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.partitions import in_words
from taxiway.tables import Table
from taxiway.transforms import Reach


def left_out(workspace: Workspace, chosen: Sequence[Address], months: Sequence[str]) -> Iterator[str]:
    """A line for each set of months that tables of a run over `months` will do without, with what to do.

    What a step refuses to do without is not told: the step will say so.
    """
    project = workspace.project
    readers = [project.table(address) for address in chosen]
    could_have = LandedMonths(workspace)
    found: dict[tuple[str, ...], dict[Table, dict[Table, None]]] = {}
    for reader in readers:
        for source, reach in monthly_inputs(workspace, reader).items():
            if reader.transform is None and source not in readers and not could_have.published(source):
                continue
            read = _read(workspace, reader, source, reach, months)
            made = could_have.published(source) | (set(months) if source in readers else set())
            lacking = tuple(month for month in read if month not in made and could_have.has_or_could(source, month))
            if lacking:
                found.setdefault(lacking, {}).setdefault(source, {})[reader] = None
    for lacking, sources in sorted(found.items()):
        names = ", ".join(source.at for source in sources)
        used = ", ".join(dict.fromkeys(reader.at for found_in in sources.values() for reader in found_in))
        advice = "for those months too" if all(source in readers for source in sources) else "with --upstream"
        yield f"{in_words(lacking)}: landed, but not in {names}; {used} will be without, unless you run {advice}"


def _read(workspace: Workspace, reader: Table, source: Table, reach: Reach | None, months: Sequence[str]) -> list[str]:
    """The months of a source that the run reads beyond those that it is for."""
    known = workspace.settings.months
    own = months if reader.monthly else [""]
    read = {key for month in own for key in partitions_in_reach(known, reader, source, reach, month)}
    return sorted(read - set(own))

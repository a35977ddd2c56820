"""When a table asks to be computed again: when an input has changed, history included."""

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from taxiway.calendar import Calendar, Grain
from taxiway.orchestration.keys import asset_key, from_dagster
from taxiway.tables import Table


@dataclass(frozen=True, eq=False)
class InputMissing(dg.AutomationCondition[dg.AssetKey]):
    """True for the partitions of which an input that they cannot do without is not there and not asked for.

    Dagster's own `missing` goes through the partition mapping, so a partition of lookback that was never
    landed would hold back its successors. Here one needs those of its inputs that have an instant in common with it.
    `needed` holds the inputs with their grains.
    """

    calendar: Calendar
    needed: tuple[tuple[dg.AssetKey, Grain | None], ...]

    @property
    def name(self) -> str:
        """What the UI shows, and what identifies the condition between evaluations."""
        return f"input_missing({', '.join(key.to_user_string() for key, _ in self.needed)})"

    async def evaluate(  # pyright: ignore[reportIncompatibleMethodOverride] - Dagster awaits its own, too
        self, context: dg.AutomationContext
    ) -> dg.AutomationResult:
        """The partitions that have to wait."""
        view = context.asset_graph_view
        own = context.candidate_subset
        blocked = context.get_empty_subset()
        for key, grain in self.needed:
            there = await view.compute_materialized_asset_subset(key=key)
            if own.is_partitioned != there.is_partitioned:
                blocked = own if there.is_empty else blocked
                continue
            there = there.compute_union(context.request_subsets_by_key.get(key, there))
            if not own.is_partitioned:
                blocked = own if there.is_empty else blocked
            elif grain is not None:
                found = set(map(from_dagster, there.expensively_compute_partition_keys()))
                lacking = {
                    name
                    for name in own.expensively_compute_partition_keys()
                    if not found.issuperset(self.calendar.overlapping(grain, self.calendar.span(from_dagster(name))))
                }
                blocked = blocked.compute_union(own.compute_intersection_with_partition_keys(lacking))
        return dg.AutomationResult(context, blocked)


def follow_inputs(calendar: Calendar, inputs: Iterable[Table]) -> dg.AutomationCondition[dg.AssetKey]:
    """Asks for a partition when the data version of any input in its reach changed, or will.

    It waits for what is in progress, and for all inputs to be there, of one with partitions those of the same time; a
    partition that was never computed is asked for once they are. What failed was not published, so it
    triggers nothing. Unlike `eager()` it looks at all of history, and a failed check of one partition does not
    hold back the others.
    """
    incomplete = InputMissing(calendar, tuple(sorted((asset_key(source), source.grain) for source in inputs)))
    changed = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed() | dg.AutomationCondition.will_be_requested()
    ).with_label("an input changed")
    # The first partition of a table that reads earlier ones only has no input that could change.
    complete = (dg.AutomationCondition.missing() & ~incomplete).newly_true().with_label("its inputs are complete")
    waiting = dg.AutomationCondition.in_progress() | dg.AutomationCondition.any_deps_in_progress()
    handled = (
        dg.AutomationCondition.newly_requested()
        | dg.AutomationCondition.newly_updated()
        | dg.AutomationCondition.initial_evaluation()
    ).with_label("handled")
    return (changed | complete).since(handled) & ~waiting & ~incomplete

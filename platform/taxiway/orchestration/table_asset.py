"""A table as a Dagster asset: names become dependencies, reach becomes partition mappings, verdicts become checks."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from taxiway.calendar import Calendar
from taxiway.calendar.calendar import option
from taxiway.engines import IN_PROCESS, OpenEngine
from taxiway.errors import PublishConflict, TaxiwayError
from taxiway.lake import WHOLE, Lake
from taxiway.lake.inputs import LANDING
from taxiway.landed_partitions import LandedPartitions, made_without
from taxiway.materialise import Outcome, Workspace, independence_of, kind_of, materialise
from taxiway.orchestration import events
from taxiway.orchestration.automation import follow_inputs
from taxiway.orchestration.cancelled import stop_if_cancelled
from taxiway.orchestration.code_references import code_references
from taxiway.orchestration.keys import asset_key, from_dagster, landing_key
from taxiway.orchestration.lineage import column_lineage, lineage_metadata
from taxiway.orchestration.partitions import mapping, partitions_of
from taxiway.orchestration.pictures import pictures
from taxiway.tables import Table
from taxiway.users import USER_TAG

FORCE_TAG = "taxiway/force"
REBUILD_TAG = "taxiway/rebuild"
ACCEPT_FEWER_TAG = "taxiway/accept-fewer"
ENGINE_TAG = "taxiway/engine"
GOES_ON_TAG = "taxiway/goes-on"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
CONFLICT_RETRIES = 3


def table_asset(workspace: Workspace, table: Table) -> dg.AssetsDefinition:
    """The asset of a table that has a transform.

    A run over a range of partitions materialises it in one step; partitions that the guard refuses fail
    the step after the others were published and reported. Needs the resources `workspace` and `open_engine`.
    """
    key = asset_key(table)
    calendar, inputs = workspace.calendar, workspace.project.inputs(table)
    contract = table.rules
    kind = kind_of(workspace, table)
    deps = [
        dg.AssetDep(asset_key(source), partition_mapping=mapping(calendar, table, source, reach))
        for source, reach in inputs.items()
    ]
    if table.files is not None:
        deps = [dg.AssetDep(landing_key(table))]
    spec = dg.AssetSpec(
        key,
        deps=deps,
        description=contract.description,
        group_name=table.address.layer,
        owners=list(table.owners or workspace.project.owners),
        tags=dict(table.tags),
        kinds=_kinds(workspace, table) | {kind.word},
        metadata={
            "dagster/column_schema": events.column_schema(contract),
            "dagster/uri": Lake(workspace.settings.lake).uri(table.address),
            "kind": str(kind),
            **_partitions_computed(workspace, table),
            **code_references(table),
        },
        automation_condition=_condition(workspace, table),
    )

    @dg.multi_asset(
        name=table.address.relation,
        specs=[spec],
        check_specs=events.check_specs(key),
        partitions_def=partitions_of(calendar, table),
        backfill_policy=dg.BackfillPolicy.single_run() if table.is_partitioned else None,
        required_resource_keys={"workspace", "open_engine"},
    )
    def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
        stop_if_cancelled(context)
        yield from _run(context, table)

    return compute


def _kinds(workspace: Workspace, table: Table) -> set[str]:
    if table.external is not None:
        return {"external", "deltalake" if table.external.format == "delta" else "parquet"}
    return {"deltalake", table.engine or workspace.settings.engine}


def _condition(workspace: Workspace, table: Table) -> dg.AutomationCondition | None:
    """When it is asked for: the landing sensor knows when files are whole, nobody tells when others have written."""
    if table.external is not None:
        return dg.AutomationCondition.on_cron(table.external.schedule, workspace.settings.zone)
    return None if table.files is not None else follow_inputs(workspace.calendar, workspace.project.inputs(table))


def _partitions_computed(workspace: Workspace, table: Table) -> dict[str, dg.MetadataValue]:
    """Whether partitions are computed together, and why not, for the page of the asset."""
    independent = independence_of(workspace, table)
    return {} if independent is None else {"partitions": dg.MetadataValue.text(str(independent))}


def _run(context: dg.AssetExecutionContext, table: Table) -> Iterator[Any]:
    workspace: Workspace = context.resources.workspace
    open_engine: OpenEngine = context.resources.open_engine
    partitions = tuple(map(from_dagster, context.partition_keys)) if table.is_partitioned else (WHOLE,)
    cpu = time.process_time()
    tags = context.run.tags
    # Before they are pinned: what is published in between then counts as news, never as read.
    inputs = events.inputs_now(context.instance, _sources(workspace, table))
    try:
        engine = open_engine(tags.get(ENGINE_TAG) or table.engine)
        outcome = materialise(
            workspace,
            table,
            partitions,
            engine,
            run=context.run.run_id,
            user=tags.get(USER_TAG, ""),
            force=tags.get(FORCE_TAG) == "true",
            rebuild=tags.get(REBUILD_TAG) == "true",
            accept_fewer=tags.get(ACCEPT_FEWER_TAG) == "true",
        )
    except PublishConflict as conflict:
        # Whoever was first has published; what is left to do then is mostly to see that.
        raise dg.RetryRequested(max_retries=CONFLICT_RETRIES, seconds_to_wait=1) from conflict
    except TaxiwayError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    shown = pictures(context, workspace, table, outcome, open_engine)
    # What Spark uses it uses in processes of its own.
    used = events.resources_used(cpu) if engine.name == IN_PROCESS else {}
    for line in _made_without(workspace, table, outcome):
        context.log.warning(line)
    yield from _report(context, table, outcome, inputs, used, shown)


def _report(
    context: dg.AssetExecutionContext,
    table: Table,
    outcome: Outcome,
    inputs: Mapping[str, events.Input],
    used: Mapping[str, Any],
    shown: Mapping[str, Mapping[str, Any]],
) -> Iterator[Any]:
    key = asset_key(table)
    if table.files is not None:
        inputs = _report_deliveries(context, table, outcome)
    shared = {**used, **lineage_metadata(column_lineage(context.resources.workspace, table))}
    good = [result for result in outcome.partitions if result.status != "refused"]
    tags = [events.provenance_tags(outcome, result, inputs) for result in good]
    metadata = [
        {**events.partition_metadata(outcome, result), **shared, **shown.get(result.partition, {})} for result in good
    ]
    if len(outcome.partitions) == 1:
        for result in good:
            version = dg.DataVersion(result.data_version or "")
            yield dg.MaterializeResult(asset_key=key, data_version=version, tags=tags[0], metadata=metadata[0])
    else:
        if not outcome.refused:
            # The step's own events, one a partition, all with one version: those that follow correct them.
            yield dg.MaterializeResult(asset_key=key, data_version=dg.DataVersion(good[-1].data_version or ""))
        for result, own_tags, own_metadata in zip(good, tags, metadata, strict=True):
            context.log_event(events.materialization(key, result, own_tags, own_metadata))
    known = known_of(context.resources.workspace, table)
    if table.is_partitioned:
        yield from events.check_evaluations(key, outcome.partitions, known)
    yield from events.check_results(key, outcome.partitions, known)
    if outcome.refused:
        if table.is_partitioned and len(outcome.partitions) == 1:
            yield from events.check_results_again(key, outcome.partitions, known)
        goes_on = context.run.tags.get(GOES_ON_TAG) == "true"
        calendar = context.resources.workspace.calendar
        raise dg.Failure(_refusal(calendar, table, outcome, goes_on=goes_on), allow_retries=False)


def _made_without(workspace: Workspace, table: Table, outcome: Outcome) -> Iterator[str]:
    """What the partitions of an outcome were made without, though it has been landed."""
    good = {result.partition: result for result in outcome.partitions if result.status != "refused"}
    if any(None in versions.values() for result in good.values() for versions in result.inputs.values()):
        incomplete = LandedPartitions(workspace).incomplete(table)
        yield from made_without((each for each in incomplete if each.partition in good), workspace.calendar)


def known_of(workspace: Workspace, table: Table) -> events.Known:
    """What is known of all published partitions of a table, which is what its checks tell."""
    latest = workspace.lake.find(table.address)
    return latest.partitions if latest is not None else {}


def _report_deliveries(context: dg.AssetExecutionContext, table: Table, outcome: Outcome) -> dict[str, events.Input]:
    """Tell Dagster of the files that were read, where the landing sensor has not, and point to them."""
    for result in outcome.partitions:
        read = {name: digest for name, digest in result.inputs.get(LANDING, {}).items() if digest is not None}
        known = events.data_version(events.last_event(context.instance, landing_key(table), result.partition))
        if read and events.version_of(read.values()) != known:
            context.log_event(events.delivery(landing_key(table), result.partition, read))
    return events.inputs_now(context.instance, _sources(context.resources.workspace, table))


def _sources(workspace: Workspace, table: Table) -> dict[str, dg.AssetKey]:
    """The assets that a table depends on, by the names that its provenance gives them."""
    if table.external is not None:
        return {}
    if table.files is not None:
        return {LANDING: landing_key(table)}
    return {str(source.address): asset_key(source) for source in workspace.project.inputs(table)}


def _refusal(calendar: Calendar, table: Table, outcome: Outcome, *, goes_on: bool) -> str:
    """Why, of each refused partition, and what becomes of the others: with the command, unless the run goes on."""
    lines = [result.message for result in outcome.refused]
    good = [result.partition for result in outcome.partitions if result.status != "refused"]
    if good:
        lines.append(f"the others ({calendar.in_words(good)}) are published")
        if not goes_on:
            # A command for each stretch of partitions, so that none of them takes in a refused one.
            commands = [f"taxiway run {table.at} --downstream {option(block)}" for block in calendar.blocks(good)]
            lines[-1] += f"; what follows from them is made by the sensors, or with: {'; '.join(commands)}"
    elif len(outcome.partitions) > 1:
        lines.append("nothing was published")
    return "\n".join(lines)

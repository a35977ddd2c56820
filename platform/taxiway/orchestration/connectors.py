"""Sources and sinks as Dagster sees them: the first and the last assets of the lineage."""

from collections.abc import Iterator

import dagster as dg

from taxiway.connectors import Sink, Source
from taxiway.errors import TaxiwayError
from taxiway.materialise import Workspace
from taxiway.materialise.extract import extract
from taxiway.materialise.sinks import publish_to_sink
from taxiway.orchestration.automation import follow_inputs
from taxiway.orchestration.cancelled import stop_if_cancelled
from taxiway.orchestration.events import table_of
from taxiway.orchestration.keys import asset_key, sink_key, source_key
from taxiway.tables import Table


def source_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """An asset for each raw table that comes from a source, before its landing: a run delivers what has changed."""
    tables = [(table, table.source) for table in workspace.project.tables if table.files is not None]
    return [_source_asset(workspace, table, source) for table, source in tables if source is not None]


def sink_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """An asset for each sink of a table, which follows it."""
    return [_sink_asset(workspace, table, sink) for table in workspace.project.tables for sink in table.sinks]


def _source_asset(workspace: Workspace, table: Table, source: Source) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        source_key(table),
        description=f"Delivers what has changed as files of {table.at}.",
        group_name="landing",
        kinds={source.kind},
        owners=list(table.owners or workspace.project.owners),
        automation_condition=dg.AutomationCondition.on_cron(source.schedule, workspace.settings.zone),
    )

    @dg.multi_asset(name=f"source_{table.address.name}", specs=[spec], required_resource_keys={"workspace"})
    def deliver(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        stop_if_cancelled(context)
        try:
            files = list(extract(context.resources.workspace, table))
        except TaxiwayError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        shown = [{"file": each.file, "rows": each.rows, "new content": each.changed} for each in files]
        metadata = {"files": len(files), "new_files": sum(each.changed for each in files)}
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata=metadata | ({"delivered": table_of(shown)} if shown else {})
        )

    return deliver


def _sink_asset(workspace: Workspace, table: Table, sink: Sink) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        sink_key(table, sink),
        deps=[asset_key(table)],
        description=f"Holds the latest version of {table.at} for others.",
        group_name="sink",
        kinds={sink.kind},
        owners=list(table.owners or workspace.project.owners),
        automation_condition=follow_inputs(workspace.calendar, [table]),
    )

    @dg.multi_asset(name="__".join(spec.key.path), specs=[spec], required_resource_keys={"workspace"})
    def publish(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        stop_if_cancelled(context)
        try:
            done = publish_to_sink(context.resources.workspace, table, sink)
        except TaxiwayError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        metadata = {
            "place": done.place,
            "data_version": done.version,
            "dagster/row_count": done.rows,
            "written": done.changed,
        }
        yield dg.MaterializeResult(asset_key=spec.key, data_version=dg.DataVersion(done.version), metadata=metadata)

    return publish

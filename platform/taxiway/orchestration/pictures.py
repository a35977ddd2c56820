"""What published rows look like in the UI: the first of them as a table, and the pictures that a table draws."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import dagster as dg
import ibis

from taxiway.engines import IN_PROCESS, OpenEngine, Reading
from taxiway.lake import WHOLE
from taxiway.materialise import Outcome, PartitionResult, Workspace
from taxiway.orchestration import events
from taxiway.orchestration.keys import asset_key
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql

_PREVIEW = "preview"
_PREVIEW_ROWS = 5
_ROWS = "published"


def pictures(
    context: dg.AssetExecutionContext, workspace: Workspace, table: Table, outcome: Outcome, open_engine: OpenEngine
) -> dict[str, dict[str, Any]]:
    """Metadata by partition, of those that are up to date and have rows: `preview`, and each figure by its name.

    Of a skipped partition it is what its last event shows; of others it is read from the version that the
    outcome made current. A figure that cannot be drawn is a warning in the log of the run: the rows
    that it would show are published.
    """
    shown = {result.partition: _as_before(context.instance, table, result) for result in outcome.partitions}
    snapshot = workspace.lake.find(table.address, outcome.version)
    missing = [r for r in outcome.partitions if r.status != "refused" and r.rows and not shown[r.partition]]
    if snapshot is None or not missing:
        return shown
    rows = ibis.table(table.rules.ibis_schema, name=_ROWS)
    # A few rows of each partition: where every question is a job, asking takes longer than computing.
    with open_engine(IN_PROCESS).session() as session:
        for partition in (result.partition for result in missing):
            read = None if partition == WHOLE else (partition,)
            session.read(_ROWS, Reading(snapshot, table.rules.schema, read, elsewhere=workspace.elsewhere(snapshot)))
            first = session.query(to_sql(rows.limit(_PREVIEW_ROWS), session.dialect))
            shown[partition] = {_PREVIEW: events.table_of(first.to_pylist())}
            if table.figures is not None:
                try:
                    drawn = table.figures(session.query(to_sql(rows, session.dialect)))
                except Exception as error:  # whatever a project's own drawing raises
                    context.log.warning(f"{table.at} {partition}: its figures could not be drawn: {error!r}")
                else:
                    shown[partition] |= _as_markdown(drawn)
    return shown


def _as_before(instance: dg.DagsterInstance, table: Table, result: PartitionResult) -> dict[str, Any]:
    """What the last event of a skipped partition shows of the same rows; empty where there is no such event."""
    last = events.last_event(instance, asset_key(table), result.partition) if result.status == "skipped" else None
    if last is None or events.data_version(last) != result.data_version:
        return {}
    return {
        name: value
        for name, value in last.metadata.items()
        if name == _PREVIEW or isinstance(value, dg.MarkdownMetadataValue)
    }


def _as_markdown(drawn: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        name: dg.MetadataValue.md(f"![{name}](data:image/png;base64,{b64encode(png).decode()})")
        for name, png in drawn.items()
    }

"""What published rows look like in the UI: the first of them as a table, and the pictures that a table draws."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import dagster as dg
import ibis

from taxiway.engines import Engine, Reading
from taxiway.lake import WHOLE
from taxiway.materialise import Outcome, Workspace
from taxiway.orchestration import events
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql

_PREVIEW_ROWS = 5
_ROWS = "published"


def pictures(
    context: dg.AssetExecutionContext, workspace: Workspace, table: Table, outcome: Outcome, engine: Engine
) -> dict[str, dict[str, Any]]:
    """Metadata by partition, of those that are up to date and have rows: `preview`, and each figure by its name.

    Read from the version that the outcome made current. A figure that cannot be drawn is a warning in the
    log of the run: the rows that it would show are published.
    """
    shown: dict[str, dict[str, Any]] = {}
    with_rows = [result.partition for result in outcome.partitions if result.status != "refused" and result.rows]
    if not with_rows:
        return shown
    snapshot = workspace.lake.open(table.address, outcome.version)
    rows = ibis.table(table.rules.ibis_schema, name=_ROWS)
    with engine.session() as session:
        for partition in with_rows:
            read = None if partition == WHOLE else (partition,)
            session.read(_ROWS, Reading(snapshot, table.rules.schema, read))
            first = session.query(to_sql(rows.limit(_PREVIEW_ROWS), session.dialect))
            shown[partition] = {"preview": events.table_of(first.to_pylist())}
            if table.figures is not None:
                try:
                    drawn = table.figures(session.query(to_sql(rows, session.dialect)))
                except Exception as error:  # whatever a project's own drawing raises
                    context.log.warning(f"{table.at} {partition}: its figures could not be drawn: {error!r}")
                else:
                    shown[partition] |= _as_markdown(drawn)
    return shown


def _as_markdown(drawn: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        name: dg.MetadataValue.md(f"![{name}](data:image/png;base64,{b64encode(png).decode()})")
        for name, png in drawn.items()
    }

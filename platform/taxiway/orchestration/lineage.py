"""Column lineage in Dagster's terms."""

from functools import lru_cache
from typing import Any

import dagster as dg

from taxiway.materialise import Workspace
from taxiway.materialise.compiled import STAGED, compile_table
from taxiway.tables import Table
from taxiway.transforms import ArrowTransform
from taxiway.transforms.lineage import column_sources


@lru_cache(maxsize=512)
def column_lineage(workspace: Workspace, table: Table) -> dg.TableColumnLineage:
    """The input columns of each column of a table.

    A function of Arrow tables cannot be looked into: each of its columns comes from all that it is shown.
    """
    if table.external is not None:
        return dg.TableColumnLineage({})
    expressions = compile_table(workspace, table).expressions
    if isinstance(table.transform, ArrowTransform):
        seen = frozenset().union(
            *(sources for shown in expressions.values() for sources in column_sources(shown).values())
        )
        sources = dict.fromkeys(table.rules.schema.names, seen)
    else:
        sources = column_sources(expressions[STAGED])
    return dg.TableColumnLineage(
        {
            name: [
                dg.TableColumnDep(asset_key=_key(workspace, table, relation), column_name=column)
                for relation, column in sorted(sources.get(name, ()))
                if not column.startswith(("_", "source_"))
            ]
            for name in table.rules.schema.names
        }
    )


def lineage_metadata(lineage: dg.TableColumnLineage) -> dict[str, Any]:
    """The lineage for Dagster, and as a table to be read: the free UI has no page that shows it."""
    records = [
        dg.TableRecord(
            {"column": name, "from": ", ".join(f"{'/'.join(d.asset_key.path)}.{d.column_name}" for d in deps)}
        )
        for name, deps in lineage.deps_by_column.items()
    ]
    columns = [dg.TableColumn("column", "string"), dg.TableColumn("from", "string")]
    shown = dg.MetadataValue.table(records, schema=dg.TableSchema(columns))
    return {"dagster/column_lineage": lineage, "column_sources": shown}


def _key(workspace: Workspace, table: Table, relation: str) -> dg.AssetKey:
    if table.files is not None:
        return dg.AssetKey(["landing", table.address.name])
    source = workspace.project.by_relation[relation].address
    return dg.AssetKey([source.layer, source.name])

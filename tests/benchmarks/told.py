"""What the last run told Dagster, and the rows that it had to read: `python told.py` prints JSON by table.

`rows_needed` is counted here, in the published tables and from the declared windows alone: every row of a computed
month, and of earlier months the rows that the windows of a computed one can reach.
"""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

import taxiway
from taxiway.addresses import Address
from taxiway.notebook import OpenLake
from taxiway.orchestration.instance import open_instance
from taxiway.tables import Table
from taxiway.transforms import Lookback


def materializations(instance: dg.DagsterInstance) -> Iterator[dg.AssetMaterialization]:
    """What the last run told of each partition."""
    (run,) = instance.get_runs(limit=1)
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        assert entry.dagster_event is not None
        found = entry.dagster_event.step_materialization_data.materialization
        # Dagster adds an event of its own for a step over a range.
        if "status" in found.metadata:
            yield found


def rows_needed(lake: OpenLake, table: Table, months: list[str]) -> int:
    """The rows of its inputs that these months of a table depend on."""
    if table.files is not None:
        published = lake.snapshot(table.at).partitions
        return sum((published[month].rows or 0) + published[month].rejected for month in months)
    workspace = lake.workspace
    needed = 0
    for source, reach in workspace.project.inputs(table).items():
        rows = lake.read(source.at)
        if source.is_partitioned:
            chosen = [f"month = '{month}'" for month in months]
            if isinstance(reach, Lookback):
                lag = source.rules.max_lag
                for month in months:
                    since = workspace.calendar.span(month).start - reach.window
                    since -= lag.window if lag is not None else since - since
                    recent = " OR ".join(f"{column} >= '{since.isoformat()}'::TIMESTAMPTZ" for column in reach.columns)
                    chosen.append(f"(month < '{month}' AND ({recent}))")
            rows = rows.filter(" OR ".join(chosen))
        (count,) = rows.aggregate("count(*)").fetchall()[0]
        needed += count
    return needed


def _tell_once(marts: dict[str, dict[str, Any]]) -> None:
    """One step of dbt makes all marts and each tells the seconds of that step: leave them with the first only."""
    for mart in list(marts.values())[1:]:
        for name in [name for name in mart if name.startswith("seconds_")]:
            del mart[name]


def main() -> None:
    lake = taxiway.open()
    told: dict[str, dict[str, Any]] = {}
    with open_instance(lake.settings) as instance:
        for event in materializations(instance):
            metadata = {name: value.value for name, value in event.metadata.items()}
            # A skipped partition may show what was told of it when it was last computed.
            if metadata["status"] == "skipped":
                continue
            table = told.setdefault(str(Address(*event.asset_key.path)), {"computed": []})
            table |= {name: value for name, value in metadata.items() if name.startswith("seconds_")}
            table["rows_read"] = metadata["rows_read"]
            if event.partition is not None:
                table["computed"].append(event.partition)
    _tell_once({at: table for at, table in told.items() if lake.workspace.project.table(at).transform is None})
    for at, table in told.items():
        months = sorted(table.pop("computed"))
        table["months"] = len(months)
        if months and Address.parse(at).layer in ("raw", "feature"):
            table["rows_needed"] = rows_needed(lake, lake.workspace.project.table(at), months)
    print(json.dumps(told))


if __name__ == "__main__":
    main()

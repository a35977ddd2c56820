"""A table that somebody else writes is an asset of its own kind in Dagster, before what reads it."""

from pathlib import Path

import dagster as dg
from deltalake import write_deltalake
from tests.unit.materialise.test_external import AT, SUMS, Orders, Sums, orders, sums
from tests.working import rows, workspace

from taxiway.connectors import External
from taxiway.orchestration import build_definitions
from taxiway.tables import Project, Table


def test_it_is_checked_in_a_run_with_what_reads_it(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "shop", orders("0.10", "0.20"))
    tables = (Table(AT, Orders, external=External(str(tmp_path / "shop"))), Table(SUMS, Sums, sums))
    place = workspace(tmp_path / "home", Project("shop", tables), parameters={})
    definitions = build_definitions(place.project, place.settings, workspace=place)
    key = dg.AssetKey(["external", "orders"])
    node = definitions.resolve_asset_graph().get(key)
    assert node.kinds == {"external", "deltalake", "portable"}
    assert node.automation_condition is not None
    assert node.child_keys == {dg.AssetKey(["feature", "sums"])}
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["dagster/row_count"].value == 2
    assert [row["shop"] for row in rows(place.lake, SUMS)] == ["A"]

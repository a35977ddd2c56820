"""What the UI shows of published rows: the first of them, and the pictures that a table draws."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace

import dagster as dg
import pyarrow as pa
from tests.unit.orchestration.world import PROJECT, World, key

from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions

MONTHS = ("2013-01", "2013-02")


def drawing(world: World, figures) -> World:
    """A world whose model/experience draws these figures, with two months landed."""
    tables = tuple(replace(t, figures=figures) if t.at == "model/experience" else t for t in PROJECT.tables)
    world.workspace = Workspace(replace(PROJECT, tables=tables), world.workspace.settings)
    world.defs = build_definitions(world.workspace.project, world.workspace.settings, workspace=world.workspace)
    world.land(*MONTHS)
    return world


def shown(world: World, at: str, partition: str | None) -> Mapping[str, dg.MetadataValue]:
    chosen = dg.AssetRecordsFilter(key(at), asset_partitions=[partition] if partition else None)
    (record,) = world.instance.fetch_materializations(chosen, limit=1).records
    assert record.asset_materialization is not None
    return record.asset_materialization.metadata


def count_as_picture(rows: pa.Table) -> Mapping[str, bytes]:
    return {"earlier_readings": str(rows["readings"].to_pylist()).encode()}


def test_the_first_rows_and_the_figures_are_shown_of_every_partition(world: World):
    drawing(world, count_as_picture)
    for _ in range(2):  # the second run skips, and shows them as well
        assert world.run_all(*MONTHS)
        for month in MONTHS:
            preview = shown(world, "raw/readings", month)["preview"]
            assert isinstance(preview, dg.TableMetadataValue)
            assert 0 < len(preview.records) <= 5
            assert {record.data["month"] for record in preview.records} == {month}
            figure = shown(world, "model/experience", month)["earlier_readings"]
            assert isinstance(figure, dg.MarkdownMetadataValue)
            name, _, data = str(figure.value).partition("](data:image/png;base64,")
            rows = world.workspace.lake.open(PROJECT.table("model/experience").address).partitions[month].rows
            assert (name, rows) == ("![earlier_readings", 1)
            readings = shown(world, "raw/readings", "2013-01")["dagster/row_count"].value if month > MONTHS[0] else 0
            assert b64decode(data.removesuffix(")")) == f"[{readings}]".encode()
        assert "preview" in shown(world, "mart/river_month", None)


def test_a_figure_that_cannot_be_drawn_loses_nothing(world: World):
    def broken(rows: pa.Table) -> Mapping[str, bytes]:
        raise ZeroDivisionError("no scale")

    assert drawing(world, broken).run_all(*MONTHS)
    metadata = shown(world, "model/experience", "2013-02")
    assert "preview" in metadata
    logged = [entry.message for entry in world.instance.all_logs(world.instance.get_runs()[0].run_id)]
    assert any("its figures could not be drawn: ZeroDivisionError('no scale')" in line for line in logged)

"""Where a column comes from is shown of every month, however the month was made."""

import dagster as dg
from tests.unit.orchestration.world import World, key

HISTORY = "feature/level_history"


def lineage(world: World, month: str | None = None) -> dg.TableColumnLineage:
    """Of the newest event, of a month or of all, which is where the UI looks for it."""
    chosen = dg.AssetRecordsFilter(key(HISTORY), asset_partitions=[month] if month else None)
    (record,) = world.instance.fetch_materializations(chosen, limit=1).records
    assert record.asset_materialization is not None
    found = record.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(found, dg.TableColumnLineage)
    sources = record.asset_materialization.metadata["column_sources"]
    assert isinstance(sources, dg.TableMetadataValue)
    shown = {str(each.data["column"]): each.data["from"] for each in sources.records}
    assert shown["river"] == "raw/gauges.river"
    assert set(shown) == set(found.deps_by_column)
    return found


def test_column_lineage_is_shown_of_a_range_of_a_month_and_of_what_was_skipped(world: World) -> None:
    world.land("2013-01", "2013-02")
    assert world.run_all("2013-01", "2013-02")
    of_river = [dg.TableColumnDep(key("raw/gauges"), "river")]
    assert {month: lineage(world, month).deps_by_column["river"] for month in ("2013-01", "2013-02")} == {
        "2013-01": of_river,
        "2013-02": of_river,
    }
    assert lineage(world).deps_by_column["river"] == of_river
    assert world.run([key(HISTORY)], partition="2013-01")
    assert lineage(world).deps_by_column["river"] == of_river

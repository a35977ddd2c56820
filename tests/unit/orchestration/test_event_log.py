"""The event log keeps databases open; what it writes is what Dagster's own storage reads."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from taxiway.orchestration.event_log import PooledSqliteEventLogStorage
from taxiway.orchestration.instance import open_instance
from taxiway.settings import load_settings

KEY = dg.AssetKey(["raw", "readings"])
RUNS = 12  # more than are kept open
MONTHS = dg.StaticPartitionsDefinition(["2013-01", "2013-02", "2013-03"])
LEVELS = dg.AssetKey(["feature", "levels"])


@dg.asset(key=KEY)
def readings(context: dg.AssetExecutionContext) -> None:
    for number in range(3):
        context.log_event(dg.AssetMaterialization(KEY, metadata={"number": number}))


@dg.multi_asset(
    specs=[dg.AssetSpec(LEVELS, code_version="1")],
    check_specs=[dg.AssetCheckSpec("rows", asset=LEVELS)],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def levels(context: dg.AssetExecutionContext) -> Iterator[Any]:
    yield dg.MaterializeResult(asset_key=LEVELS, data_version=dg.DataVersion("of all"), metadata={"rows": 3})
    first, *_, last = context.partition_keys
    if first == "2013-01":
        context.log_event(dg.AssetMaterialization(LEVELS, partition=last, tags={"dagster/data_version": "of the last"}))
    for month in context.partition_keys:
        yield dg.AssetCheckEvaluation(asset_key=LEVELS, check_name="rows", passed=month != last, partition=month)
    yield dg.AssetCheckResult(asset_key=LEVELS, check_name="rows", passed=False)


def test_what_is_logged_can_be_read_by_dagsters_own_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with open_instance(load_settings("local", home=tmp_path)) as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        runs = [dg.materialize([readings], instance=instance).run_id for _ in range(RUNS)]
        logged = [[entry.message for entry in instance.all_logs(run)] for run in runs]
    stock = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    assert [[entry.message for entry in stock.get_logs_for_run(run)] for run in runs] == logged
    assert len(stock.fetch_materializations(KEY, limit=1000).records) == 4 * RUNS


def test_events_that_are_stored_at_once_say_what_dagsters_own_storage_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "2")
    pooled = PooledSqliteEventLogStorage(str(tmp_path / "pooled"))
    batches: list[int] = []
    store_at_once = pooled.store_event_batch
    monkeypatch.setattr(
        pooled, "store_event_batch", lambda events: batches.append(len(events)) or store_at_once(events)
    )
    with instance_on(pooled) as instance:
        told = run_twice(instance)
    assert len(batches) > 4
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    with instance_on(SqliteEventLogStorage(str(tmp_path / "stock"))) as instance:
        assert run_twice(instance) == told


def test_a_batch_of_a_deployment_is_large_enough_for_a_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    with open_instance(load_settings("local", home=tmp_path)):
        assert int(os.environ["DAGSTER_EVENT_BATCH_SIZE"]) >= 100


def instance_on(storage: SqliteEventLogStorage) -> dg.DagsterInstance:
    """An instance in memory but for its event log."""
    instance = dg.DagsterInstance.ephemeral()
    instance._event_storage = storage
    storage.register_instance(instance)
    return instance


def run_twice(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Run a range and then a part of it; what the log then says, without ids and times."""
    runs = []
    for first in ("2013-01", "2013-02"):
        range_tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": "2013-03"}
        runs.append(dg.materialize([levels], instance=instance, tags=range_tags).run_id)
    log = instance.event_log_storage
    latest = log.get_latest_storage_id_by_partition(LEVELS, dg.DagsterEventType.ASSET_MATERIALIZATION)
    records = log.fetch_materializations(LEVELS, limit=100).records
    (asset,) = log.get_asset_records([LEVELS])
    last = asset.asset_entry.last_materialization
    assert last is not None
    materialized = last.asset_materialization
    assert materialized is not None
    checks = log.get_asset_check_execution_history(dg.AssetCheckKey(LEVELS, "rows"), limit=100)
    return {
        "told": [[(e.dagster_event_type, e.message) for e in instance.all_logs(r) if is_of_assets(e)] for r in runs],
        "materializations": [(r.partition_key, tags_of(r)) for r in records],
        "newest": {month: [r.storage_id for r in records].index(found) for month, found in latest.items()},
        "last": (materialized.partition, materialized.tags, asset.asset_entry.last_run_id == runs[-1]),
        "by tag": [
            sorted(found.items())
            for found in log.get_event_tags_for_asset(LEVELS, filter_tags={"dagster/data_version": "of the last"})
        ],
        "checks": sorted((c.partition or "", c.status.value, runs.index(c.run_id)) for c in checks),
    }


def is_of_assets(entry: dg.EventLogEntry) -> bool:
    return entry.dagster_event is not None and entry.dagster_event.event_type_value.startswith("ASSET_")


def tags_of(record: dg.EventLogRecord) -> list[tuple[str, str]]:
    assert record.asset_materialization is not None
    return sorted((record.asset_materialization.tags or {}).items())

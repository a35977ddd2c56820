"""The event log keeps databases open; what it writes is what Dagster's own storage reads."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from taxiway.orchestration.event_log import PooledSqliteEventLogStorage
from taxiway.orchestration.instance import open_instance
from taxiway.settings import load_settings

KEY = dg.AssetKey(["raw", "readings"])
RUNS = 12  # more than are kept open


@dg.asset(key=KEY)
def readings(context: dg.AssetExecutionContext) -> None:
    for number in range(3):
        context.log_event(dg.AssetMaterialization(KEY, metadata={"number": number}))


def test_what_is_logged_can_be_read_by_dagsters_own_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with open_instance(load_settings("local", home=tmp_path)) as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        runs = [dg.materialize([readings], instance=instance).run_id for _ in range(RUNS)]
        logged = [[entry.message for entry in instance.all_logs(run)] for run in runs]
    stock = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
    assert [[entry.message for entry in stock.get_logs_for_run(run)] for run in runs] == logged
    assert len(stock.fetch_materializations(KEY, limit=1000).records) == 4 * RUNS

"""In Dagster a source is the first asset of a table's lineage and a sink the last, and they follow by themselves."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from pydantic import SecretStr
from tests.postgres import PASSWORD, Database
from tests.unit.connectors.wells import RIVERS, WITH_SINKS, delivered, filled
from tests.working import workspace

from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.orchestration.sensors import LANDING_SENSOR

SINK_KEYS = {"sink/warehouse__feature_river_month", "sink/exports__feature_river_month"}
RANGE = {"dagster/asset_partition_range_start": "2013-01", "dagster/asset_partition_range_end": "2013-03"}


class Deployment:
    """What Dagster does in the deployment."""

    def __init__(self, home: Path, url: str) -> None:
        self.exports = home / "exports"
        urls = {"warehouse": SecretStr(url), "exports": SecretStr(str(self.exports))}
        self.place: Workspace = workspace(home / "home", WITH_SINKS, connections=urls, settle_seconds=0, parameters={})
        self.definitions = build_definitions(WITH_SINKS, self.place.settings, workspace=self.place)
        self.instance = dg.DagsterInstance.ephemeral()
        self._cursor: Any = None

    def run(self, *keys: str, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(key.split("/")) for key in keys],
            tags=tags,
            raise_on_error=False,
        )

    def make(self) -> None:
        """Everything but the sinks."""
        assert self.run("source/readings", "source/gauges").success
        self.make_tables()

    def make_tables(self) -> None:
        assert self.run("raw/gauges").success
        assert self.run("raw/readings", "feature/level_history", tags=RANGE).success
        assert self.run(RIVERS).success

    def look(self, cursor: str | None) -> dg.SensorResult:
        """A look of the landing sensor; a file has to be unchanged between two."""
        sensor = self.definitions.get_repository_def().get_sensor_def(LANDING_SENSOR)
        with dg.build_sensor_context(self.instance, cursor, resources={"workspace": self.place}) as context:
            seen = sensor(context)
        assert isinstance(seen, dg.SensorResult)
        return seen

    def tick(self, at: datetime | None = None) -> set[str]:
        """What the conditions of the assets ask for."""
        now = at or datetime.now(UTC)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, cursor=self._cursor, evaluation_time=now
        )
        self._cursor = found.cursor
        keys = self.definitions.resolve_asset_graph().get_all_asset_keys()
        return {key.to_user_string() for key in keys if found.get_num_requested(key)}

    def metadata(self, key: str) -> dict[str, Any]:
        event = self.instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.fixture
def deployment(database: Database, tmp_path: Path) -> Deployment:
    return Deployment(tmp_path, filled(database).url)


def test_they_are_assets_of_the_lineage(tmp_path: Path) -> None:
    """Loading definitions reaches no database."""
    graph = Deployment(tmp_path, "postgresql://me:top-secret@127.0.0.1:1/x").definitions.resolve_asset_graph()
    readings = graph.get(dg.AssetKey(["landing", "readings"]))
    assert {key.to_user_string() for key in readings.parent_keys} == {"source/readings"}
    rivers = graph.get(dg.AssetKey(RIVERS.split("/")))
    assert {key.to_user_string() for key in rivers.child_keys} == SINK_KEYS
    kinds = {key: set(graph.get(dg.AssetKey(key.split("/"))).kinds) for key in {"source/readings", *SINK_KEYS}}
    assert kinds == {
        "source/readings": {"postgres"},
        "sink/warehouse__feature_river_month": {"postgres"},
        "sink/exports__feature_river_month": {"parquet"},
    }


def test_a_source_delivers_and_says_what(deployment: Deployment) -> None:
    assert deployment.run("source/readings").success
    told = deployment.metadata("source/readings")
    assert (told["files"], told["new_files"], len(told["delivered"].records)) == (3, 3, 3)
    assert deployment.run("source/readings").success
    assert deployment.metadata("source/readings") == {"files": 0, "new_files": 0}


def test_what_a_source_delivered_is_asked_for_by_the_landing_sensor(deployment: Deployment) -> None:
    deployment.run("source/readings")
    requests = deployment.look(deployment.look(None).cursor).run_requests
    assert requests is not None
    (request,) = requests
    assert {key.to_user_string() for key in request.asset_selection or ()} == {"raw/readings"}
    assert request.tags.items() >= RANGE.items()


def test_a_source_is_asked_by_its_schedule(deployment: Deployment) -> None:
    start = datetime(2026, 1, 1, 10, 59, tzinfo=UTC)
    sources = {"source/readings", "source/gauges"}
    deployment.tick(start)
    assert not deployment.tick(start + timedelta(seconds=30)) & sources
    assert deployment.tick(start + timedelta(minutes=2)) & sources == sources
    assert not deployment.tick(start + timedelta(minutes=3)) & sources


def test_a_sink_follows_its_table(deployment: Deployment, database: Database) -> None:
    deployment.tick()
    deployment.make()
    assert deployment.tick() & SINK_KEYS == SINK_KEYS
    assert deployment.run(*SINK_KEYS).success
    assert not deployment.tick() & SINK_KEYS
    rows = "SELECT river, month, readings FROM bi.river_month ORDER BY 1, 2"
    assert database.rows(rows)[0] == ("Elbe", "2013-01", 124)
    file = deployment.exports / "feature" / "river_month.parquet"
    assert [tuple(row.values()) for row in pq.read_table(file).to_pylist()] == database.rows(rows)
    state = deployment.place.lake.open(WITH_SINKS.table(RIVERS).address).partitions["*"]
    for key, place in zip(sorted(SINK_KEYS), [str(file), "warehouse: bi.river_month"], strict=True):
        told = deployment.metadata(key)
        assert (told["dagster/row_count"], told["written"]) == (6, True)
        assert (told["data_version"], told["place"]) == (state.data_version, place)

    database.do("DELETE FROM river.readings WHERE read_at = '2013-02-05 00:00Z'")
    delivered(deployment.place)
    deployment.make_tables()
    assert deployment.tick() & SINK_KEYS == SINK_KEYS
    assert deployment.run(*SINK_KEYS).success
    assert database.rows(f"{rows} LIMIT 2")[1] == ("Elbe", "2013-02", 111)
    assert stale(deployment) == []


def test_a_table_that_comes_out_as_it_was_asks_for_no_sink(deployment: Deployment) -> None:
    deployment.tick()
    deployment.make()
    deployment.tick()
    deployment.run(*SINK_KEYS)
    deployment.tick()
    assert deployment.run(RIVERS, tags={"taxiway/force": "true"}).success
    assert not deployment.tick() & SINK_KEYS
    assert deployment.run(*SINK_KEYS).success
    assert deployment.metadata(min(SINK_KEYS))["written"] is False
    assert deployment.run("source/readings", "source/gauges").success
    assert stale(deployment) == []


def test_a_failure_is_told_in_one_line_and_nowhere_is_a_secret(deployment: Deployment, database: Database) -> None:
    deployment.make()
    database.do("CREATE SCHEMA bi; CREATE TABLE bi.river_month AS SELECT 1 AS theirs")
    result = deployment.run(*SINK_KEYS)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    told = failed.step_failure_data.user_failure_data
    assert told is not None
    assert told.description is not None
    assert told.description.startswith("warehouse: bi.river_month is there and was not made from feature/river_month")
    assert (deployment.exports / "feature" / "river_month.parquet").is_file()
    logged = list(log_of(deployment.instance))
    assert logged
    assert not [text for text in logged if PASSWORD in text or "s3cret" in text]


def test_a_wrong_password_is_in_no_log(database: Database, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, database.url_of("taxiway", "top-secret"))
    assert not deployment.run("source/readings").success
    logged = list(log_of(deployment.instance))
    assert [text for text in logged if "password authentication failed" in text]
    assert not [text for text in logged if "top-secret" in text]


def log_of(instance: dg.DagsterInstance) -> Iterator[str]:
    """All that Dagster has recorded, as it stores it."""
    for run in instance.get_runs():
        yield from (dg.serialize_value(entry) for entry in instance.all_logs(run.run_id))


def stale(deployment: Deployment) -> Sequence[str]:
    """What Dagster shows as stale of raw table, features and sinks."""
    graph = deployment.definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(deployment.instance, graph, LoadingContextForTest(deployment.instance))
    monthly = [(key, f"2013-0{month}") for key in ("raw/readings", "feature/level_history") for month in (1, 2, 3)]
    wanted = [*monthly, *((key, None) for key in (RIVERS, *sorted(SINK_KEYS)))]
    found = [(key, month, resolver.get_status(dg.AssetKey(key.split("/")), month)) for key, month in wanted]
    return [f"{key} {month}" for key, month, status in found if status is not StaleStatus.FRESH]

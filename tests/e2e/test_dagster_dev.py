"""The flights in a real Dagster: materialise, backfill, read checks, and a corrected file that the sensors follow."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.dagster_dev import REPOSITORY, RUN_S, Dagster, running

from flights.publisher import deliveries
from taxiway.addresses import Address
from taxiway.lake import Lake
from taxiway.landing import LandingZone
from taxiway.storage import Store

ROWS = {"2013-01": 27_004, "2013-02": 24_951, "2013-03": 28_834}
MONTHS = tuple(ROWS)
FLIGHTS, FEATURE, CONGESTION = ["raw", "flights"], ["feature", "flights"], ["feature", "origin_congestion"]
WEATHER = ["raw", "weather"]
TAILNUM = (b"N14228", b"N14229")

LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
RUNS = """{ runsOrError { ... on Runs { results {
    runId status tags { key value } assetSelection { path } } } } }"""
BACKFILL_STATUS = (
    "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)
ASSET = """query($key: AssetKeyInput!, $partitions: [String!]) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetMaterializations(partitions: $partitions, limit: 1) { partition runId tags { key value }
        metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }"""
CHECKS = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
        status evaluation { success partition severity } } } } } } } }"""
SENSOR = """mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) {
    __typename ... on Sensor { sensorState { status } } ... on PythonError { message } } }"""
TICKS = """query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {
    sensorState { ticks(limit: 20) { status skipReason runIds error { message } } } } } }"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    for name, data in deliveries(MONTHS):
        if name.startswith("flights") or name == "airports.csv":
            LandingZone(Store(str(home / "landing"))).deliver(name, data)
    return home


@pytest.fixture(scope="module")
def dagster(home: Path) -> Iterator[Dagster]:
    months = {"first": MONTHS[0], "end": "2013-04"}
    with running(home, automation="false", settle_seconds="1", **months) as started:
        yield started


def materialise(dagster: Dagster, *assets: Sequence[str], month: str | None = None) -> None:
    tags = [{"key": "dagster/partition", "value": month}] if month else []
    selector = REPOSITORY | {
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": path} for path in assets],
        "assetCheckSelection": None,
    }
    params = {"selector": selector, "mode": "default", "runConfigData": "{}", "executionMetadata": {"tags": tags}}
    launched = dagster.ask(LAUNCH, params=params)["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    finished(dagster, launched["run"]["runId"])


def finished(dagster: Dagster, run_id: str) -> None:
    def look() -> str | None:
        status = dagster.ask(RUN, id=run_id)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert dagster.wait(f"run {run_id} to end", RUN_S, look) == "SUCCESS"


def latest(dagster: Dagster, asset: Sequence[str], month: str | None = None) -> Mapping[str, Any] | None:
    """The newest materialisation, with its tags and numbers by name."""
    node = dagster.ask(ASSET, key={"path": asset}, partitions=[month] if month else None)["assetNodeOrError"]
    for event in node["assetMaterializations"]:
        numbers = {entry["label"]: entry["intValue"] for entry in event["metadataEntries"] if "intValue" in entry}
        return event | {"tags": {tag["key"]: tag["value"] for tag in event["tags"]}, "numbers": numbers}
    return None


def version(dagster: Dagster, asset: Sequence[str], month: str) -> str:
    event = latest(dagster, asset, month)
    assert event is not None, f"{asset} {month} was never materialised"
    return event["tags"]["dagster/data_version"]


@pytest.mark.timeout(600)
def test_a_day_in_the_life_of_a_deployment(dagster: Dagster, home: Path) -> None:
    materialise(dagster, FLIGHTS, ["raw", "airports"], month="2013-01")
    january = latest(dagster, FLIGHTS, "2013-01")
    assert january is not None
    assert january["numbers"]["dagster/row_count"] == 27_004
    assert january["numbers"]["rejected_rows"] == 0
    assert Lake(Store(str(home / "lake"))).open(Address("raw", "flights")).partitions["2013-01"].rows == 27_004

    backfilled = backfill(dagster, FLIGHTS, FEATURE)
    for month in ROWS:
        dagster.wait(f"the backfill of {month}", RUN_S, partial(latest, dagster, FEATURE, month))
    assert len([run for run in all_runs(dagster) if FEATURE in paths(run)]) == 1, "a backfill is one run over the range"
    # The step's own event comes before those of its months, which say more.
    dagster.wait("the range's run to end", RUN_S, partial(idle, dagster))
    for month, rows in ROWS.items():
        event = latest(dagster, FEATURE, month)
        assert event is not None
        assert event["numbers"]["dagster/row_count"] == rows
    checks = dagster.ask(CHECKS, key={"path": FEATURE})["assetNodeOrError"]["assetChecksOrError"]["checks"]
    executed = {check["name"]: check["executionForLatestMaterialization"] for check in checks}
    assert {name: check["status"] for name, check in executed.items()} == {
        "schema": "SUCCEEDED",
        "key": "SUCCEEDED",
        "rows": "FAILED",
    }
    assert executed["rows"]["evaluation"]["severity"] == "WARN", "one arrival in March, when the clocks changed"

    before = {month: version(dagster, FLIGHTS, month) for month in MONTHS}
    known = {run["runId"] for run in all_runs(dagster)}
    for month in MONTHS:
        deliver(home, f"weather-{month}.csv")
    start(dagster, "landing_zone")
    dagster.wait("the sensor to ask for the weather", RUN_S, partial(latest, dagster, WEATHER, "2013-03"))
    dagster.wait("that run to end", RUN_S, partial(idle, dagster))
    (asked,) = (run for run in all_runs(dagster) if run["runId"] not in known)
    assert paths(asked) == [WEATHER], "the flights and airports that are published already ask for nothing"
    assert [tags(asked)[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")] == ["2013-01", "2013-03"]
    start(dagster, "follow_inputs")
    dagster.wait("two ticks of follow_inputs", RUN_S, partial(ticks, dagster, "follow_inputs", 2))
    assert {run["runId"] for run in all_runs(dagster)} == known | {asked["runId"]}, "it follows changes from now on"

    deliver(home, "flights-2013-03.csv", TAILNUM)
    dagster.wait("the raw month to follow its file", RUN_S, partial(moved, dagster, "2013-03", before["2013-03"]))
    dagster.wait("automation to compute what follows", RUN_S, partial(followed, dagster, "2013-03"))
    after = {month: version(dagster, FLIGHTS, month) for month in MONTHS}
    assert {month for month in MONTHS if after[month] != before[month]} == {"2013-03"}
    assert [latest(dagster, CONGESTION, month) for month in MONTHS[:2]] == [None, None], "they do not depend on March"
    (asked,) = (run for run in all_runs(dagster) if run["runId"] not in known and FLIGHTS in paths(run))
    assert tags(asked)["dagster/partition"] == "2013-03"
    assert tags(asked)["taxiway/landed"] == "flights-2013-03.csv"
    assert dagster.ask(BACKFILL_STATUS, id=backfilled)["partitionBackfillOrError"]["status"] == "COMPLETED_SUCCESS"


def start(dagster: Dagster, sensor: str) -> None:
    started = dagster.ask(SENSOR, selector=REPOSITORY | {"sensorName": sensor})["startSensor"]
    assert started["__typename"] == "Sensor", started


def deliver(home: Path, wanted: str, change: tuple[bytes, bytes] = (b"", b"")) -> None:
    (data,) = (data for name, data in deliveries(MONTHS) if name == wanted)
    assert change[0] in data
    LandingZone(Store(str(home / "landing"))).deliver(wanted, data.replace(*change) if change[0] else data)


def backfill(dagster: Dagster, *assets: Sequence[str]) -> str:
    params = {"assetSelection": [{"path": path} for path in assets], "partitionNames": MONTHS}
    launched = dagster.ask(BACKFILL, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    return launched["backfillId"]


def idle(dagster: Dagster) -> bool | None:
    underway = [run for run in all_runs(dagster) if run["status"] not in ("SUCCESS", "FAILURE", "CANCELED")]
    return None if underway else True


def followed(dagster: Dagster, month: str) -> bool | None:
    all_runs(dagster)
    return None if latest(dagster, CONGESTION, month) is None else True


def moved(dagster: Dagster, month: str, before: str) -> bool | None:
    all_runs(dagster)
    return True if version(dagster, FLIGHTS, month) != before else None


def ticks(dagster: Dagster, sensor: str, number: int) -> bool | None:
    state = dagster.ask(TICKS, selector=REPOSITORY | {"sensorName": sensor})["sensorOrError"]["sensorState"]
    assert not [tick["error"] for tick in state["ticks"] if tick["error"]]
    return (
        True if len([tick for tick in state["ticks"] if tick["status"] in ("SKIPPED", "SUCCESS")]) >= number else None
    )


def all_runs(dagster: Dagster) -> list[Mapping[str, Any]]:
    runs = dagster.ask(RUNS)["runsOrError"]["results"]
    assert not [run for run in runs if run["status"] in ("FAILURE", "CANCELED")]
    return runs


def paths(run: Mapping[str, Any]) -> list[list[str]]:
    return [asset["path"] for asset in run["assetSelection"] or []]


def tags(run: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}

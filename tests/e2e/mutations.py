"""Every mutation of Dagster's GraphQL with arguments that would have it do something, and what could come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from tests.e2e.dagster_dev import REPOSITORY

SCHEMA = """{ __schema { mutationType { fields { name args { ...named } type { ofType { kind } } } } } }
    fragment named on __InputValue { name type { ...type ofType { ...type ofType { ...type ofType { ...type } } } } }
    fragment type on __Type { kind name }"""

_TERMINATED = "__typename ... on TerminateRunFailure { message }"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


@dataclass(frozen=True)
class Facts:
    """What there is in the deployment to be changed: runs and backfills, one of each `done`, one `waiting`; ids of the
    states of a sensor and a schedule."""

    done: str
    waiting: str
    done_backfill: str
    waiting_backfill: str
    sensor: str
    schedule: str


def all_mutations(facts: Facts) -> Mapping[str, Mapping[str, Any]]:
    """The arguments of each mutation, by its name."""
    key = {"path": ["raw", "airlines"]}
    selector = {**REPOSITORY, "pipelineName": "__ASSET_JOB", "assetSelection": [key]}
    launch = {"selector": selector, "runConfigData": "{}", "mode": "default"}
    again = {"parentRunId": facts.done, "strategy": "ALL_STEPS"}
    sensor, schedule = {**REPOSITORY, "sensorName": "landing_zone"}, {**REPOSITORY, "scheduleName": "upkeep"}
    dynamic = {"repositorySelector": REPOSITORY, "partitionsDefName": "planes"}
    component = {"locationName": "flights", "componentId": "delays"}
    event = {"eventType": "ASSET_MATERIALIZATION", "assetKey": key}
    check = {"assetKey": key, "checkName": "rows", "passed": True}
    telemetry = {"action": "looked", "clientTime": "1", "clientId": "1", "metadata": "{}"}
    return {
        "launchPipelineExecution": {"executionParams": launch},
        "launchRun": {"executionParams": launch},
        "launchMultipleRuns": {"executionParamsList": [launch]},
        "launchPipelineReexecution": {"reexecutionParams": again},
        "launchRunReexecution": {"reexecutionParams": again},
        "startSchedule": {"scheduleSelector": schedule},
        "stopRunningSchedule": {"id": facts.schedule},
        "resetSchedule": {"scheduleSelector": schedule},
        "startSensor": {"sensorSelector": sensor},
        "setSensorCursor": {"sensorSelector": sensor, "cursor": "elsewhere"},
        "stopSensor": {"id": facts.sensor},
        "resetSensor": {"sensorSelector": sensor},
        "sensorDryRun": {"selectorData": sensor, "cursor": ""},
        "scheduleDryRun": {"selectorData": schedule, "timestamp": 1_700_000_000.0},
        "terminatePipelineExecution": {"runId": facts.waiting},
        "terminateRun": {"runId": facts.waiting},
        "terminateRuns": {"runIds": [facts.waiting]},
        "deletePipelineRun": {"runId": facts.done},
        "deleteRun": {"runId": facts.done},
        "reloadRepositoryLocation": {"repositoryLocationName": "flights"},
        "reloadWorkspace": {},
        "shutdownRepositoryLocation": {"repositoryLocationName": "flights"},
        "wipeAssets": {"assetPartitionRanges": [{"assetKey": key}]},
        "reportRunlessAssetEvents": {"eventParams": event},
        "reportAssetCheckEvaluations": {"eventParams": check},
        "launchPartitionBackfill": {"backfillParams": BACKFILL},
        "resumePartitionBackfill": {"backfillId": facts.done_backfill},
        "reexecutePartitionBackfill": {"reexecutionParams": {**again, "parentRunId": facts.done_backfill}},
        "cancelPartitionBackfill": {"backfillId": facts.waiting_backfill},
        "logTelemetry": telemetry,
        "setNuxSeen": {},
        "addDynamicPartition": {**dynamic, "partitionKey": "N14228"},
        "deleteDynamicPartitions": {**dynamic, "partitionKeys": ["N14228"]},
        "setAppManagedComponent": {**component, "componentType": "dagster.DefsFolderComponent", "attributes": "{}"},
        "deleteAppManagedComponent": component,
        "refreshComponentState": {"locationName": "flights", "defsStateKey": "delays"},
        "setAutoMaterializePaused": {"paused": True},
        "setConcurrencyLimit": {"concurrencyKey": "lake", "limit": 1},
        "deleteConcurrencyLimit": {"concurrencyKey": "lake"},
        "freeConcurrencySlotsForRun": {"runId": facts.waiting},
        "freeConcurrencySlots": {"runId": facts.waiting},
    }


LET_PASS = frozenset({"logTelemetry", "setNuxSeen"})
"""What `dagster-webserver --read-only` does for anybody: the second writes a file."""

BACKFILL = {"assetSelection": [{"path": ["raw", "flights"]}], "partitionNames": ["2013-01"]}
"""A backfill of one month."""


def document(mutation: Mapping[str, Any]) -> str:
    """The text of a mutation of the schema, whose variables have its arguments' names."""
    types = {each["name"]: _written(each["type"]) for each in mutation["args"]}
    declared = ", ".join(f"${name}: {kind}" for name, kind in types.items())
    given = ", ".join(f"{name}: ${name}" for name in types)
    several = {
        "launchMultipleRuns": "... on LaunchMultipleRunsResult { launchMultipleRunsResult { __typename } }",
        "terminateRuns": f"... on TerminateRunsResult {{ terminateRunResults {{ {_TERMINATED} }} }}",
    }
    more = several.get(mutation["name"], _TERMINATED if mutation["name"].startswith("terminate") else "")
    asked = "" if mutation["type"]["ofType"]["kind"] == "SCALAR" else f"{{ __typename {more} }}"
    call = f"{mutation['name']}{f'({given})' * bool(types)}"
    return f"mutation{f'({declared})' * bool(types)} {{ {call} {asked} }}"


def _written(kind: Mapping[str, Any]) -> str:
    inner = {"NON_NULL": "{}!", "LIST": "[{}]"}.get(kind["kind"])
    return kind["name"] if inner is None else inner.format(_written(kind["ofType"]))


def stored(url: str, home: Path) -> Mapping[str, Any]:
    """All that Dagster keeps: the rows of each table of its storage, and the names of its files."""
    found: dict[str, Any] = {"files": sorted(str(path) for path in home.rglob("*"))}
    with psycopg2.connect(url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = cursor.fetchall()
    return found

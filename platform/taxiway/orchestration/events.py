"""What Dagster is told of a materialisation: an event a partition with its data version, checks with their evidence."""

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import dagster as dg

from taxiway.contracts import TableContract, Verdict
from taxiway.contracts.guard import KEY
from taxiway.lake import WHOLE
from taxiway.materialise import Outcome, PartitionResult

CHECKS = {
    "schema": "The columns and their types are those of the contract.",
    "key": "No key occurs more than once.",
    "rows": "Every row and every partition keeps the rules of the contract.",
}
_LONGEST_TEXT = 160
_DATA_VERSION = "dagster/data_version"
_USER_PROVIDED = "dagster/data_version_is_user_provided"


def column_schema(contract: TableContract) -> dg.TableSchema:
    """The contract's columns as Dagster shows them: type, description, unit, when known."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(contract.schema.field(name).type),
                description=_described(column.description, column.unit, column.known_at),
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=contract.key == (name,)),
            )
            for name, column in contract.columns.items()
        ]
    )


@dataclass(frozen=True)
class Input:
    """An input of a step as Dagster knew it when the step began: its asset, and its newest event there."""

    key: dg.AssetKey
    pointer: int | None


def inputs_now(instance: dg.DagsterInstance, sources: Mapping[str, dg.AssetKey]) -> dict[str, Input]:
    """What Dagster knows now of the inputs that a provenance calls by the names in `sources`."""
    found = {}
    for name, key in sources.items():
        records = instance.fetch_materializations(key, limit=1).records
        found[name] = Input(key, records[0].storage_id if records else None)
    return found


def last_event(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str) -> dg.AssetMaterialization | None:
    """The newest materialisation of a partition that Dagster knows."""
    partitions = None if partition == WHOLE else [partition]
    records = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=partitions), limit=1).records
    return records[0].asset_materialization if records else None


def data_version(event: dg.AssetMaterialization | None) -> str | None:
    """The data version that an event tells of."""
    return (event.tags or {}).get(_DATA_VERSION) if event is not None else None


def delivery(
    key: dg.AssetKey, partition: str, name: str, digest: str, metadata: Mapping[str, Any] | None = None
) -> dg.AssetMaterialization:
    """The event of a delivered file; its content is its data version."""
    return dg.AssetMaterialization(
        key,
        partition=None if partition == WHOLE else partition,
        description=f"{name} lies in the landing zone.",
        tags={_DATA_VERSION: digest, _USER_PROVIDED: "true"},
        metadata={"file": name, "sha256": digest, **(metadata or {})},
    )


def provenance_tags(outcome: Outcome, result: PartitionResult, inputs: Mapping[str, Input]) -> dict[str, str]:
    """The tags from which Dagster tells whether a partition is stale: code, and every input as it was read.

    Of an input with partitions Dagster compares the events since the pointer, of another one the version.
    """
    tags = {"dagster/code_version": outcome.fingerprint}
    for name, source in inputs.items():
        versions = sorted(version for version in result.inputs.get(name, {}).values() if version is not None)
        read = versions[0] if len(versions) == 1 else sha256("".join(versions).encode()).hexdigest()
        label = source.key.to_user_string()
        tags[f"dagster/input_data_version/{label}"] = read
        tags[f"dagster/input_event_pointer/{label}"] = str(source.pointer) if source.pointer is not None else "NULL"
    return tags


def materialization(
    key: dg.AssetKey, result: PartitionResult, tags: Mapping[str, str], metadata: Mapping[str, Any]
) -> dg.AssetMaterialization:
    """The event of one partition of a range that is up to date."""
    version = {_DATA_VERSION: result.data_version or "", _USER_PROVIDED: "true"}
    return dg.AssetMaterialization(key, partition=result.partition, tags={**version, **tags}, metadata=metadata)


def partition_metadata(outcome: Outcome, result: PartitionResult) -> dict[str, Any]:
    """What is worth knowing of one partition: rows, rejected rows, bytes, version, and what was done."""
    known = {
        "status": result.status,
        "dagster/row_count": result.rows,
        "rejected_rows": result.rejected,
        "malformed_records": result.malformed,
        "bytes": result.bytes,
        "delta_version": outcome.version,
        "engine": outcome.engine,
        "rows_read": outcome.rows_read,
        "warnings": "; ".join(result.warnings) or None,
    }
    seconds = {f"seconds_{phase}": round(value, 3) for phase, value in outcome.seconds.items()}
    return {name: value for name, value in (known | seconds).items() if value is not None}


def resources_used(cpu_before: float) -> dict[str, Any]:
    """CPU seconds of this process since `time.process_time()` was `cpu_before`, and its peak memory."""
    return {
        "cpu_seconds": round(time.process_time() - cpu_before, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def check_evaluations(key: dg.AssetKey, results: Sequence[PartitionResult]) -> Iterator[dg.AssetCheckEvaluation]:
    """Each check of each partition that the guard judged."""
    for result in results:
        if result.verdict is None:
            continue
        partition = None if result.partition == WHOLE else result.partition
        for check in CHECKS:
            passed, severity = _judged(check, result.verdict)
            yield dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=check,
                passed=passed,
                severity=severity,
                partition=partition,
                description=None if passed else result.verdict.message,
                metadata=evidence(check, [result]),
            )


def check_results(key: dg.AssetKey, results: Sequence[PartitionResult]) -> Iterator[dg.AssetCheckResult]:
    """Each check over all partitions of a step.

    What the guard did not have to judge again is as it was: published, less the rows that were rejected then.
    """
    for check in CHECKS:
        judged = [_judged(check, result.verdict) for result in results if result.verdict is not None]
        failed = [severity for passed, severity in judged if not passed]
        messages = [r.message for r in results if r.message]
        if check == "rows":
            rejected = [r for r in results if r.status == "skipped" and r.rejected]
            failed += [dg.AssetCheckSeverity.WARN for _ in rejected]
            messages += [f"{r.partition}: still without the rows in quarantine, {r.rejected}." for r in rejected]
        unread = [r for r in results if r.status == "refused" and r.verdict is None]
        error = dg.AssetCheckSeverity.ERROR in failed or (check == "schema" and bool(unread))
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=check,
            passed=not failed and not error,
            severity=dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN,
            description=" ".join(messages) or None,
            metadata=evidence(check, results),
        )


def check_results_again(key: dg.AssetKey, results: Sequence[PartitionResult]) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of the checks once more, as being of no event in particular, so that Dagster goes by the time.

    It takes those of a step over one month for checks of that month's last event, and shows none where another
    month has a later one.
    """
    for result in check_results(key, results):
        yield dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=str(result.check_name),
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
        )


def evidence(check: str, results: Sequence[PartitionResult]) -> dict[str, Any]:
    """The failing rules with their counts, and the sample rows of each, as tables."""
    rules = [
        {
            "partition": result.partition,
            "rule": failure.reason,
            "severity": failure.severity,
            "count": failure.count if failure.kind == "row" else None,
            "rows": result.verdict.rows,
        }
        for result in results
        if result.verdict is not None and check == "rows"
        for failure in result.verdict.failures
    ]
    metadata: dict[str, Any] = {"failing_rules": table_of(rules)} if rules else {}
    for result in results:
        for rule, rows in result.samples.items():
            if (rule == KEY) == (check == "key") and check != "schema":
                metadata[f"samples {result.partition} {rule}"] = table_of(rows.to_pylist())
    return metadata


def table_of(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Rows as a table of numbers and texts; long texts are cut, an event is no place for a model's."""
    shown = [{name: _shown(value) for name, value in row.items()} for row in rows]
    columns = [dg.TableColumn(name, "string") for name in (shown[0] if shown else {})]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in shown], schema=dg.TableSchema(columns))


def _judged(check: str, verdict: Verdict) -> tuple[bool, dg.AssetCheckSeverity]:
    if check == "key":
        return verdict.is_unique, dg.AssetCheckSeverity.ERROR
    if check == "rows" and verdict.failures:
        blocked = not verdict.published
        return False, dg.AssetCheckSeverity.ERROR if blocked else dg.AssetCheckSeverity.WARN
    return True, dg.AssetCheckSeverity.ERROR


def _shown(value: Any) -> str | int | float | bool | None:
    if isinstance(value, int | float | bool) or value is None:
        return value
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _described(description: str, unit: str | None, known_at: str | None) -> str:
    notes = [f"unit: {unit}" if unit else "", f"known from {known_at}" if known_at else ""]
    return "; ".join([description, *filter(None, notes)])

"""What Dagster is told of a materialisation: an event a partition with its data version, checks with their evidence."""

import resource
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import dagster as dg

from taxiway.contracts import TableContract, Verdict
from taxiway.contracts.guard import KEY
from taxiway.contracts.verdict import Failure
from taxiway.lake import WHOLE, Finding, PartitionState
from taxiway.materialise import Outcome, PartitionResult
from taxiway.orchestration.keys import to_dagster

CHECKS = {
    "schema": "The columns and their types are those of the contract.",
    "key": "No key occurs more than once.",
    "rows": "Every published row and partition keeps the rules of the contract, and was delivered as it should be.",
}
FAILING_RULES = "failing_rules"
_LONGEST_TEXT = 160
# Of partitions and of broken rules: an event is no place for a report.
_SENTENCES, _RULES = 12, 200
_FOREIGN = "written by another program, so no rule was asked of it; make it again"
_DATA_VERSION = "dagster/data_version"
_USER_PROVIDED = "dagster/data_version_is_user_provided"


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of every table. They block: what fails one is not published, and no later step of the run reads it."""
    return [dg.AssetCheckSpec(name, asset=key, description=text, blocking=True) for name, text in CHECKS.items()]


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
    partitions = None if partition == WHOLE else [to_dagster(partition)]
    records = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=partitions), limit=1).records
    return records[0].asset_materialization if records else None


def data_version(event: dg.AssetMaterialization | None) -> str | None:
    """The data version that an event tells of."""
    return (event.tags or {}).get(_DATA_VERSION) if event is not None else None


def delivery(
    key: dg.AssetKey, partition: str, files: Mapping[str, str], metadata: Mapping[str, Any] | None = None
) -> dg.AssetMaterialization:
    """The event of the delivered files of a partition, digests by name; their content is its data version."""
    if len(files) == 1:
        ((name, digest),) = files.items()
        told: dict[str, Any] = {"file": name, "sha256": digest}
    else:
        name = f"{len(files)} files: {', '.join(files)}"
        told = {"files": table_of([{"file": each, "sha256": digest} for each, digest in files.items()])}
    return dg.AssetMaterialization(
        key,
        partition=None if partition == WHOLE else to_dagster(partition),
        description=f"{name} {'lies' if len(files) == 1 else 'lie'} in the landing zone.",
        tags={_DATA_VERSION: version_of(files.values()), _USER_PROVIDED: "true"},
        metadata={**told, **(metadata or {})},
    )


def version_of(versions: Iterable[str]) -> str:
    """One version for several, the same in any order; that of a single one itself."""
    ordered = sorted(versions)
    return ordered[0] if len(ordered) == 1 else sha256("".join(ordered).encode()).hexdigest()


def provenance_tags(outcome: Outcome, result: PartitionResult, inputs: Mapping[str, Input]) -> dict[str, str]:
    """The tags from which Dagster tells whether a partition is stale: code, and every input as it was read.

    Of an input with partitions Dagster compares the events since the pointer, of another one the version.
    """
    tags = {"dagster/code_version": outcome.fingerprint}
    for name, source in inputs.items():
        read = version_of(version for version in result.inputs.get(name, {}).values() if version is not None)
        label = source.key.to_user_string()
        tags[f"dagster/input_data_version/{label}"] = read
        tags[f"dagster/input_event_pointer/{label}"] = str(source.pointer) if source.pointer is not None else "NULL"
    return tags


def materialization(
    key: dg.AssetKey, result: PartitionResult, tags: Mapping[str, str], metadata: Mapping[str, Any]
) -> dg.AssetMaterialization:
    """The event of one partition of a range that is up to date."""
    version = {_DATA_VERSION: result.data_version or "", _USER_PROVIDED: "true"}
    return dg.AssetMaterialization(
        key, partition=to_dagster(result.partition), tags={**version, **tags}, metadata=metadata
    )


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


Known = Mapping[str, PartitionState]
"""What is known of the published partitions of a table."""


def check_evaluations(
    key: dg.AssetKey, results: Sequence[PartitionResult], known: Known
) -> Iterator[dg.AssetCheckEvaluation]:
    """Each check of each partition that the guard judged."""
    for result in results:
        if result.verdict is None:
            continue
        partition = None if result.partition == WHOLE else result.partition
        own = {result.partition: known[result.partition]} if result.partition in known else {}
        yield from (_evaluation(key, check, [result], own, partition) for check in CHECKS)


def check_results(key: dg.AssetKey, results: Sequence[PartitionResult], known: Known) -> Iterator[dg.AssetCheckResult]:
    """Each check of the table: what is known of all its published partitions, and what this step refused."""
    for found in (_evaluation(key, check, results, known) for check in CHECKS):
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=found.check_name,
            passed=found.passed,
            severity=found.severity,
            description=found.description,
            metadata=found.metadata,
        )


def check_results_again(
    key: dg.AssetKey, results: Sequence[PartitionResult], known: Known
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of the checks once more, as being of no event in particular, so that Dagster goes by the time.

    It takes those of a step over one partition for checks of that one's last event, and shows none where another has a
    later one.
    """
    yield from (_evaluation(key, check, results, known) for check in CHECKS)


def _evaluation(
    key: dg.AssetKey,
    check: str,
    results: Sequence[PartitionResult],
    known: Known,
    partition: str | None = None,
) -> dg.AssetCheckEvaluation:
    """An error where the step refused something, a warning where what is published is not as it should be."""
    refused = [result for result in results if result.status == "refused"]
    judged = [_judged(check, result.verdict) for result in refused if result.verdict is not None]
    unread = check == "schema" and any(result.verdict is None for result in refused)
    error = unread or (False, dg.AssetCheckSeverity.ERROR) in judged
    told = _published_sentences(check, known)
    sentences = [result.message for result in refused if result.message] + told
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=check,
        passed=not (error or told or any(not passed for passed, _ in judged)),
        severity=dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN,
        partition=to_dagster(partition) if partition is not None else None,
        description=" ".join(sentences) or None,
        metadata=_evidence(check, results, known),
    )


def _published_sentences(check: str, known: Known) -> list[str]:
    """A sentence for each published partition about which a check has something to say, of many the first ones."""
    concerns = {name: _concerns(check, state) for name, state in sorted(known.items())}
    found = {name: parts for name, parts in concerns.items() if parts}
    shown = list(found.items())[:_SENTENCES]
    told = [f"{'' if name == WHOLE else f'{name}: '}{'; '.join(parts)}." for name, parts in shown]
    return [*told, *([f"And {len(found) - len(shown)} more partitions."] if len(found) > len(shown) else [])]


def _concerns(check: str, state: PartitionState) -> list[str]:
    """What is not as it should be with a published partition."""
    if not state.is_ours:
        return [_FOREIGN] if check != "schema" else []
    if check != "rows":
        return []
    quarantined = [f"{state.rejected:,} {'row' if state.rejected == 1 else 'rows'} in quarantine"]
    return [*(quarantined if state.rejected else []), *(_in_words(found) for found in _of_rows(state))]


def _of_rows(state: PartitionState) -> list[Finding]:
    """What the check `rows` tells; tests of dbt are checks of their own."""
    return [finding for finding in state.findings if finding.kind != "test"]


def _in_words(finding: Finding) -> str:
    counted = f" ({finding.count:,} {'row' if finding.count == 1 else 'rows'})" if finding.kind == "row" else ""
    return f"{'warning: ' if finding.severity == 'warn' else ''}{finding.reason}{counted}"


def _evidence(check: str, results: Sequence[PartitionResult], known: Known) -> dict[str, Any]:
    """The broken rules with their counts, those of this step first, and its sample rows of each, as tables."""
    judged = [result.partition for result in results]
    rules = [
        _rule(result.partition, failure, result.verdict.rows, "refused")
        for result in results
        if result.status == "refused" and result.verdict is not None
        for failure in result.verdict.failures
    ]
    for name in sorted(known, key=lambda name: (name not in judged, name)):
        rows = (known[name].rows or 0) + known[name].rejected
        rules += [_rule(name, finding, rows, "published") for finding in _of_rows(known[name])]
    metadata: dict[str, Any] = {FAILING_RULES: table_of(rules[:_RULES])} if rules and check == "rows" else {}
    for result in results:
        for rule, sample in result.samples.items():
            if (rule == KEY) == (check == "key") and check != "schema":
                metadata[f"samples {result.partition} {rule}"] = table_of(sample.to_pylist())
    return metadata


def warning_evidence(finding: Finding) -> dict[str, Any]:
    """The evidence of a dbt test that warns of a published mart."""
    return {FAILING_RULES: table_of([_rule(WHOLE, finding, 0, "published")])}


def _rule(partition: str, broken: Failure | Finding, rows: int, state: str) -> dict[str, Any]:
    return {
        "partition": partition,
        "rule": broken.reason,
        "severity": broken.severity,
        "count": broken.count,
        "rows": rows if broken.kind == "row" else None,
        "state": state,
    }


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

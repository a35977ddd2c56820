"""The marts as one Dagster step: dbt builds and tests them together, and what is reported was published."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from taxiway.engines import IN_PROCESS, OpenEngine
from taxiway.errors import PublishConflict, TaxiwayError
from taxiway.lake import WHOLE, Finding, Lake
from taxiway.marts import Build, DbtProject, MartsOutcome, Result, column_sources, materialise_marts
from taxiway.materialise import Workspace
from taxiway.orchestration import events
from taxiway.orchestration.automation import follow_inputs
from taxiway.orchestration.cancelled import stop_if_cancelled
from taxiway.orchestration.code_references import code_references
from taxiway.orchestration.lineage import lineage_metadata
from taxiway.orchestration.pictures import pictures
from taxiway.orchestration.table_asset import (
    ACCEPT_FEWER_TAG,
    CONFLICT_RETRIES,
    FORCE_TAG,
    REBUILD_TAG,
    asset_key,
    known_of,
)
from taxiway.project_check import read_by_mart
from taxiway.scratch import Scratch
from taxiway.tables import Table
from taxiway.users import USER_TAG

_SAMPLE_ROWS = 5


def marts_asset(workspace: Workspace, project: DbtProject) -> dg.AssetsDefinition:
    """The assets of all tables of the layer `mart`: dbt's models of the same names.

    Their checks are those of every table and, by its name, each dbt test. A run may select any of them;
    all tests of a selected mart are run. Raises DefinitionError where dbt has not compiled the present
    files or lacks a model. Needs the resources `workspace` and `open_engine`.
    """
    marts = {asset_key(table): table for table in workspace.project.tables if table.address.layer == "mart"}
    specs = [_spec(workspace, project, table) for table in marts.values()]

    @dg.multi_asset(
        name="marts",
        specs=specs,
        check_specs=[
            *(check for spec in specs for check in events.check_specs(spec.key)),
            *_dbt_checks(project, marts),
        ],
        can_subset=True,
        required_resource_keys={"workspace", "open_engine"},
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        stop_if_cancelled(context)
        yield from _run(context, project, [table for key, table in marts.items() if key in context.selected_asset_keys])

    return build


def _spec(workspace: Workspace, project: DbtProject, mart: Table) -> dg.AssetSpec:
    model, tables = project.model(mart.address.name), workspace.project.by_address
    inputs = [asset_key(tables[address]) for address in read_by_mart(project, mart) if address in tables]
    return dg.AssetSpec(
        asset_key(mart),
        deps=inputs,
        description=f"{model.description}\n\n```sql\n{model.code}\n```",
        group_name=mart.address.layer,
        owners=list(mart.owners or workspace.project.owners),
        tags=dict(mart.tags),
        kinds={"dbt", "deltalake"},
        automation_condition=follow_inputs(inputs),
        metadata={
            "dagster/column_schema": events.column_schema(mart.rules),
            "dagster/uri": Lake(workspace.settings.lake).uri(mart.address),
            **code_references(mart, project),
        },
    )


def _dbt_checks(project: DbtProject, marts: Mapping[dg.AssetKey, Table]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(test.name, asset=key, description=test.description or None, blocking=test.is_error)
        for key, mart in marts.items()
        for test in project.tests_of(mart.address.name)
    ]


def _run(context: dg.AssetExecutionContext, project: DbtProject, marts: Sequence[Table]) -> Iterator[Any]:
    workspace: Workspace = context.resources.workspace
    open_engine: OpenEngine = context.resources.open_engine
    tags = context.run.tags
    engine = open_engine(IN_PROCESS)
    cpu = time.process_time()
    with Scratch.claim(workspace.settings.scratch) as scratch:
        try:
            done = materialise_marts(
                workspace,
                project,
                marts,
                engine,
                scratch=scratch,
                run=context.run.run_id,
                user=tags.get(USER_TAG, ""),
                force=tags.get(FORCE_TAG) == "true",
                rebuild=tags.get(REBUILD_TAG) == "true",
                accept_fewer=tags.get(ACCEPT_FEWER_TAG) == "true",
            )
        except PublishConflict as conflict:
            raise dg.RetryRequested(max_retries=CONFLICT_RETRIES, seconds_to_wait=1) from conflict
        except TaxiwayError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        selected = {(check.asset_key, check.name) for check in context.selected_asset_check_keys}
        yield from (
            check for check in _checks(workspace, done, selected) if (check.asset_key, check.check_name) in selected
        )
    used = events.resources_used(cpu)
    for mart, outcome in done.outcomes.items():
        (result,) = outcome.partitions
        if result.status == "refused":
            continue
        shown = pictures(context, workspace, mart, outcome, open_engine)
        yield dg.MaterializeResult(
            asset_key=asset_key(mart),
            data_version=dg.DataVersion(result.data_version or ""),
            metadata=events.partition_metadata(outcome, result)
            | used
            | lineage_metadata(_lineage(workspace, project, mart))
            | shown.get(WHOLE, {}),
        )
    if done.refused:
        raise dg.Failure("\n".join(result.message for result in done.refused), allow_retries=False)


def _checks(
    workspace: Workspace, done: MartsOutcome, selected: Iterable[tuple[dg.AssetKey, str]]
) -> Iterator[dg.AssetCheckResult]:
    """What is known of each mart; nothing of the guard where a failure of dbt kept the mart from it.

    A test that warned of the rows that are published still does where they stay, whatever became of new ones.
    """
    for mart, outcome in done.outcomes.items():
        key, known = asset_key(mart), known_of(workspace, mart)
        (mart_result,) = outcome.partitions
        if mart_result.verdict is not None or mart_result.status == "skipped":
            yield from events.check_results(key, outcome.partitions, known)
        warned = {found.rule: found for state in known.values() for found in state.findings if found.kind == "test"}
        if mart_result.status == "skipped":
            dbt_tests = (name for mart_key, name in selected if mart_key == key and name not in events.CHECKS)
            yield from (_found_before(key, name, warned.get(name)) for name in dbt_tests)
        elif done.build is not None:
            for result in done.build.tests_of(mart.address.name):
                if mart_result.status == "refused" and result.status == "pass" and result.name in warned:
                    yield _found_before(key, result.name, warned[result.name])
                else:
                    yield _dbt_check(key, result, done.build)


def _found_before(key: dg.AssetKey, name: str, warning: Finding | None) -> dg.AssetCheckResult:
    """What a test said of the rows that are published."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=warning is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Of the rows that are published: {warning.reason if warning is not None else 'it passed'}.",
        metadata=events.warning_evidence(warning) if warning is not None else {},
    )


def _dbt_check(key: dg.AssetKey, result: Result, build: Build) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"failing_rows": result.failing_rows, "seconds": round(result.seconds, 3)}
    if result.status == "warn":
        metadata |= events.warning_evidence(result.as_finding())
    if result.failing_rows:
        metadata["samples"] = events.table_of(build.query(f"FROM ({result.sql}) LIMIT {_SAMPLE_ROWS}").to_pylist())
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=result.name,
        passed=result.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
        description=result.message or None,
        metadata=metadata,
    )


def _lineage(workspace: Workspace, project: DbtProject, mart: Table) -> dg.TableColumnLineage:
    columns = {(a.layer, a.name): tuple(table.rules.columns) for a, table in workspace.project.by_address.items()}
    sources = column_sources(project.model(mart.address.name).sql, columns)
    return dg.TableColumnLineage(
        {
            name: [
                dg.TableColumnDep(asset_key=dg.AssetKey(list(relation)), column_name=column)
                for relation, column in sorted(sources.get(name, ()))
            ]
            for name in mart.rules.columns
        }
    )

"""Bring the marts of a lake up to date: built and tested by dbt together, guarded, published only if all passed."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import ibis

from taxiway.contracts import check_schema
from taxiway.engines import Engine, Reading, Session
from taxiway.engines.duckdb import DuckDBSession, identifier, typed
from taxiway.errors import ContractBroken, LakeError
from taxiway.lake import WHOLE, Snapshot
from taxiway.marts.build import Build, build_marts
from taxiway.marts.project import LIBRARIES, DbtProject
from taxiway.materialise import Outcome, PartitionPlan, PartitionResult, Plan, Workspace
from taxiway.materialise.compiled import STAGED, CompiledTable, contract_texts, kind_of
from taxiway.materialise.execute import Clock, check_change, guard, publish_judged, skipped
from taxiway.materialise.plan import versions_read
from taxiway.materialise.refused import forget_refused
from taxiway.materialise.stage import Staged, check_columns
from taxiway.tables import Table
from taxiway.transforms import Parameter
from taxiway.transforms.compile import bind_parameters
from taxiway.transforms.fingerprint import fingerprint, library_versions


@dataclass(frozen=True)
class MartsOutcome:
    """What became of each mart, and what dbt built; no build where every mart was current."""

    outcomes: Mapping[Table, Outcome]
    build: Build | None

    @property
    def refused(self) -> tuple[PartitionResult, ...]:
        """The marts that were not published: those without all their inputs, and if one more fails, all others."""
        return tuple(result for outcome in self.outcomes.values() for result in outcome.refused)


def plan_marts(
    workspace: Workspace, project: DbtProject, marts: Sequence[Table], *, force: bool = False
) -> tuple[Plan, ...]:
    """The plans of these marts, with each source pinned once; raises LakeError where one does not exist."""
    sources = {mart: _sources(workspace, project, mart) for mart in marts}
    snapshots = {source: workspace.lake.find(source.address) for found in sources.values() for source in found}
    plans = []
    for mart, found in sources.items():
        absent = ", ".join(source.at for source in found if snapshots[source] is None)
        if absent:
            raise LakeError(_absent(mart, absent))
        read = {source.at: versions_read(workspace, mart, source, None, WHOLE, snapshots[source]) for source in found}
        compiled = _compiled(workspace, project, mart)
        base = workspace.lake.find(mart.address)
        known = base.partitions.get(WHOLE) if base is not None else None
        current = known is not None and known.made_by(compiled.fingerprint, read)
        pinned = {source.address.relation: snapshots[source] for source in found}
        plans.append(Plan(mart, compiled, base, pinned, (PartitionPlan(WHOLE, read, known, current),), force))
    return tuple(plans)


def materialise_marts(
    workspace: Workspace,
    project: DbtProject,
    marts: Sequence[Table],
    engine: Engine,
    *,
    scratch: Path,
    run: str,
    user: str = "",
    force: bool = False,
    rebuild: bool = False,
    accept_fewer: bool = False,
) -> MartsOutcome:
    """Bring these marts up to date and say what became of each; `scratch` is an empty folder to build in.

    A mart of which an input has not been published is left out. Where a model or a test of dbt fails, or a mart breaks
    its contract, no mart is published. The outcome says why. `run`, `user`, `force`, `rebuild` and `accept_fewer` are
    those of `materialise`. Raises MartsFailed where dbt itself fails, ContractBroken where a model has other columns
    than its contract, LakeError where lake or storage fail, PublishConflict where another run published one of the
    marts meanwhile.
    """
    settings, clock = workspace.settings, Clock()
    left_out: dict[Table, str] = {}
    with clock.phase("plan"):
        for mart in marts:
            workspace.lake.see_that_it_is_ours(mart.address)
            sources = _sources(workspace, project, mart)
            absent = [source.at for source in sources if workspace.lake.find(source.address) is None]
            if absent:
                left_out[mart] = _absent(mart, ", ".join(absent))
        complete = [mart for mart in marts if mart not in left_out]
        plans = plan_marts(workspace, project, complete, force=force or rebuild)
        for plan in plans:
            check_change(plan, rebuild=rebuild)
    results = {plan.table: skipped(plan, plan.partitions[0]) for plan in plans if not plan.to_compute}
    outdated = [plan for plan in plans if plan.to_compute]
    build = None
    if outdated:
        with clock.phase("compute"):
            limits = {"threads": settings.threads, "memory_limit": settings.memory_limit}
            build = build_marts(
                project,
                [plan.table.address.name for plan in outdated],
                scratch=scratch,
                register=partial(_register, workspace, outdated),
                lake=settings.lake,
                variables=_variables(workspace, project) | limits,
            )
        refused = _refusals(build, outdated)
        results |= refused or _guard_and_publish(
            workspace, build, outdated, engine, clock, run=run, user=user, rebuild=rebuild, accept_fewer=accept_fewer
        )
    for plan in plans:
        forget_refused(workspace, plan.table, (results[plan.table],), run=run, user=user)
    outcomes = {plan.table: _outcome(workspace, plan, results[plan.table], engine, clock) for plan in plans}
    for mart, message in left_out.items():
        result = PartitionResult(WHOLE, "refused", message=message)
        identity = _compiled(workspace, project, mart).fingerprint
        outcomes[mart] = Outcome(mart.at, identity, f"dbt on {engine.name}", None, (result,), clock.seconds)
    return MartsOutcome({mart: outcomes[mart] for mart in marts}, build)


def _sources(workspace: Workspace, project: DbtProject, mart: Table) -> list[Table]:
    return [workspace.project.table(source) for source in project.model(mart.address.name).sources]


def _absent(mart: Table, sources: str) -> str:
    return f"{mart.at}: {sources} has not been published; make it first, or run with --upstream"


def _guard_and_publish(
    workspace: Workspace,
    build: Build,
    plans: Sequence[Plan],
    engine: Engine,
    clock: Clock,
    *,
    run: str,
    user: str,
    rebuild: bool,
    accept_fewer: bool,
) -> dict[Table, PartitionResult]:
    with ExitStack() as stack:
        sessions = {plan.table: stack.enter_context(engine.session()) for plan in plans}
        with clock.phase("guard"):
            verdicts = {}
            for plan in plans:
                _stage(build, plan.table, sessions[plan.table])
                verdicts[plan.table] = guard(plan, sessions[plan.table], (WHOLE,), accept_fewer=accept_fewer)
        broken = [mart.at for mart, judged in verdicts.items() if not judged[WHOLE].published]
        results = {}
        with clock.phase("publish"):
            for plan in plans:
                mart, judged = plan.table, verdicts[plan.table]
                if broken and judged[WHOLE].published:
                    message = f"{mart.at}: not published, because no mart is unless all are; see {', '.join(broken)}"
                    results[mart] = PartitionResult(WHOLE, "refused", verdict=judged[WHOLE], message=message)
                    continue
                warned = tuple(
                    test.as_finding()
                    for test in build.results
                    if test.status == "warn" and test.model in (mart.address.name, "")
                )
                staged = Staged(inputs={WHOLE: plan.partitions[0].inputs}, findings={WHOLE: warned})
                published = publish_judged(
                    workspace, plan, sessions[mart], engine, staged, judged, run=run, user=user, rebuild=rebuild
                )
                results[mart] = published[WHOLE]
        return results


def _refusals(build: Build, plans: Sequence[Plan]) -> dict[Table, PartitionResult]:
    """Why no mart can be published, by mart; empty where dbt built all and all tests passed."""
    broken = sorted({failure.model or failure.name for failure in build.failures})
    waits = f"not published, because no mart is unless all are; see {', '.join(broken)}"
    results = {}
    for mart in (plan.table for plan in plans) if broken else ():
        own = "; ".join(str(failure) for failure in build.failures if failure.model == mart.address.name)
        results[mart] = PartitionResult(WHOLE, "refused", message=f"{mart.at}: {own or waits}")
    return results


def _stage(build: Build, mart: Table, session: Session) -> None:
    rows = build.rows(mart.address.name)
    problems = check_schema(mart.rules, rows.schema)
    if problems:
        problems += _casts(mart, build.types(mart.address.name))
        raise ContractBroken(
            f"{mart.at}: models/marts/{mart.address.name}.sql does not give its contract, no mart was published: "
            + "; ".join(problems)
        )
    session.load(STAGED, rows.select(mart.rules.schema.names).cast(mart.rules.schema))


def _casts(mart: Table, types: Mapping[str, str]) -> list[str]:
    """What to write for the columns that have other types than the contract, in DuckDB's words."""
    wanted = {field.name: typed(field, "(...)") for field in mart.rules.schema}
    return [
        f"DuckDB adds whole numbers up as HUGEINT: write {wanted[name]}"
        if types[name] == "HUGEINT"
        else f"{name} is {types[name]}: write {wanted[name]}"
        for name in wanted
        if name in types and f"::{types[name]} " not in wanted[name].replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")
    ]


def _compiled(workspace: Workspace, project: DbtProject, mart: Table) -> CompiledTable:
    staged = ibis.table(mart.rules.ibis_schema, name=STAGED)
    parameters = _variables(workspace, project)
    libraries = library_versions(LIBRARIES)
    # Tests and macros are shared, so a mart's identity is that of the whole dbt project.
    identity = fingerprint([project.digest, mart.at, *contract_texts(mart.rules, staged)], parameters, libraries)
    return CompiledTable(mart, kind_of(workspace, mart), {}, staged, parameters, libraries, identity, None)


def _variables(workspace: Workspace, project: DbtProject) -> dict[str, Parameter]:
    """The project's variables with the values of the settings of the same names."""
    settings = workspace.settings
    return bind_parameters(project.variables, dict(settings.parameters) | {"zone": settings.zone})


def _register(workspace: Workspace, plans: Sequence[Plan], connection: duckdb.DuckDBPyConnection) -> None:
    """Give the scratch file every source at its pinned version: a view of its files, or else a copy."""
    session = DuckDBSession(connection)
    snapshots = {relation: snapshot for plan in plans for relation, snapshot in plan.snapshots.items()}
    for relation, snapshot in snapshots.items():
        source = workspace.project.by_relation[relation]
        assert isinstance(snapshot, Snapshot)
        elsewhere = workspace.elsewhere(snapshot)
        kind = "VIEW" if snapshot.plain_files() and elsewhere is None else "TABLE"
        if elsewhere is None:
            check_columns(source, snapshot)
        partitions = workspace.partitions(source) if source.is_partitioned else None
        query = session.source(relation, Reading(snapshot, source.rules.schema, partitions, elsewhere=elsewhere))
        schema, name = identifier(source.address.layer), identifier(source.address.name)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(f"CREATE {kind} {schema}.{name} AS {query}")


def _outcome(workspace: Workspace, plan: Plan, result: PartitionResult, engine: Engine, clock: Clock) -> Outcome:
    latest = workspace.lake.find(plan.table.address)
    read = () if result.status == "skipped" else [s.files for s in plan.snapshots.values() if s is not None]
    return Outcome(
        address=str(plan.table.address),
        fingerprint=plan.compiled.fingerprint,
        engine=f"dbt on {engine.name}",
        version=latest.version if latest else None,
        partitions=(result,),
        seconds=clock.seconds,
        rows_read=sum(file.rows or 0 for files in read for file in files),
    )

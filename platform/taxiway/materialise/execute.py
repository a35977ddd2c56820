"""Guarding and publishing: nothing that breaks its contract becomes visible, equal rows make no commit."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.calendar import grain_of
from taxiway.contracts import (
    Verdict,
    accepted,
    as_kept,
    audit,
    kept_schema,
    key_audit,
    rejected,
    repeated_hashes,
    samples,
    verdicts,
    with_examples,
    with_volume,
)
from taxiway.contracts.guard import KEY
from taxiway.engines import Engine, Reading, Session
from taxiway.errors import ContractBroken, EngineError, UsageError
from taxiway.lake import WHOLE, Finding, PartitionState
from taxiway.materialise.external import publish_pin
from taxiway.materialise.kinds import see_that_it_runs_on
from taxiway.materialise.outcome import Outcome, PartitionResult
from taxiway.materialise.plan import PartitionPlan, Plan, make_plan
from taxiway.materialise.publish import Rows, publish_changes
from taxiway.materialise.refused import forget_refused, keep_refused, where_kept
from taxiway.materialise.stage import Staged, check_columns, stage
from taxiway.materialise.whole_key import held_over_the_table, samples_of_shared_keys, still_holds
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql

_KEPT = "kept"
_COUNTED = "counted"
_NO_DUPLICATES = pa.table({"partition": pa.array([], pa.string()), "duplicated_keys": pa.array([], pa.int64())})

FEW_REJECTED = 10_000
"""Up to so many rejected rows are written as text here: to start Spark's Python for them costs seconds."""


@dataclass
class Clock:
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def materialise(
    workspace: Workspace,
    table: Table,
    partitions: Sequence[str],
    engine: Engine,
    *,
    run: str,
    user: str = "",
    force: bool = False,
    rebuild: bool = False,
    accept_fewer: bool = False,
) -> Outcome:
    """Bring these partitions of a table up to date (`[WHOLE]` where it has none) and say what became of each.

    Partitions that the guard refuses are in the outcome, not raised; what passed is published in one commit, which
    names the `run` and the `user` who asked for it. `force` computes what could be skipped; `rebuild` also replaces the
    table and its schema, and publishes all of it or nothing; `accept_fewer` publishes partitions with fewer rows than
    the contract's volume allows. Raises UsageError for a partition that the table cannot have or a rebuild that leaves
    some out, or an engine that the table is not bound to, PublishConflict where another run published one of the same
    partitions meanwhile, LakeError where lake or storage fail, EngineError where the engine does, and what the
    transform itself raises.
    """
    clock = Clock()
    with clock.phase("plan"):
        plan = make_plan(workspace, table, partitions, force=force or rebuild)
        see_that_it_runs_on(table, plan.compiled.kind, engine.name)
        # Before anything is computed or skipped: another project's table may look like this one.
        workspace.lake.see_that_it_is_ours(table.address)
        check_change(plan, rebuild=rebuild)
    computing = {p.partition for p in plan.to_compute}
    results = {p.partition: skipped(plan, p) for p in plan.partitions if p.partition not in computing}
    rows_read = 0
    if computing:
        with _naming(table), engine.session() as session:
            with clock.phase("compute"):
                staged = stage(workspace, plan, session)
            rows_read = staged.rows_read
            results |= {key: PartitionResult(key, "refused", message=why) for key, why in staged.refused.items()}
            if staged.inputs:
                with clock.phase("guard"):
                    judged = guard(plan, session, tuple(staged.inputs), accept_fewer=accept_fewer)
                with clock.phase("publish"):
                    results |= publish_judged(
                        workspace, plan, session, engine, staged, judged, run=run, user=user, rebuild=rebuild
                    )
    forget_refused(workspace, table, results.values(), run=run, user=user)
    latest = workspace.lake.find(table.address)
    return Outcome(
        address=str(table.address),
        fingerprint=plan.compiled.fingerprint,
        engine=engine.name,
        version=latest.version if latest else None,
        partitions=tuple(results[p.partition] for p in plan.partitions),
        seconds=clock.seconds,
        rows_read=rows_read,
    )


@contextmanager
def _naming(table: Table) -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise EngineError(f"{table.at}: {error}") from error


def check_change(plan: Plan, *, rebuild: bool) -> None:
    """Refuse what published partitions could not follow: new columns of another kind, a rebuild of some of them."""
    table, base = plan.table, plan.base
    if base is None or table.external is not None:
        return
    if not rebuild:
        check_columns(table, base)
        return
    left_out = sorted(set(base.partitions) - {p.partition for p in plan.partitions})
    foreign = [key for key in left_out if grain_of(key) != table.grain] if table.is_partitioned else []
    if foreign:
        raise UsageError(
            f"{table.at}: a rebuild replaces the whole table, and another program has written {', '.join(foreign)}, "
            f"which is no {table.grain}; to do without, make it anew with: taxiway drop {table.at} --force; "
            f"taxiway run {table.at}"
        )
    if left_out:
        raise UsageError(
            f"{table.at}: a rebuild replaces the whole table, and {', '.join(left_out)} is published but was not "
            "asked for; ask for all published partitions, of which the calendar of the deployment "
            "(TAXIWAY_FIRST, TAXIWAY_END) must not leave out any"
        )


def guard(plan: Plan, session: Session, keys: Sequence[str], *, accept_fewer: bool = False) -> Mapping[str, Verdict]:
    """The verdict on each staged partition: one aggregate for all rules, one for the key, and, where the key is held
    over the whole table, one look at what is published of its other partitions."""
    contract, staged = plan.table.rules, plan.compiled.staged
    audited = session.query(to_sql(audit(contract, staged), session.dialect))
    repeated = session.query(to_sql(repeated_hashes(contract, staged).limit(1), session.dialect)).num_rows > 0
    duplicated = session.query(to_sql(key_audit(contract, staged), session.dialect)) if repeated else _NO_DUPLICATES
    found = verdicts(contract, audited, duplicated, keys if contract.partition else ())
    judged = {verdict.partition if contract.partition else WHOLE: verdict for verdict in found}
    foreign = [verdict for key, verdict in judged.items() if key not in keys]
    if foreign:
        raise ContractBroken(f"{plan.table.at}: {'; '.join(verdict.message for verdict in foreign)}")
    held = {
        key: with_volume(
            judged[key],
            contract.volume,
            _published_rows(plan, session, key),
            accept_fewer=accept_fewer,
            earlier=_earlier_rows(plan, session, judged, key) if contract.volume.of_earlier else (),
            advice=f"to accept it: taxiway run {plan.table.at}{f' --partition {key}' * (key != WHOLE)} --accept-fewer",
        )
        for key in keys
    }
    return held_over_the_table(plan, session, held, repeated=repeated)


def _earlier_rows(plan: Plan, session: Session, judged: Mapping[str | None, Verdict], key: str) -> list[int]:
    """How many rows the last partitions before this one have, those that are made with it as they will be."""
    known = {*filter(None, judged), *(plan.base.partitions if plan.base is not None else ())}
    before = sorted(each for each in known if each < key)[-plan.table.rules.volume.earlier :]
    return [judged[each].accepted if each in judged else _published_rows(plan, session, each) for each in before]


def _published_rows(plan: Plan, session: Session, key: str) -> int:
    """How many rows are published of a partition; counted where another program wrote it and did not say."""
    if plan.base is None:
        return 0
    if plan.table.external is not None:
        return plan.base.partitions[key].rows or 0
    reading = Reading(plan.base, plan.base.schema, None if plan.table.rules.partition is None else (key,))
    if reading.known_rows is not None:
        return reading.known_rows
    session.read(_COUNTED, reading)
    return session.count(_COUNTED)


def publish_judged(
    workspace: Workspace,
    plan: Plan,
    session: Session,
    engine: Engine,
    staged: Staged,
    judged: Mapping[str, Verdict],
    *,
    run: str,
    user: str,
    rebuild: bool,
) -> dict[str, PartitionResult]:
    """Publish the partitions that passed, in one commit, and say what became of each that was judged."""
    contract = plan.table.rules
    evidence = samples_of(plan, session, judged)
    judged = {key: with_examples(verdict, contract, evidence.get(key, {})) for key, verdict in judged.items()}
    passed = {key: verdict for key, verdict in judged.items() if verdict.published}
    if rebuild and (len(passed) < len(judged) or staged.refused):
        passed = {}
    made_by = {"engine": f"{engine.name} {engine.version}", "libraries": plan.compiled.libraries}
    origin = {"run": run, "user": user, **made_by}
    keep_refused(workspace, plan, session, staged.inputs, judged, origin)
    states = {
        key: PartitionState(
            "",
            plan.compiled.fingerprint,
            staged.inputs[key],
            verdict.accepted,
            verdict.rejected,
            accepted_fewer=verdict.accepted_fewer,
            findings=_findings(verdict) + staged.findings.get(key, ()),
        )
        for key, verdict in passed.items()
    }
    if plan.table.external is not None:
        return {
            key: _pinned(workspace, plan, verdict, states.get(key), evidence, origin) for key, verdict in judged.items()
        }
    # Quarantine goes first: rows that are missing from the table are then never missing from both.
    _quarantine(workspace, plan, session, states, origin)
    rows = Rows(plan.table.address, contract.schema, contract.partition, _publishable(plan, passed.values()))
    published = publish_changes(
        workspace.lake,
        session,
        rows,
        states,
        origin,
        base=plan.base,
        rebuild=rebuild,
        holds=None if contract.key_within_partition else partial(still_holds, plan, session, passed.keys()),
        float_tolerance=plan.compiled.kind.float_tolerance,
    )
    before = {p.partition: p.published for p in plan.partitions}
    results = {}
    for key, verdict in judged.items():
        common = {
            "verdict": verdict,
            "samples": evidence.get(key, {}),
            "malformed": staged.malformed.get(key),
            "inputs": staged.inputs[key],
            "rejected": verdict.rejected,
        }
        if key not in passed:
            previous = before[key]
            version = previous.data_version if previous else None
            message = (
                f"{plan.table.at}: {verdict.message}{where_kept(plan.table, verdict)}"
                if not verdict.published
                else (f"{plan.table.at}: {key} passed, but a rebuild publishes all partitions or none")
            )
            results[key] = PartitionResult(
                key, "refused", verdict.rows, data_version=version, message=message, **common
            )
        else:
            status = "published" if published.changed[key] else "unchanged"
            results[key] = PartitionResult(
                key,
                status,
                verdict.accepted,
                bytes=published.bytes.get(key, 0),
                data_version=published.states[key].data_version,
                findings=published.states[key].findings,
                **common,
            )
    return results


def _findings(verdict: Verdict) -> tuple[Finding, ...]:
    return tuple(Finding(f.rule, f.reason, f.severity, f.count, f.kind) for f in verdict.failures)


def _publishable(plan: Plan, passed: Iterable[Verdict]) -> ir.Table:
    """The accepted rows of the partitions that passed; the rules are asked again only where a row broke one."""
    contract, staged = plan.table.rules, plan.compiled.staged
    if any(verdict.rejected for verdict in passed):
        return accepted(contract, staged)
    return staged.select(*contract.columns)


def _quarantine(
    workspace: Workspace,
    plan: Plan,
    session: Session,
    states: Mapping[str, PartitionState],
    origin: Mapping[str, Any],
) -> None:
    """Replace the quarantine of the partitions that are about to be published; there is none without rejected rows."""
    contract, address = plan.table.rules, plan.table.address.quarantine
    base = workspace.lake.find(address)
    known = base.partitions if base is not None else {}
    concerned = {
        key: PartitionState("", state.fingerprint, state.inputs, state.rejected, 0)
        for key, state in states.items()
        if state.rejected or (key in known and known[key].rows)
    }
    if concerned:
        schema = kept_schema(contract.partition)
        found = Rows(address, schema, contract.partition, rejected(contract, plan.compiled.staged))
        sql = to_sql(found.of(list(concerned)), session.dialect)
        if sum(states[key].rejected for key in concerned) <= FEW_REJECTED:
            session.load(_KEPT, as_kept(session.query(sql)))
        else:
            session.stage_batches(_KEPT, sql, as_kept, schema=schema)
        kept = replace(found, expression=ibis.table(ibis.Schema.from_pyarrow(schema), name=_KEPT))
        publish_changes(workspace.lake, session, kept, concerned, origin, base=base)


def _pinned(
    workspace: Workspace,
    plan: Plan,
    verdict: Verdict,
    state: PartitionState | None,
    evidence: Mapping[str, Mapping[str, pa.Table]],
    origin: Mapping[str, object],
) -> PartitionResult:
    """What becomes of a table that somebody else writes: its version is pinned where the guard passes it."""
    (partition,) = plan.partitions
    found = {"verdict": verdict, "samples": evidence.get(WHOLE, {}), "inputs": partition.inputs}
    if state is None:
        version = partition.published.data_version if partition.published is not None else None
        message = f"{plan.table.at}: {verdict.message}{where_kept(plan.table, verdict)}"
        return PartitionResult(WHOLE, "refused", verdict.rows, data_version=version, message=message, **found)
    pinned = publish_pin(workspace, plan.table, state, origin)
    return PartitionResult(WHOLE, "published", verdict.accepted, data_version=pinned.data_version, **found)


def samples_of(plan: Plan, session: Session, judged: Mapping[str, Verdict]) -> dict[str, dict[str, pa.Table]]:
    """By partition and rule that broke up to five rows; one query for each rule, whatever the number of partitions."""
    contract, staged = plan.table.rules, plan.compiled.staged
    broken = {
        key: [failure.rule for failure in verdict.failures if failure.kind == "row"]
        + [KEY] * bool(verdict.duplicated_keys)
        for key, verdict in judged.items()
    }
    found = {
        rule: session.query(to_sql(samples(contract, staged, rule), session.dialect))
        for rule in dict.fromkeys(rule for rules in broken.values() for rule in rules)
    }
    if contract.partition is None:
        return {key: {rule: found[rule] for rule in rules} for key, rules in broken.items()}
    of_partition = pc.field(contract.partition)
    evidence = {key: {rule: found[rule].filter(of_partition == key) for rule in rules} for key, rules in broken.items()}
    for key, rows in samples_of_shared_keys(plan, session, judged).items():
        own = [evidence[key][KEY]] if KEY in evidence[key] else []
        evidence[key][KEY] = pa.concat_tables([*own, rows], promote_options="default")
    return evidence


def skipped(plan: Plan, partition: PartitionPlan) -> PartitionResult:
    """The result of a partition that is current."""
    state = partition.published
    assert state is not None
    assert plan.base is not None
    return PartitionResult(
        partition.partition,
        "skipped",
        state.rows,
        state.rejected,
        plan.base.bytes_by_partition.get(partition.partition, 0),
        state.data_version,
        partition.inputs,
        findings=state.findings,
    )

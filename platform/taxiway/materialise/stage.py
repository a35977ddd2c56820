"""Executing a plan: inputs are bound at their pinned versions and the result is staged; nothing is published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.calendar import grain_of
from taxiway.engines import Reading, Session
from taxiway.errors import ContractBroken, DefinitionError, DeliveryRefused, LakeError, TransformFailed
from taxiway.lake import Finding, Snapshot
from taxiway.lake.elsewhere import EXTERNAL
from taxiway.lake.inputs import LANDING
from taxiway.lake.schema import new_columns
from taxiway.landing import DeliveredFile
from taxiway.materialise.compiled import STAGED, delivered_schema, prepared
from taxiway.materialise.external import read
from taxiway.materialise.plan import PartitionPlan, Plan, needed_partitions, partitions_in_reach, read_since
from taxiway.materialise.reading import read_for
from taxiway.materialise.sharing import shared_queries
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table
from taxiway.transforms import ArrowTransform, BatchFunction, BatchTransform, Lookback, Parameter, Transform
from taxiway.transforms.arrow import conformed, moved_to
from taxiway.transforms.compile import to_sql

_RESULT = "result"
_FILES = "delivered_files"
# DuckDB loads rows by the hundred thousand at a fifth of the cost of a partition at a time; what is loaded can spill.
_ROWS_A_LOAD = 500_000


@dataclass
class Staged:
    """What was staged: inputs and findings by partition, why others were refused, malformed records, rows read."""

    inputs: dict[str, Mapping[str, Mapping[str, str | None]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    malformed: dict[str, int] = field(default_factory=dict)
    rows_read: int = 0


def stage(workspace: Workspace, plan: Plan, session: Session) -> Staged:
    """Execute the partitions of the plan that have to be computed and leave their rows in `staged`."""
    staged = Staged()
    for partition in plan.to_compute:
        absent = _absent_inputs(workspace, plan.table, partition)
        if absent:
            staged.refused[partition.partition] = absent
        else:
            staged.inputs[partition.partition] = partition.inputs
    if plan.table.external is not None:
        _stage_external(workspace, plan, session, staged)
    elif plan.table.files is not None:
        _stage_delivered(workspace, plan, session, staged)
    elif isinstance(plan.table.transform, BatchTransform):
        _stage_batches(workspace, plan, session, staged)
    elif isinstance(plan.table.transform, ArrowTransform):
        _stage_arrow(workspace, plan, session, staged)
    elif staged.inputs:
        _stage_relational(workspace, plan, session, staged)
    return staged


def _of_delivery(delivered: DeliveredFile) -> tuple[Finding, ...]:
    found = [Finding("delivery", warning, kind="delivery") for warning in delivered.warnings]
    if delivered.malformed:
        reason = f"records with too many or too few fields: {delivered.malformed:,}"
        found.append(Finding("malformed", reason, "error", delivered.malformed, "delivery"))
    return tuple(found)


def check_columns(table: Table, snapshot: Snapshot) -> None:
    """Raise LakeError where the published columns, or partitions, cannot be read or written as the contract's."""
    if snapshot.partition_column != table.rules.partition:
        raise LakeError(
            f"{table.at}: it is partitioned by {snapshot.partition_column or 'nothing'} and its contract says "
            f"{table.rules.partition or 'by nothing'}; make it anew with: taxiway drop {table.at} --force; "
            f"taxiway run {table.at}"
        )
    other = next((key for key in snapshot.partitions if grain_of(key) not in (None, table.grain)), None)
    if other is not None:
        raise LakeError(
            f"{table.at}: its partitions are published by {grain_of(other)}, as {other}, and its contract says by "
            f"{table.grain}; make it anew with: taxiway drop {table.at} --force; taxiway run {table.at}"
        )
    mandatory = [column.name for column in table.rules.columns.values() if not column.nullable]
    new_columns(table.address, snapshot.schema, table.rules.schema, mandatory)


def _stage_relational(workspace: Workspace, plan: Plan, session: Session, staged: Staged) -> None:
    keys = tuple(staged.inputs)
    alone = {key: readings(workspace, plan, (key,)) for key in keys}
    independent = plan.compiled.independence
    together = {} if independent is not None and independent.reason else readings(workspace, plan, keys)
    for number, shared in enumerate(shared_queries(plan, alone, together)):
        staged.rows_read += _bind(session, alone[shared[0]] if len(shared) == 1 else together)
        _execute(plan, session, shared, more=number > 0)


def _stage_external(workspace: Workspace, plan: Plan, session: Session, staged: Staged) -> None:
    table = plan.table
    assert table.external is not None
    (relation,) = table.inputs
    place = table.external.place
    for key in tuple(staged.inputs):
        try:
            version = read(workspace, table, staged.inputs[key][EXTERNAL][place], session, relation)
            staged.inputs[key] = {EXTERNAL: {place: version}}
        except (ContractBroken, LakeError) as error:
            staged.refused[key] = str(error)
            del staged.inputs[key]
            continue
        staged.rows_read += session.count(relation)
        _execute(plan, session, [key], more=False)


def _stage_delivered(workspace: Workspace, plan: Plan, session: Session, staged: Staged) -> None:
    table = plan.table
    assert isinstance(table.transform, Transform)
    (relation,) = table.transform.inputs
    read: list[pa.Table] = []
    waiting = 0
    for rows in (_dated_rows if table.is_dated else _named_rows)(workspace, table, staged):
        staged.rows_read += rows.num_rows
        waiting += rows.num_rows
        read.append(rows)
        if waiting >= _ROWS_A_LOAD:
            session.load(_FILES, pa.concat_tables(read))
            read.clear()
            waiting = 0
    if read:
        session.load(_FILES, pa.concat_tables(read))
    if not staged.inputs:
        return
    files = ibis.table(delivered_schema(table), name=_FILES)
    for number, shared in enumerate(shared_queries(plan, {key: {} for key in staged.inputs}, {})):
        own = files["_partition"].isin([ibis.literal(key) for key in shared])
        rows = files.filter(own) if table.is_partitioned else files
        session.define(relation, to_sql(rows, session.dialect))
        _execute(plan, session, shared, more=number > 0)


def _named_rows(workspace: Workspace, table: Table, staged: Staged) -> Iterator[pa.Table]:
    """The rows of the files of each partition."""
    for key in tuple(staged.inputs):
        try:
            files = read_delivered(workspace, table, key, tuple(staged.inputs[key][LANDING]))
        except DeliveryRefused as error:
            staged.refused[key] = str(error)
            del staged.inputs[key]
            continue
        staged.inputs[key] = {LANDING: {file.name: file.digest for file in files}}
        staged.findings[key] = tuple(finding for file in files for finding in _of_delivery(file))
        staged.malformed[key] = sum(file.malformed for file in files)
        for file in files:
            yield file.table.append_column("_partition", pa.repeat(pa.scalar(key), file.table.num_rows))


def _dated_rows(workspace: Workspace, table: Table, staged: Staged) -> Iterator[pa.Table]:
    """The rows of the files of all partitions, each file read once, whose rows tell where they belong.

    Of a partition that is refused rows may be among them.
    """
    named = {key: tuple(inputs[LANDING]) for key, inputs in staged.inputs.items()}
    refused = {key: _no_file(workspace, table, key) for key, names in named.items() if not names}
    digests: dict[str, str] = {}
    for name in dict.fromkeys(name for names in named.values() for name in names):
        own = [key for key, names in named.items() if name in names]
        try:
            found = workspace.dated_files.read(table, name)
        except DeliveryRefused as error:
            refused |= {key: refused.get(key, str(error)) for key in own}
            continue
        digests[name] = found.file.digest
        for key in own:
            # What is no record is a row of the first partition.
            file = found.file if key == found.first else replace(found.file, malformed=0)
            staged.findings[key] = (*staged.findings.get(key, ()), *_of_delivery(file))
            staged.malformed[key] = staged.malformed.get(key, 0) + file.malformed
        yield found.file.table.filter(pc.field("_partition").isin(own))
    staged.refused |= refused
    staged.inputs = {
        key: {LANDING: {name: digests[name] for name in names}} for key, names in named.items() if key not in refused
    }


def _no_file(workspace: Workspace, table: Table, partition: str) -> str:
    folder = workspace.landing.store
    if table.is_dated:
        return (
            f"no file {table.file_name(partition)} with a row of {partition} has been delivered: put one into {folder}"
        )
    return f"no file {table.file_name(partition)} has been delivered: put it into {folder}"


def read_delivered(
    workspace: Workspace, table: Table, partition: str, names: Sequence[str] | None = None
) -> list[DeliveredFile]:
    """The files that were delivered for a partition, those of these names or all that lie there now.

    Raises DeliveryRefused where there is none, or one of them cannot be read.
    """
    names = workspace.delivered(table, (partition,))[partition] if names is None else names
    if not names:
        raise DeliveryRefused(_no_file(workspace, table, partition))
    return [read_for(table, name, workspace.landing.read(name)) for name in names]


def _stage_arrow(workspace: Workspace, plan: Plan, session: Session, staged: Staged) -> None:
    table = plan.table
    assert isinstance(table.transform, ArrowTransform)
    for key in staged.inputs:
        staged.rows_read += _bind(session, readings(workspace, plan, (key,)))
        tables = {
            name: session.query(to_sql(expression, session.dialect))
            for name, expression in prepared(workspace, table, key).items()
        }
        made = table.transform.function(**tables, **_bound(plan, table.transform, key))
        try:
            made = conformed(made, table.rules.schema)
        except DefinitionError as error:
            raise DefinitionError(f"{table.at}: {error}") from error
        if table.rules.partition is not None and (moved := moved_to(made, table.rules.partition, key)):
            raise ContractBroken(f"{table.at}: {moved}")
        session.load(STAGED, made)


def _stage_batches(workspace: Workspace, plan: Plan, session: Session, staged: Staged) -> None:
    table, transform = plan.table, plan.table.transform
    assert isinstance(transform, BatchTransform)
    for key in staged.inputs:
        staged.rows_read += _bind(session, readings(workspace, plan, (key,)))
        expressions = prepared(workspace, table, key)
        rows = expressions.pop(transform.rows)
        whole = {name: session.query(to_sql(other, session.dialect)) for name, other in expressions.items()}
        function = BatchFunction(
            function=transform.arrow_function,
            bound=whole | _bound(plan, transform, key),
            rows=rows.schema().to_pyarrow(),
            result=table.rules.schema,
            by=transform.by,
            partition=(table.rules.partition, key) if table.rules.partition else None,
            reads_context=plan.compiled.reads_context,
        )
        try:
            session.stage_batches(
                STAGED, to_sql(rows, session.dialect), function, by=transform.by, schema=table.rules.schema
            )
        except TransformFailed as error:
            raise TransformFailed(f"{table.at} {key}: {error}") from error


def _bound(plan: Plan, transform: ArrowTransform, key: str) -> dict[str, Parameter]:
    """The parameters of a function, for a partition."""
    bound = {name: value for name, value in plan.compiled.parameters.items() if name in transform.parameters}
    return bound | ({"partition": key} if "partition" in transform.parameters else {})


def _execute(plan: Plan, session: Session, keys: Sequence[str], *, more: bool) -> None:
    # The SQL of the whole transform is at hand: it is part of the table's fingerprint.
    whole = plan.compiled.expressions[STAGED]
    session.define(_RESULT, to_sql(whole, session.dialect))
    result = ibis.table(whole.schema(), name=_RESULT)
    partition = plan.table.rules.partition
    if partition is not None:
        # A row without a partition belongs nowhere; the guard is to see it.
        own = result[partition].isin([ibis.literal(key) for key in keys]) | result[partition].isnull()
        if plan.compiled.reads_context:
            result = result.filter(own)
        else:
            # Nor is one lost that was moved; the partition that it is in now may be among those that are computed next.
            column: Any = result[partition]
            moved = column + f" out of {', '.join(keys)}"
            result = result.mutate(**{partition: ibis.ifelse(own, column, moved)})
    wanted = plan.compiled.staged.schema()
    result = result.select(*wanted)
    session.stage(STAGED, to_sql(result, session.dialect), wanted.to_pyarrow(), more=more)


def _bind(session: Session, inputs: Mapping[str, Reading]) -> int:
    """Bind every input to what is read of it; returns the rows that can be read."""
    rows = 0
    for relation, reading in inputs.items():
        session.read(relation, reading)
        known = reading.known_rows
        rows += session.count(relation) if known is None else known
    return rows


def readings(workspace: Workspace, plan: Plan, keys: Sequence[str]) -> dict[str, Reading]:
    """What these partitions need of every input, by its relation."""
    calendar, table, now = workspace.calendar, plan.table, workspace.now
    found = {}
    for source, reach in workspace.project.inputs(plan.table).items():
        relation = source.address.relation
        snapshot = plan.snapshots[relation]
        elsewhere = workspace.elsewhere(snapshot)
        if snapshot is not None and elsewhere is None:
            check_columns(source, snapshot)
        partitions = since = None
        own: set[str] = set()
        if source.is_partitioned:
            reached = {k for key in keys for k in partitions_in_reach(calendar, table, source, reach, key, now)}
            own = {k for key in keys for k in needed_partitions(calendar, table, source, reach, key)}
            partitions = tuple(sorted(reached))
            if not reached <= own:
                since = min(filter(None, (read_since(calendar, source, reach, key) for key in keys)), default=None)
        columns = reach.columns if isinstance(reach, Lookback) else ()
        found[relation] = Reading(
            snapshot, source.rules.schema, partitions, tuple(sorted(own)), columns, since, elsewhere=elsewhere
        )
    return found


def _absent_inputs(workspace: Workspace, table: Table, plan: PartitionPlan) -> str:
    """Why a partition cannot be computed yet: an input that it needs as a whole does not exist. Empty where all do."""
    missing = []
    for source, reach in workspace.project.inputs(table).items():
        versions = plan.inputs[str(source.address)]
        needed = needed_partitions(workspace.calendar, table, source, reach, plan.partition)
        lacking = [key for key in needed if versions.get(key) is None]
        if lacking:
            missing.append(source.at + (f" {workspace.calendar.in_words(lacking)}" if source.is_partitioned else ""))
    if not missing:
        return ""
    return f"{table.at}: {', '.join(missing)} has not been published; make it first, or run with --upstream"

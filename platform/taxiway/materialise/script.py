"""A table's SQL as a script that an engine runs without Taxiway."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from taxiway.engines import Reading
from taxiway.engines.dialects import DIALECTS, Dialect
from taxiway.errors import LakeError, UsageError
from taxiway.lake import WHOLE
from taxiway.materialise.compiled import STAGED, delivered_schema, prepared
from taxiway.materialise.kinds import see_that_it_runs_on
from taxiway.materialise.plan import Plan, make_plan
from taxiway.materialise.stage import readings
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table
from taxiway.transforms import ArrowTransform
from taxiway.transforms.compile import to_sql


@dataclass(frozen=True)
class Script:
    """What to know, and the statements in order, the last of which gives the rows."""

    notes: tuple[str, ...]
    statements: tuple[str, ...]

    def __str__(self) -> str:
        """The notes as comments, then every statement with a semicolon at the end of its last line."""
        notes = [f"-- {line}".rstrip() for note in self.notes for line in note.splitlines()]
        return "\n".join([*notes, *(f"\n{statement};" for statement in self.statements)])


def make_script(workspace: Workspace, table: Table, dialect: Dialect, partition: str | None = None) -> Script:
    """The SQL of a table: of a partition, reading what a run of it would read, or of the whole table.

    Its inputs are views of their present versions; the delivered file of a raw table is left to be made. Of a table
    that a function makes, the script makes a view of each table that the function is given. Raises UsageError where
    the table cannot have that partition or needs one, LakeError where the engine by itself cannot read an input.
    """
    transform = table.transform
    if partition is not None and not table.is_partitioned:
        raise UsageError(f"{table.at} has no partitions: leave out the partition")
    keys = [] if table.is_partitioned and partition is None else [partition or WHOLE]
    plan = make_plan(workspace, table, keys)
    see_that_it_runs_on(table, plan.compiled.kind, next(name for name, spoken in DIALECTS.items() if spoken is dialect))
    independent = plan.compiled.independence
    if independent is not None and independent.reason and not keys:
        raise UsageError(f"{table.at} is {independent}; name one, e.g. --partition {workspace.first_partition(table)}")
    inputs = _inputs(workspace, plan, keys)
    if isinstance(transform, ArrowTransform):
        selected = prepared(workspace, table, partition or "").items()
        results = [dialect.view(_view_of(table, name), to_sql(rows, dialect.name)) for name, rows in selected]
    else:
        only = (table.rules.partition, partition) if table.rules.partition and partition else None
        whole = to_sql(plan.compiled.expressions[STAGED], dialect.name)
        results = [dialect.select(whole, table.rules.schema, only)]
    functions = dialect.functions(*results)
    views = [_view(dialect, relation, reading) for relation, reading in inputs.items()]
    notes = (
        f"{table.at}{f', {partition}' if partition else ''}: {table.rules.description}",
        *(_landing(table, dialect, partition) if table.files is not None else _origins(workspace, plan, inputs)),
        *([f"{str(independent).capitalize()}."] if independent is not None else []),
        *_constants(plan),
        *([f"Functions, made first: {', '.join(functions)}."] if functions else []),
        *_outcome(table),
    )
    return Script(notes, (*dialect.settings, *functions.values(), *views, *results))


def _inputs(workspace: Workspace, plan: Plan, keys: Sequence[str]) -> Mapping[str, Reading]:
    if keys:
        return readings(workspace, plan, keys)
    sources = workspace.project.inputs(plan.table)
    return {s.address.relation: Reading(plan.snapshots[s.address.relation], s.rules.schema) for s in sources}


def _view(dialect: Dialect, relation: str, reading: Reading) -> str:
    query = dialect.source(reading)
    if query is None:
        raise LakeError(f"{relation}: DuckDB by itself cannot read the Delta features of that table; Spark can")
    return dialect.view(relation, query)


def _view_of(table: Table, name: str) -> str:
    return f"{table.address.relation}_{name}"


def _origins(workspace: Workspace, plan: Plan, inputs: Mapping[str, Reading]) -> Iterator[str]:
    """Which table each input is, and how much of it."""
    for source in workspace.project.inputs(plan.table):
        reading = inputs[source.address.relation]
        told = f"{source.address.relation} is {source.at}"
        if reading.snapshot is None:
            yield f"{told}, which has not been published: it has no rows."
            continue
        told += f", version {reading.snapshot.version}"
        if reading.partitions is not None:
            absent = [key for key in reading.partitions if key not in reading.snapshot.partitions]
            told += f", of {', '.join(reading.partitions)}"
            told += f" ({', '.join(absent)} not published)" if absent else ""
        if reading.since is not None:
            told += f"; of earlier partitions from {' or '.join(reading.since_columns)} {reading.since.isoformat()}"
        yield f"{told}."


def _landing(table: Table, dialect: Dialect, partition: str | None) -> Iterator[str]:
    """What the delivered file is to look like: it is read by rules of its own."""
    assert table.files is not None
    assert table.transform is not None
    (relation,) = table.transform.inputs
    name = table.file_name(partition) if partition else table.files.name
    tells = f"{table.files.dated} tells" if table.is_dated else "the file was delivered for"
    yield (
        f"{relation} has to be there: the records of {name}, as {table.files} says; "
        "source_file and source_row, the file's name and the number of the record from 1; "
        "_problems, an empty list where a record is well formed; _delivered, its own text, null where it is that of "
        f"its columns (not of Parquet); _partition, the partition that {tells}. Its columns:"
    )
    yield dialect.view(relation, dialect.source(Reading(None, delivered_schema(table).to_pyarrow())) or "")


def _constants(plan: Plan) -> Iterator[str]:
    bound = [f"{name} = {value!r}" for name, value in plan.compiled.parameters.items() if name != "partition"]
    if bound:
        yield f"Bound: {', '.join(bound)}."


def _outcome(table: Table) -> Iterator[str]:
    if isinstance(table.transform, ArrowTransform):
        function = table.transform.function
        given = ", ".join(f"{name} from {_view_of(table, name)}" for name in table.transform.prepares)
        yield f"The rows are what {function.__module__}.{function.__qualname__} makes of {given}."
    yield "A run leaves out rows that break a rule of the contract, and publishes none where too many do."

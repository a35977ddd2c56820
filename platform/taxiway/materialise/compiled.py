"""A table's transform bound to a deployment: its expression over unbound inputs and its fingerprint."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir

from taxiway.calendar import Grain
from taxiway.calendar.keys import nests
from taxiway.contracts import TableContract, audit, check_schema
from taxiway.engines import IN_PROCESS
from taxiway.engines.dialects import DIALECTS
from taxiway.errors import DefinitionError
from taxiway.landing import Parquet
from taxiway.materialise.kinds import Kind, Part, judge
from taxiway.materialise.workspace import Workspace
from taxiway.spelling import nearest
from taxiway.tables import Table
from taxiway.transforms import ArrowTransform, BatchTransform, History, PandasTransform, Parameter, Transform, Whole
from taxiway.transforms.blocks import Blocks, stated_blocks
from taxiway.transforms.compile import bind_parameters, express, to_sql
from taxiway.transforms.fingerprint import code_of, fingerprint, library_versions
from taxiway.transforms.independence import Independence, Input, independence
from taxiway.transforms.library.typing import refuse, type_delivered
from taxiway.transforms.lineage import column_sources
from taxiway.transforms.pure import check_pure
from taxiway.zones.data import engines_digest, python_version, zones_of

STAGED = "staged"
# The dialect in which an expression's text stands for the expression, whichever engine runs it.
CANONICAL = "duckdb"

# What the reader of delivered files adds to their columns.
_LANDING = {
    "source_file": "string",
    "source_row": "int64",
    "_problems": "array<string>",
    "_delivered": "string",
    "_partition": "string",
}


@dataclass(frozen=True, eq=False)
class CompiledTable:
    """A computation ready for any engine, or for the one that its `kind` binds it to.

    `expressions` holds what an engine has to run: under `staged` for an Ibis transform, by the name of
    the prepared table for an Arrow one. `staged` is the result as the guard sees it, unbound: the columns
    of the contract and those, named with an underscore, that are for the guard only. `fingerprint` is
    the identity of the whole computation. `independence` says whether partitions can share a query; it is None for a
    table without partitions. `reads_context` is whether rows of other partitions are read beside its own, so that
    they come out too and are no part of the result.
    """

    table: Table
    kind: Kind
    expressions: Mapping[str, ir.Table]
    staged: ir.Table
    parameters: Mapping[str, Parameter]
    libraries: Mapping[str, str]
    fingerprint: str
    independence: Independence | None
    reads_context: bool = False


@lru_cache(maxsize=512)
def kind_of(workspace: Workspace, table: Table) -> Kind:
    """The kind of a table, told from its transform, or what prepares its rows, and from its rules.

    Builds the expression that `compile_table` takes up; needs no engine. Raises as `judge`, DefinitionError where a
    Python function depends on more than its arguments, and as `compile_table`.
    """
    if table.grain == "hour" and (irregular := workspace.calendar.irregular_hours()):
        raise DefinitionError(f"{table.at}: {irregular}; choose another zone for the project, as UTC, or another grain")
    engine = engine_of(workspace, table)
    parts: list[Part] = []
    keys = {source.address.relation: _whole_key(source.rules) for source in workspace.project.inputs(table)}
    if isinstance(table.transform, ArrowTransform):
        check_pure(table.transform.function, table.at)
        # Constants of a partition are read too, so it is one that there can be.
        for name, rows in prepared(workspace, table, workspace.first_partition(table)).items():
            parts.append(Part(table.transform.prepares[name].name, rows, keys))
    elif table.transform is not None:
        if table.files is not None:
            keys = {table.transform.inputs[0]: frozenset({"source_file", "source_row"})}
        parts.append(Part(table.transform.name, _result(workspace, table), keys))
    shape: dict[str, Any] = dict(table.rules.ibis_schema.items())
    for rule in table.rules.rules:
        shape |= rule.hidden
    staged = ibis.table(shape, name=STAGED)
    parts += [Part(f"rule {rule.name}", rule.holds(staged), {}) for rule in table.rules.rules]
    return judge(table, workspace.project, engine, parts)


def engine_of(workspace: Workspace, table: Table) -> str:
    """The engine that makes a table where a run names no other; raises DefinitionError for one that there is not."""
    if table.transform is None:
        return IN_PROCESS
    engine = table.engine or workspace.settings.engine
    if engine not in DIALECTS:
        raise DefinitionError(f"{table.at}: there is no engine '{engine}'; {nearest(engine, DIALECTS)}")
    return engine


def _whole_key(contract: TableContract) -> frozenset[str]:
    """The columns that are surely unique together over all partitions, also of a table in which some partitions were
    published when the key was held within each of them only."""
    return frozenset({*contract.key, *([contract.partition] if contract.partition else [])})


@lru_cache(maxsize=512)
def compile_table(workspace: Workspace, table: Table) -> CompiledTable:
    """The table's transform compiled for a deployment; once a process.

    Raises DefinitionError where the result's columns are not those of the contract.
    """
    transform = table.transform
    if transform is None:
        raise DefinitionError(f"{table.at} has no transform")
    kind = kind_of(workspace, table)
    settings = workspace.settings.parameters
    if isinstance(transform, ArrowTransform):
        parameters = bind_parameters(transform.parameters, settings)
        for prepare in transform.prepares.values():
            for name, value in bind_parameters(prepare.parameters, settings).items():
                if parameters.setdefault(name, value) != value:
                    raise DefinitionError(
                        f"{table.at}: {prepare.name} and its function have different defaults for {name}"
                    )
        expressions = prepared(workspace, table, partition="")
        # The SQL of a prepare that is given the partition is another for each: its code stands for it.
        prepares = [prepare.function for prepare in transform.prepares.values() if "partition" in prepare.parameters]
        codes = [code_of(function) for function in (transform.function, *prepares)]
        versions = {name: found for code in codes for name, found in code.versions.items()}
        libraries = {**library_versions(transform.libraries), **versions, "zones of python": python_version()}
        texts = [code.text for code in codes]
        if isinstance(transform, BatchTransform):
            check_batches(table, transform, expressions[transform.rows])
            texts += list(transform.by)
    else:
        parameters = bind_parameters(transform.parameters, settings)
        expressions = {STAGED: _result(workspace, table)}
        libraries = library_versions()
        texts = []
    staged = _staged(table, expressions.get(STAGED))
    dialect = CANONICAL if kind.engine is None else DIALECTS[kind.engine].name
    texts += [to_sql(expression, dialect) for expression in expressions.values()]
    texts += [*_reading(workspace, table), *contract_texts(table.rules, staged, dialect)]
    if table.is_dated:
        libraries = {**libraries, "zones of python": python_version()}
    if kind.engine is not None:
        texts.append(f"bound to {kind.engine}")
    independent = independence_of(workspace, table)
    if STAGED in expressions and independent is not None and independent.reason:
        texts.append("partition by partition")
    zones = zones_of(texts, workspace.calendar)
    if zones:
        libraries = {**libraries, "zones": engines_digest(zones, workspace.calendar)}
    identity = fingerprint(texts, parameters, libraries)
    context = _reads_context(workspace, table, expressions)
    return CompiledTable(table, kind, expressions, staged, parameters, libraries, identity, independent, context)


def _reads_context(workspace: Workspace, table: Table, expressions: Mapping[str, ir.Table]) -> bool:
    """Whether rows of other partitions may come out beside those of the one that is computed: not where each input with
    partitions is read in that one alone, and the partition of a row is made of such inputs."""
    if table.files is not None or table.grain is None or table.rules.partition is None:
        return False
    inputs = workspace.project.inputs(table)
    grains: dict[str, Grain | None] = {
        source.address.relation: source.grain for source, reach in inputs.items() if reach is None
    }
    alone = {relation for relation, grain in grains.items() if grain is not None and nests(grain, table.grain)}
    if any(grain is not None and relation not in alone for relation, grain in grains.items()):
        return True
    if any(reach is not None for reach in inputs.values()):
        return True
    rows = table.transform.rows if isinstance(table.transform, BatchTransform) else STAGED
    made_of = column_sources(expressions[rows]).get(table.rules.partition) if rows in expressions else None
    return not made_of or not {relation for relation, _ in made_of} <= alone


def independence_of(workspace: Workspace, table: Table) -> Independence | None:
    """Whether the partitions of a table that has a transform can be computed in one query; None where it has none."""
    partition = table.rules.partition
    if partition is None:
        return None
    if isinstance(table.transform, ArrowTransform):
        return Independence("a function is given the rows of one partition")
    if table.files is not None:
        (relation,) = table.inputs
        inputs = {relation: Input("_partition")}
    else:
        for source, reach in workspace.project.inputs(table).items():
            if source.grain not in (None, table.grain) and not isinstance(reach, Whole):
                return Independence(f"rows of {source.at} are told apart by {source.grain}")
        inputs = {
            source.address.relation: Input(
                None if isinstance(reach, Whole) else source.rules.partition,
                own=not isinstance(reach, History) or reach.own,
            )
            for source, reach in workspace.project.inputs(table).items()
        }
    expression, blocks = _expressed(workspace, table)
    return independence(expression, partition, inputs, blocks)


def prepared(workspace: Workspace, table: Table, partition: str) -> dict[str, ir.Table]:
    """What the transforms before an Arrow function select for a partition, by the function's parameter."""
    assert isinstance(table.transform, ArrowTransform)
    schemas = _input_schemas(workspace, table)
    found = {}
    for name, prepare in table.transform.prepares.items():
        parameters = bind_parameters(prepare.parameters, workspace.settings.parameters)
        if "partition" in parameters:
            parameters["partition"] = partition
        found[name] = express(prepare, schemas, parameters)
    return found


def check_batches(table: Table, transform: BatchTransform, rows: ir.Table) -> None:
    """Raise DefinitionError where the groups of a batch transform cannot be, or columns are not the contract's."""
    types = dict(rows.schema().items())
    problems = []
    for name in transform.by:
        if name not in types:
            problems.append(f"by names {name}, which is no column of {transform.rows}")
        elif types[name].is_floating() or types[name].is_nested():
            problems.append(f"by names {name}, which is {types[name]}: group by values that are equal or not")
    if isinstance(transform, PandasTransform):
        problems += check_schema(table.rules, ibis.schema(dict(transform.columns)))
    if problems:
        where = inspect.getsourcefile(transform.function)
        raise DefinitionError(f"{table.at}: {transform.name} ({where}) cannot give its contract: {'; '.join(problems)}")


def _result(workspace: Workspace, table: Table) -> ir.Table:
    """What the table's transform makes of its inputs, unbound."""
    return _expressed(workspace, table)[0]


@lru_cache(maxsize=512)
def _expressed(workspace: Workspace, table: Table) -> tuple[ir.Table, Blocks]:
    with stated_blocks() as blocks:
        return _express(workspace, table), blocks


def _express(workspace: Workspace, table: Table) -> ir.Table:
    transform = table.transform
    assert isinstance(transform, Transform)
    parameters = bind_parameters(transform.parameters, workspace.settings.parameters)
    if table.external is not None:
        (relation,) = transform.inputs
        result = transform.function(ibis.table(table.rules.ibis_schema, name=relation))
    elif table.files is not None:
        (relation,) = transform.inputs
        landing = type_delivered(
            ibis.table(delivered_schema(table), name=relation), table.file_columns, table.files.form
        )
        own = {name: parameters[name] for name in transform.parameters}
        result = transform.function(landing, **own)
        partition = table.rules.partition
        if partition is not None:
            # What the file was delivered for is what its rows replace, so a row of another partition has no place.
            foreign = result[partition].notnull() & (result[partition] != result["_partition"])
            told = (
                f"{table.files.dated} tells another one" if table.is_dated else "the file was delivered for another one"
            )
            result = refuse(result, foreign, f"{partition}: {told}")
            result = result.mutate(**{partition: result["_partition"]})
        unkept = [name for name in table.file_columns if name not in table.rules.ibis_schema]
        result = result.drop(*unkept, "_partition")
    else:
        result = express(transform, _input_schemas(workspace, table), parameters)
    visible = ibis.schema({name: dtype for name, dtype in result.schema().items() if not name.startswith("_")})
    problems = list(check_schema(table.rules, visible))
    for rule in table.rules.rules:
        missing = [name for name in rule.hidden if name not in result.columns]
        problems += [f"column {name} is missing, which the rule {rule.name} reads" for name in missing]
    if problems:
        where = inspect.getsourcefile(transform.function)
        raise DefinitionError(
            f"{table.at}: {transform.name} ({where}) does not give its contract: {'; '.join(problems)}"
        )
    return result


def delivered_schema(table: Table) -> ibis.Schema:
    """The columns of a delivered file as its reader gives them."""
    added = {
        name: dtype for name, dtype in _LANDING.items() if name != "_delivered" or not isinstance(table.files, Parquet)
    }
    return ibis.schema(dict(table.file_schema.items()) | added)


def _input_schemas(workspace: Workspace, table: Table) -> dict[str, ibis.Schema]:
    sources = workspace.project.inputs(table)
    return {source.address.relation: source.rules.ibis_schema for source in sources}


def _staged(table: Table, result: ir.Table | None) -> ir.Table:
    schema = dict(table.rules.ibis_schema.items())
    if result is not None:
        schema |= {name: dtype for name, dtype in result.schema().items() if name.startswith("_")}
    return ibis.table(schema, name=STAGED)


def _reading(workspace: Workspace, table: Table) -> list[str]:
    """The canonical texts of what is read: how a delivered file is, or how far back each input reaches."""
    if table.external is not None:
        return [table.external.place]
    if table.files is not None:
        # By them rows are told apart, and which of them are of no partition.
        places = [f"{table.files.dated} on {workspace.calendar!r}"] if table.is_dated else []
        return [repr(table.files), *places]
    inputs = workspace.project.inputs(table).items()
    read = sorted(f"{source.at} {reach!r} {source.rules.max_lag!r}" for source, reach in inputs)
    # The clock says where a partition begins, and so what lies within a reach.
    return [workspace.calendar.zone, *read] if table.is_partitioned else read


def contract_texts(contract: TableContract, staged: ir.Table, dialect: str = CANONICAL) -> list[str]:
    """The canonical texts of a contract: what a staged result must be, and the query that says whether it is."""
    shape = [f"{name} {dtype}" for name, dtype in contract.ibis_schema.items()]
    held = [repr(contract.key), repr(contract.key_within_partition), repr(contract.tolerance), repr(contract.volume)]
    held += [repr((rule.name, rule.kind, rule.severity, rule.reason)) for rule in contract.rules]
    return [*shape, *held, to_sql(audit(contract, staged), dialect)]

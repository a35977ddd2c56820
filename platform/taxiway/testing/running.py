"""A transform on tables in memory: what the tests of a project use in place of a lake."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import ibis
import pyarrow as pa

from taxiway.engines.duckdb import BATCH_ROWS, DuckDB, DuckDBSession
from taxiway.engines.groups import groups
from taxiway.errors import DefinitionError
from taxiway.storage import Store
from taxiway.transforms import ArrowTransform, BatchFunction, BatchTransform, Parameter, Transform
from taxiway.transforms.compile import express, to_sql


def run_transform(
    transform: Transform | ArrowTransform,
    tables: Mapping[str, pa.Table],
    parameters: Mapping[str, Parameter] | None = None,
) -> pa.Table:
    """The transform's result on `tables`, by relation name (`feature_flights`), as an engine computes it.

    Its columns have the types that the transform states, or that its function returns; the order of rows means
    nothing. `parameters` override the defaults. Raises TransformFailed where a function of batches fails, and
    DefinitionError where it has no rows to be called with.
    """
    given = dict(parameters or {})
    with tempfile.TemporaryDirectory() as folder:
        engine = DuckDB(threads=2, memory_limit="2GB", scratch=Path(folder), lake=Store(folder))
        with engine.session() as session:
            for name in transform.inputs:
                session.load(name, tables[name])
            if isinstance(transform, Transform):
                return _selected(transform, tables, given, session)
            prepared = {name: _selected(of, tables, given, session) for name, of in transform.prepares.items()}
    own = {name: given.get(name, default) for name, default in transform.parameters.items()}
    if isinstance(transform, BatchTransform):
        return _in_batches(transform, prepared, own)
    return transform.function(**prepared, **own)


def _selected(
    transform: Transform, tables: Mapping[str, pa.Table], given: Mapping[str, Parameter], session: DuckDBSession
) -> pa.Table:
    schemas = {name: ibis.Schema.from_pyarrow(tables[name].schema) for name in transform.inputs}
    expression = express(transform, schemas, {**transform.parameters, **given})
    session.stage("result", to_sql(expression, session.dialect), expression.schema().to_pyarrow())
    return session.query("SELECT * FROM result")


def _in_batches(transform: BatchTransform, prepared: Mapping[str, pa.Table], own: Mapping[str, Parameter]) -> pa.Table:
    rows = prepared[transform.rows]
    whole = {name: table for name, table in prepared.items() if name != transform.rows}
    function = BatchFunction(transform.arrow_function, {**whole, **own}, rows.schema, None, transform.by)
    ordered = rows.sort_by([(name, "ascending") for name in transform.by]) if transform.by else rows
    made = [function(batch) for batch in groups(ordered.to_batches(BATCH_ROWS), transform.by)]
    if not made:
        raise DefinitionError(f"{transform.name}: its tables have no rows to call it with")
    return pa.concat_tables(made)

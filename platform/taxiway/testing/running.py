"""A transform on tables in memory: what the tests of a project use in place of a lake."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import ibis
import pyarrow as pa

from taxiway.engines.duckdb import DuckDB
from taxiway.transforms import Parameter, Transform
from taxiway.transforms.compile import express, to_sql


def run_transform(
    transform: Transform, tables: Mapping[str, pa.Table], parameters: Mapping[str, Parameter] | None = None
) -> pa.Table:
    """The transform's result on `tables`, by relation name (`feature_flights`), as an engine computes it.

    Its columns have the types that the transform states; the order of rows means nothing. `parameters`
    override the defaults.
    """
    schemas = {name: ibis.Schema.from_pyarrow(tables[name].schema) for name in transform.inputs}
    expression = express(transform, schemas, dict(transform.parameters) | dict(parameters or {}))
    with tempfile.TemporaryDirectory() as folder:
        engine = DuckDB(threads=2, memory_limit="2GB", scratch=Path(folder), lake=Path(folder))
        with engine.session() as session:
            for name in transform.inputs:
                session.load(name, tables[name])
            session.stage("result", to_sql(expression, session.dialect), expression.schema().to_pyarrow())
            return session.query("SELECT * FROM result")

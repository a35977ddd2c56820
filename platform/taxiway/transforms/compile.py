"""From a transform to SQL: the function runs once on unbound tables, Ibis compiles, nothing is executed."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.config import Config

from taxiway.errors import DefinitionError
from taxiway.transforms.agreed import agreed
from taxiway.transforms.transform import Parameter, Transform


class _SparkOptions(Config):
    """What Ibis' compiler for Spark reads. Ibis declares it with its backend, which imports pyspark."""

    treat_nan_as_null: bool = False


def bind_parameters(declared: Mapping[str, Parameter], settings: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """The declared parameters with the values of the settings of the same names, the defaults elsewhere.

    Raises DefinitionError where a setting has another type than the parameter.
    """
    bound = dict(declared)
    for name in declared.keys() & settings.keys():
        value, default = settings[name], declared[name]
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(default):
            raise DefinitionError(f"parameter {name}={value!r} of the settings is no {type(default).__name__}")
        bound[name] = value
    return bound


def express(transform: Transform, schemas: Mapping[str, ibis.Schema], parameters: Mapping[str, Parameter]) -> ir.Table:
    """The transform's result as an unbound expression over tables of these schemas."""
    tables = [ibis.table(schemas[name], name=name) for name in transform.inputs]
    own = {name: parameters[name] for name in transform.parameters}
    result = transform.function(*tables, **own)
    if not isinstance(result, ir.Table):
        raise DefinitionError(f"{transform.name}: returned {type(result).__name__}, not an Ibis table")
    return result


def to_sql(expression: ir.Expr, dialect: str) -> str:
    """The SQL of an expression for a dialect, the same text in every process; needs no connection."""
    operation: Any = expression.op()
    return _sql(operation, dialect)


@lru_cache(maxsize=1024)
def _sql(operation: Any, dialect: str) -> str:
    if dialect == "pyspark" and ibis.options.pyspark is None:
        ibis.options.pyspark = _SparkOptions()
    return str(ibis.to_sql(agreed(operation, dialect).to_expr(), dialect=dialect))

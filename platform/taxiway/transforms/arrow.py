# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Transforms that are not relational, such as fitting a model: a function of Arrow tables.

What such a function may see is selected by ordinary transforms, which the engine runs for one partition;
so reach, lineage and pruning work as for any other table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from taxiway.errors import DefinitionError
from taxiway.transforms.exact import NotExact, Values, exactly
from taxiway.transforms.transform import Parameter, Transform, declared

ArrowFunction = Callable[..., pa.Table]


@dataclass(frozen=True)
class ArrowTransform:
    """A pure function from prepared Arrow tables and typed parameters to an Arrow table.

    `prepares` holds the transform that prepares each table, by the function's parameter name, `parameters`
    the function's declared parameters with their defaults, and `libraries` the distributions whose version
    is part of what comes out. A parameter `partition`, here or in a prepare, is bound to the key of the partition.
    """

    function: ArrowFunction
    prepares: Mapping[str, Transform]
    parameters: Mapping[str, Parameter]
    libraries: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def inputs(self) -> tuple[str, ...]:
        """The relation names that the prepares read, each once."""
        return tuple(dict.fromkeys(name for prepare in self.prepares.values() for name in prepare.inputs))

    def __call__(self, *tables: pa.Table, **bound: pa.Table | Parameter) -> pa.Table:
        """The function's own result, for tests and for use outside the platform."""
        return self.function(*tables, **bound)


def arrow_transform(
    *, prepare: Transform | Mapping[str, Transform], libraries: tuple[str, ...] = ()
) -> Callable[[ArrowFunction], ArrowTransform]:
    """Declare a function of Arrow tables: `@arrow_transform(prepare=training_rows, libraries=("lightgbm",))`.

    A function of several tables names the prepare of each: `prepare={"rows": scored, "models": in_force}`.
    The rows of a prepared table come in no particular order. The result must have exactly the columns of
    the contract. Raises DefinitionError where prepares and tables do not match.
    """

    def declare(function: ArrowFunction) -> ArrowTransform:
        return ArrowTransform(function, *prepared_by(function, prepare), libraries)

    return declare


def prepared_by(
    function: Callable[..., object], prepare: Transform | Mapping[str, Transform]
) -> tuple[Mapping[str, Transform], Mapping[str, Parameter]]:
    """The prepares of a function's tables, in their order, and its parameters.

    Raises DefinitionError where prepares and tables do not match.
    """
    tables, parameters = declared(function)
    prepares = {tables[0]: prepare} if isinstance(prepare, Transform) and tables else prepare
    if isinstance(prepares, Transform) or set(prepares) != set(tables):
        given = "one" if isinstance(prepare, Transform) else f"prepares of {sorted(prepare)}"
        raise DefinitionError(
            f"{function.__name__}: takes the tables {list(tables)} but is given {given}: "
            'name the prepare of each, prepare={"rows": ...}'
        )
    return MappingProxyType({name: prepares[name] for name in tables}), parameters


def conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """What a function returned, with the columns of the schema in their order and types.

    Raises DefinitionError where it has other columns, or values that are not exactly of a column's type.
    """
    if not isinstance(rows, pa.Table):
        raise DefinitionError(f"its function returned {type(rows).__name__}, not an Arrow table")
    if sorted(rows.schema.names) != sorted(schema.names):
        raise DefinitionError(f"its function returned the columns {rows.schema.names}, the contract has {schema.names}")
    return pa.table([_column(rows[column.name], column) for column in schema], schema=schema)


def moved_to(rows: pa.Table, partition: str, key: str) -> str:
    """Which other partition than that of the key a row is in, in words; empty where each is in that one, or in none."""
    keys = [found for found in pc.unique(rows[partition]).to_pylist() if found is not None and found != key]
    return f"{partition}: {min(keys)} out of {key}; a row stays in the partition it was read in" if keys else ""


def _column(values: pa.ChunkedArray, column: pa.Field) -> Values:
    try:
        return exactly(values, column.type)
    except NotExact as error:
        raise DefinitionError(f"column {column.name} of its function is no {column.type}: {error}") from error

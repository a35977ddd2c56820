"""Transforms written in pandas: the bridge for code that exists, on every engine; Ibis is where it should arrive.

A frame has plain numpy types. Floats, texts and instants hold NaN, None and NaT where a value is missing. A column
of whole numbers is float64 and one of booleans object where any row of the partition lacks the value, as in a
frame of the whole partition; it does not depend on the batch or group. Instants are in UTC, dates are Python's.
Of what comes back, NaN, NaT and None are all missing, instants without a zone are UTC, and the index is dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from taxiway.errors import DefinitionError
from taxiway.transforms.arrow import ArrowFunction, prepared_by
from taxiway.transforms.batches import BatchTransform
from taxiway.transforms.transform import Transform

if TYPE_CHECKING:
    import pandas as pd

FrameFunction = Callable[..., "pd.DataFrame"]
# What makes a frame's bits, beside the function.
_LIBRARIES = ("pandas", "numpy")


@dataclass(frozen=True)
class PandasTransform(BatchTransform):
    """A batch transform whose function takes and returns pandas frames; `columns` are its result's, with their types.

    Called directly, it is the function itself, from frames to a frame.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def needs_nulls(self) -> bool:
        """Numpy has no missing whole numbers and booleans."""
        return True

    @property
    def arrow_function(self) -> ArrowFunction:
        """The function, from Arrow tables to an Arrow table."""
        return ThroughFrames(self.function, ibis.schema(dict(self.columns)).to_pyarrow())


def pandas_transform(
    *,
    prepare: Transform | Mapping[str, Transform],
    columns: Mapping[str, str],
    by: Sequence[str] = (),
    libraries: tuple[str, ...] = (),
) -> Callable[[FrameFunction], PandasTransform]:
    """Declare a function of pandas frames: `@pandas_transform(prepare=legs, by=["tail"], columns={"gap": "int64"})`.

    With `by` it is called with the frame of each group, as `frame.groupby([...], dropna=False)` gives it, sorted by
    its columns from left to right and with a new index; without, with frames of any rows, and must be row-wise.
    The `columns` it returns are those of the contract, with their types as Ibis names them. Otherwise as
    `batch_transform`. Raises DefinitionError where prepares and tables do not match, or for a type that there is not.
    """
    try:
        ibis.schema(dict(columns))
    except Exception as error:
        raise DefinitionError(f"columns {dict(columns)}: {error}; write types as Ibis does, e.g. int64") from error

    def declare(function: FrameFunction) -> PandasTransform:
        own = tuple(dict.fromkeys((*_LIBRARIES, *libraries)))
        return PandasTransform(
            function, *prepared_by(function, prepare), own, tuple(by), MappingProxyType(dict(columns))
        )

    return declare


@dataclass(frozen=True)
class ThroughFrames:
    """A function of frames as one of Arrow tables."""

    function: FrameFunction
    columns: pa.Schema

    def __call__(self, rows: pa.Table, **bound: Any) -> pa.Table:
        """The function's result for the rows and what is bound, as Arrow; tables become frames."""
        given = {name: to_frame(value) if isinstance(value, pa.Table) else value for name, value in bound.items()}
        return from_frame(self.function(to_frame(rows), **given), self.columns)


def to_frame(rows: pa.Table) -> "pd.DataFrame":
    """The rows as a frame of plain numpy types, which depend on the schema alone: whether a column may hold nulls."""
    maybe_missing = [column for column in rows.schema if column.nullable]
    numbers = [column.name for column in maybe_missing if pa.types.is_integer(column.type)]
    for name in numbers:
        # As pandas does it: beyond 2**53 the nearest double.
        values = rows[name].cast(pa.float64(), safe=False)
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    frame = rows.to_pandas()
    truths = [column.name for column in maybe_missing if pa.types.is_boolean(column.type)]
    return frame.astype(dict.fromkeys(truths, object)) if truths else frame


def from_frame(frame: "pd.DataFrame", columns: pa.Schema) -> pa.Table:
    """A function's frame as Arrow; raises DefinitionError where it has other columns or values that do not fit."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise DefinitionError(f"its function returned {type(frame).__name__}, not a pandas frame")
    if sorted(map(str, frame.columns)) != sorted(columns.names):
        raise DefinitionError(f"its function returned the columns {list(frame.columns)}, declared are {columns.names}")
    return pa.table([_column(frame[column.name], column) for column in columns], schema=columns)


def _column(values: Any, column: pa.Field) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, column.type, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DefinitionError(f"column {column.name} of its function is no {column.type}: {error}") from error

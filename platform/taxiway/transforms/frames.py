# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Transforms written in pandas: the bridge for code that exists, on every engine; Ibis is where it should arrive.

The types of a frame depend on the declared columns alone. Whole numbers of any width are Int64, booleans are boolean,
so that nothing passes through float; they hold NA where a value is missing. Floats, texts and instants are numpy's and
hold NaN, None and NaT; instants are in UTC. Dates, times and decimals are Python's, lists are arrays.
Of what comes back, NaN, NaT, NA and None are all missing, and the index is dropped; a value that is not exactly one of
its column's type is refused, and so is a time without a zone for an instant.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.errors import DefinitionError
from taxiway.transforms.arrow import ArrowFunction, prepared_by
from taxiway.transforms.batches import BatchTransform
from taxiway.transforms.exact import NotExact, Values, exactly
from taxiway.transforms.transform import Transform

if TYPE_CHECKING:
    import pandas as pd

FrameFunction = Callable[..., "pd.DataFrame"]
# What makes a frame's bits, beside the function; pandas takes its clocks from pytz.
_LIBRARIES = ("pandas", "numpy", "pytz")


@dataclass(frozen=True)
class PandasTransform(BatchTransform):
    """A batch transform whose function takes and returns pandas frames; `columns` are its result's, with their types.

    Called directly, it is the function itself, from frames to a frame.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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
    """The rows as a frame, whose types depend on the schema alone. Raises DefinitionError for times of nanoseconds."""
    import pandas as pd

    def dtype(arrow: pa.DataType) -> Any:
        if pa.types.is_boolean(arrow):
            return pd.BooleanDtype()
        if pa.types.is_integer(arrow):
            return pd.UInt64Dtype() if arrow == pa.uint64() else pd.Int64Dtype()
        return None

    frame = pa.table({column.name: _for_pandas(rows[column.name]) for column in rows.schema}).to_pandas(
        types_mapper=dtype
    )
    for column in rows.schema:
        if _holds_objects(column.type):
            frame[column.name] = pd.Series(_objects(rows[column.name], column.type), dtype=object)
    return frame


def _for_pandas(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values as pandas takes all of them; Python's times have microseconds."""
    if pa.types.is_time64(values.type):
        try:
            return values.cast(pa.time64("us"))
        except pa.ArrowInvalid as error:
            raise DefinitionError(f"a frame holds times of whole microseconds: {error}") from error
    return pa.nulls(len(values)) if _holds_objects(values.type) else values


def _holds_objects(arrow: pa.DataType) -> bool:
    """Whether the values are nested ones that numpy's types would change: whole numbers with a null become floats."""
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        item = arrow.value_type
        return not (pa.types.is_floating(item) or pa.types.is_string(item) or pa.types.is_large_string(item))
    return pa.types.is_nested(arrow)


def _objects(values: pa.ChunkedArray, arrow: pa.DataType) -> list[Any]:
    """Lists as arrays of Python's own values, as the others are arrays, structs as dictionaries."""
    import numpy as np

    if not (pa.types.is_list(arrow) or pa.types.is_large_list(arrow)):
        return values.to_pylist()
    return [
        None if items is None else np.fromiter(items, dtype=object, count=len(items)) for items in values.to_pylist()
    ]


def from_frame(frame: "pd.DataFrame", columns: pa.Schema) -> pa.Table:
    """A function's frame as Arrow.

    Raises DefinitionError where it has other columns, or values that are not exactly of a column's type.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise DefinitionError(f"its function returned {type(frame).__name__}, not a pandas frame")
    if sorted(frame.columns, key=str) != sorted(columns.names):
        raise DefinitionError(f"its function returned the columns {list(frame.columns)}, declared are {columns.names}")
    return pa.table([_column(frame[column.name], column) for column in columns], schema=columns)


def _column(values: Any, column: pa.Field) -> Values:
    try:
        if values.dtype == object:
            check_moments(values)
        made = pa.array(values, from_pandas=True)
        if pa.types.is_floating(made.type):
            made = pc.if_else(pc.is_nan(made), pa.scalar(None, made.type), made)
        return exactly(made, column.type)
    except (pa.ArrowException, OverflowError, NotExact) as error:
        raise DefinitionError(f"column {column.name} of its function is no {column.type}: {error}") from error


def check_moments(values: Any) -> None:
    """Refuse Python's own times where Arrow would cut them, or take the zone of one for that of all; in lists too.

    Raises NotExact.
    """
    import pandas as pd

    flat = list(_flat(values))
    dated = [value for value in flat if isinstance(value, date) and value is not pd.NaT]
    timed = [value for value in dated if isinstance(value, datetime)]
    if 0 < len(timed) < len(dated):
        raise NotExact(f"some values are times, as {timed[0]}, and some are dates")
    if len({value.tzinfo is None for value in timed}) > 1:
        raise NotExact("some times have a zone and some have none: give all of them one, e.g. .tz_localize('UTC')")
    fine = next((value for value in timed if getattr(value, "nanosecond", 0)), None)
    if fine is not None:
        raise NotExact(f"{fine} has nanoseconds: round it, e.g. .floor('us')")
    zoned = next((value for value in flat if isinstance(value, time) and value.tzinfo is not None), None)
    if zoned is not None:
        raise NotExact(f"{zoned} is a time of day with a zone: take the zone off, e.g. .replace(tzinfo=None)")


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    import numpy as np

    for value in values:
        if isinstance(value, dict):
            yield from _flat(value.values())
        elif isinstance(value, list | tuple | np.ndarray):
            yield from _flat(value)
        else:
            yield value

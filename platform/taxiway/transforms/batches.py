"""Transforms of more rows than memory holds: a function of a batch of rows, or of one group's rows, in Arrow.

What the function is called with is selected by ordinary transforms, as in `arrow`; the engine runs it where
the rows are: DuckDB in this process over a stream, Spark in its workers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from taxiway.errors import DefinitionError, TransformFailed
from taxiway.transforms.arrow import ArrowFunction, ArrowTransform, conformed, moved_to, prepared_by
from taxiway.transforms.transform import Transform


@dataclass(frozen=True)
class BatchTransform(ArrowTransform):
    """A pure function that is called again and again, each time with some of the rows of its first table.

    `by` names the columns of which all rows with equal values come together; without it a call has any rows.
    Every other table of the function is small and comes whole with each call.
    """

    by: tuple[str, ...] = ()

    @property
    def rows(self) -> str:
        """The parameter whose table comes in batches."""
        return next(iter(self.prepares))

    @property
    def arrow_function(self) -> ArrowFunction:
        """The function, from Arrow tables to an Arrow table."""
        return self.function


def batch_transform(
    *, prepare: Transform | Mapping[str, Transform], by: Sequence[str] = (), libraries: tuple[str, ...] = ()
) -> Callable[[ArrowFunction], BatchTransform]:
    """Declare a function that gets its first table in batches: `@batch_transform(prepare={"rows": a, "models": b})`.

    Without `by` the function must be row-wise: what it makes of a row may not depend on the other rows of its batch,
    whose number and order are the engine's. With `by` it gets all rows of one group, sorted by their columns from
    left to right; groups come in no particular order, and rows without a value form a group like any other. It is
    never called without rows. Rows of other partitions, which the prepare may read as context, are taken from the
    result. Raises DefinitionError where prepares and tables do not match.
    """

    def declare(function: ArrowFunction) -> BatchTransform:
        return BatchTransform(function, *prepared_by(function, prepare), libraries, tuple(by))

    return declare


@dataclass(frozen=True)
class BatchFunction:
    """A batch transform bound for one partition, from rows to rows as they are staged. Spark sends it to its workers.

    `bound` holds the whole tables and the parameters, `rows` and `result` are the schemas of what goes in and comes
    out; without `result` that is what the function returns. Where `partition` is given, only rows with that key in
    that column are kept, and such as have none; unless it `reads_context`, there must be no others.
    """

    function: ArrowFunction
    bound: Mapping[str, Any]
    rows: pa.Schema
    result: pa.Schema | None
    by: tuple[str, ...] = ()
    partition: tuple[str, str] | None = None
    reads_context: bool = True

    def __call__(self, rows: pa.Table) -> pa.Table:
        """What the function makes of a batch, or of a whole group; raises TransformFailed naming the group."""
        rows = rows.select(self.rows.names).cast(self.rows)
        if self.by:
            rows = rows.sort_by([(name, "ascending") for name in self._sortable()])
        try:
            made = self.function(rows, **self.bound)
            if self.result is not None:
                made = conformed(made, self.result)
        except Exception as error:
            told = str(error) if isinstance(error, DefinitionError) else f"{type(error).__name__}: {error}"
            raise TransformFailed(f"{self._which(rows)}{' '.join(told.split())}") from error
        if self.partition is None:
            return made
        column, key = self.partition
        if not self.reads_context and (moved := moved_to(made, column, key)):
            raise TransformFailed(f"{self._which(rows)}{moved}")
        # A row without a partition belongs nowhere; the guard is to see it.
        return made.filter((pc.field(column) == key) | pc.field(column).is_null())

    def _sortable(self) -> list[str]:
        others = [column.name for column in self.rows if not pa.types.is_nested(column.type)]
        return [*self.by, *(name for name in others if name not in self.by)]

    def _which(self, rows: pa.Table) -> str:
        if not self.by:
            return ""
        return f"group {', '.join(f'{name}={rows[name][0].as_py()}' for name in self.by)}: "

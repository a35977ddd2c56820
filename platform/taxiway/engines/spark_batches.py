"""Functions of Arrow tables in Spark's Python workers."""
# pyspark is an extra.
# pyright: reportMissingImports=false

import pickle
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from taxiway.engines.base import OfRows
from taxiway.engines.spark_errors import words
from taxiway.errors import EngineError, TransformFailed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FAILED = re.compile(rf"{TransformFailed.__name__}: (.+)")
_MISSING = re.compile(r"ModuleNotFoundError: (.+)")


def map_rows(rows: "DataFrame", function: OfRows, by: Sequence[str], ddl: str) -> "DataFrame":
    """What the function makes of the rows, with the columns of `ddl`: of each group by these columns, or of batches."""
    from pyspark import cloudpickle

    load = partial(_load, cloudpickle.dumps(function), tuple(sys.path))

    # Spark reads off the signatures what it is to hand over.
    def of_group(group: pa.Table) -> pa.Table:
        return load()(group)

    def of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        function = load()
        for batch in batches:
            if batch.num_rows:
                yield from function(pa.Table.from_batches([batch])).to_batches()

    if by:
        return rows.groupBy(*by).applyInArrow(of_group, ddl)
    return rows.mapInArrow(of_batches, ddl)


@contextmanager
def told_of_batches() -> Iterator[None]:
    """Say what errors of the workers' Python mean; raises TransformFailed and EngineError."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        text = words(error)
        failed, missing = _FAILED.search(text), _MISSING.search(text)
        if failed:
            raise TransformFailed(failed[1]) from error
        if missing:
            raise EngineError(
                f"Spark's workers lack what the function needs ({missing[1]}); install the project on them"
            ) from error
        raise


def _load(pickled: bytes, path: Sequence[str]) -> OfRows:
    """The function in a worker, which finds modules where the driver does as far as it has the same folders."""
    if pickled not in _LOADED:
        sys.path.extend(folder for folder in path if folder not in sys.path)
        _LOADED.clear()
        _LOADED[pickled] = pickle.loads(pickled)
    return _LOADED[pickled]


_LOADED: dict[bytes, Callable[[pa.Table], pa.Table]] = {}

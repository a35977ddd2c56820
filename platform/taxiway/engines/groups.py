# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""A stream of sorted rows cut where one group ends and the next begins, however it comes in batches."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def groups(batches: Iterable[pa.RecordBatch], by: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of each group, which the batches hold one after the other; without `by` each batch. None is empty."""
    held: list[pa.Table] = []
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        if rows.num_rows == 0:
            continue
        if not by:
            yield rows
            continue
        for begin, end in pairwise([0, *_begins(rows.select(by)), rows.num_rows]):
            part = rows.slice(begin, end - begin)
            if held and (begin > 0 or _key(part, by) != _key(held[0], by)):
                yield pa.concat_tables(held)
                held = []
            held.append(part)
    if held:
        yield pa.concat_tables(held)


def joined(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of at least so many, but for the last."""
    held: list[pa.Table] = []
    size = 0
    for table in tables:
        held.append(table)
        size += table.num_rows
        if size >= rows:
            yield pa.concat_tables(held)
            held, size = [], 0
    if held:
        yield pa.concat_tables(held)


def _key(rows: pa.Table, by: Sequence[str]) -> list[object]:
    return [rows[name][0].as_py() for name in by]


def _begins(keys: pa.Table) -> list[int]:
    """The rows, but for the first, whose key is not that of the row before."""
    differs = np.zeros(keys.num_rows - 1, dtype=bool)
    for values in keys.columns:
        before, after = values.slice(0, len(values) - 1), values.slice(1)
        other = pc.fill_null(pc.not_equal(before, after), False)
        differs |= np.asarray(pc.or_(other, pc.xor(pc.is_null(before), pc.is_null(after))))
    return (np.flatnonzero(differs) + 1).tolist()

# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Whether values, and tables, are the same to the bit.

On purpose by Arrow and numpy, not by an engine's SQL as in `materialise.equality` and `comparison`: what an engine says
of its own results is no proof of them.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def identical(left: pa.ChunkedArray, right: pa.ChunkedArray) -> np.ndarray:
    """Which values are the same to the bit, of two columns of one type and length; null is the same as null."""
    if pa.types.is_nested(left.type):
        pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
        return np.array([repr(one) == repr(other) for one, other in pairs], dtype=bool)
    left_null, right_null = (np.asarray(pc.is_null(side)) for side in (left, right))
    if pa.types.is_floating(left.type):
        bits = [np.asarray(pc.fill_null(side, 0.0), dtype="float64").view("int64") for side in (left, right)]
        equal = bits[0] == bits[1]
    else:
        equal = np.asarray(pc.fill_null(pc.equal(left, right), True))
    return (left_null == right_null) & (left_null | equal)


def differences(left: pa.Table, right: pa.Table, key: Sequence[str]) -> list[str]:
    """What differs, in words, between two tables whose rows are in any order; empty where they are the same.

    Types and missing values count, and numbers are compared by their bits.
    """
    if left.schema.names != right.schema.names or left.schema.types != right.schema.types:
        return [f"columns: {left.schema} against {right.schema}"]
    if left.num_rows != right.num_rows:
        return [f"rows: {left.num_rows} against {right.num_rows}"]
    order = [(name, "ascending") for name in key]
    left, right = left.sort_by(order), right.sort_by(order)
    found = []
    for name in left.schema.names:
        different = ~identical(left[name], right[name])
        if different.any():
            row = int(np.argmax(different))
            found.append(f"{name}: {different.sum()} values, e.g. {left[name][row]} against {right[name][row]}")
    return found

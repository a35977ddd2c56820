"""Whether two tables hold the same rows, to the bit."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


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
        different = ~_same(left[name].combine_chunks(), right[name].combine_chunks())
        if different.any():
            row = int(np.argmax(different))
            found.append(f"{name}: {different.sum()} values, e.g. {left[name][row]} against {right[name][row]}")
    return found


def _same(left: pa.Array, right: pa.Array) -> np.ndarray:
    if pa.types.is_list(left.type):
        pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
        return np.array([repr(one) == repr(other) for one, other in pairs], dtype=bool)
    missing = [np.asarray(pc.is_null(side)) for side in (left, right)]
    if pa.types.is_floating(left.type):
        bits = [np.asarray(side.fill_null(0.0)).view("int64") for side in (left, right)]
        equal = bits[0] == bits[1]
    else:
        equal = np.asarray(pc.fill_null(pc.equal(left, right), True))
    return (missing[0] == missing[1]) & (missing[0] | equal)

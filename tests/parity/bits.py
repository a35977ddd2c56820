"""Whether two tables hold the same rows, to the bit."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from taxiway.testing.bits import identical


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

# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Whether values are the same, to the bit."""

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

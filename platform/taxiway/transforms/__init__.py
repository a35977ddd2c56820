"""Transforms: what one is (`transform`, `arrow`, `batches`, `frames`), how it becomes SQL (`compile`), its identity
(`fingerprint`).

The agnostic building blocks are in `library`.
"""

from taxiway.transforms.arrow import ArrowTransform, arrow_transform
from taxiway.transforms.batches import BatchFunction, BatchTransform, batch_transform
from taxiway.transforms.frames import PandasTransform, pandas_transform
from taxiway.transforms.transform import History, Lookback, Parameter, Reach, Transform, Whole, transform

__all__ = [
    "ArrowTransform",
    "BatchFunction",
    "BatchTransform",
    "History",
    "Lookback",
    "PandasTransform",
    "Parameter",
    "Reach",
    "Transform",
    "Whole",
    "arrow_transform",
    "batch_transform",
    "pandas_transform",
    "transform",
]

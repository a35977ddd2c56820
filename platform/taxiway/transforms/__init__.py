"""Transforms: what one is (`transform`, `arrow`), how it becomes SQL (`compile`), its identity (`fingerprint`).

The agnostic building blocks are in `library`.
"""

from taxiway.transforms.arrow import ArrowTransform, arrow_transform
from taxiway.transforms.transform import History, Lookback, Parameter, Reach, Transform, Whole, transform

__all__ = [
    "ArrowTransform",
    "History",
    "Lookback",
    "Parameter",
    "Reach",
    "Transform",
    "Whole",
    "arrow_transform",
    "transform",
]

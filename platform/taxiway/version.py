"""The version of Taxiway, which is part of what every table was made by, and the packages that it requires."""

from importlib.metadata import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__version__ = "0.1.0"


def requirements_of(extra: str) -> "list[Requirement]":
    """What the core requires, and an extra unless it is empty, as the installed package declares it."""
    from packaging.requirements import Requirement

    required = [Requirement(text) for text in metadata("taxiway").get_all("Requires-Dist") or ()]
    return [r for r in required if r.marker is None or r.marker.evaluate({"extra": extra})]

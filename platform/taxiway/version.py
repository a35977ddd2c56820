"""The version of Taxiway, which is part of what every table was made by, and the packages that it requires."""

from importlib.metadata import distributions, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__version__ = "0.1.0"


DISTRIBUTION = "taxiway"


def requirements_of(extra: str, distribution: str = DISTRIBUTION) -> "list[Requirement]":
    """What the core requires, and an extra unless it is empty, as the installed package declares it."""
    from packaging.requirements import Requirement

    required = [Requirement(text) for text in metadata(distribution).get_all("Requires-Dist") or ()]
    return [r for r in required if r.marker is None or r.marker.evaluate({"extra": extra})]


def requirements() -> "list[Requirement]":
    """What the core requires, and the projects that are installed: the packages that require Taxiway."""
    names = {found.metadata["Name"] for found in distributions() if any(map(_is_taxiway, found.requires or ()))}
    found = {str(each): each for name in (DISTRIBUTION, *sorted(names)) for each in requirements_of("", name)}
    return list(found.values())


def _is_taxiway(requirement: str) -> bool:
    from packaging.requirements import Requirement

    return Requirement(requirement).name == DISTRIBUTION

"""What is known to be wrong with the security of earlier Dagsters, and the oldest one that a server is started with.

docs/deployments.md has the sources.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

from taxiway.errors import DeploymentError

_CORE, _LIBRARIES = "1.13.1", "0.29.1"  # one release of Dagster's has two numbers

FLOORS: Mapping[str, str] = MappingProxyType(
    {
        "dagster": _CORE,
        "dagster-webserver": _CORE,
        "dagster-graphql": _CORE,
        "dagster-postgres": _LIBRARIES,
    }
)
"""The oldest version of each package of Dagster's that has none of the holes."""


@dataclass(frozen=True)
class Hole:
    """A hole in Dagster before the version that it was `mended_in`."""

    name: str
    what: str
    mended_in: str


HOLES = (
    Hole("CVE-2023-51232", "who reaches the webserver reads files by way of /logs", "1.5.11"),
    Hole("CVE-2025-51481", "who reaches the code location reads any file as a notebook", "1.10.16"),
    Hole("CVE-2026-41490", "keys of dynamic partitions run SQL in the I/O managers of databases", _CORE),
)


def see_that_none_is_open() -> None:
    """Raise DeploymentError, with all of them, where packages of Dagster's are older than the floor."""
    from packaging.version import Version

    old = [(name, found) for name, found in _installed() if Version(found) < Version(FLOORS[name])]
    if old:
        packages = ", ".join(f"{name} {found} is older than {FLOORS[name]}" for name, found in old)
        holes = "; ".join(f"{hole.name}, {hole.what}, until {hole.mended_in}" for hole in HOLES)
        raise DeploymentError(
            f"{packages}; such have known holes ({holes}): make setup-staging installs what is locked"
        )


def _installed() -> Iterator[tuple[str, str]]:
    for name in FLOORS:
        try:
            yield name, version(name)
        except PackageNotFoundError:  # not every deployment needs all of them
            continue

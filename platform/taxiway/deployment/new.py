"""A further deployment with servers: a folder with its settings, and nothing else."""

import re
from pathlib import Path

from taxiway.errors import UsageError
from taxiway.settings import ServerSettings, load_group

_NAME = re.compile(r"[a-z][a-z0-9]{1,19}")
_PORT = re.compile(r"(?m)^port = \d+")
_FILE = "settings.toml"
_TEMPLATE = "staging"
_WITHOUT_TEMPLATE = """\
# What is so here, and not everywhere; what varies from machine to machine is a TAXIWAY_* variable, which
# `taxiway deployment start` sets for the servers that it starts.
runs = "queue"  # of Dagster, whose daemon starts them
port = 8443     # of https; the ports after it are for this machine alone
"""
# Below are those that only root may listen on.
_LOWEST, _LAST = 1024, 65000
_APART, _FIRST = 100, 8443


def new_deployment(root: Path, name: str, port: int | None = None) -> tuple[Path, int]:
    """Write `deployments/<name>/` as staging's where there is that, with its own port, by default a hundred after the
    last; returns both.

    Raises UsageError for a name that a bucket or a module could not have, or that there is, and for a port that is
    another deployment's.
    """
    folder, others = root / "deployments" / name, _ports(root)
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a deployment: write 2 to 20 small letters and digits, e.g. qa")
    if folder.exists():
        raise UsageError(f"there is a deployment {name} already: {folder.relative_to(root)}/")
    chosen = max([*others.values(), _FIRST]) + _APART if port is None else port
    if not _LOWEST <= chosen <= _LAST:
        raise UsageError(f"port {chosen} is not between {_LOWEST} and {_LAST}: choose one with --port")
    if near := [other for other, taken in others.items() if abs(chosen - taken) < _APART]:
        raise UsageError(f"port {chosen} is too near to that of {near[0]}")
    template = root / "deployments" / _TEMPLATE / _FILE
    text = template.read_text() if template.is_file() else _WITHOUT_TEMPLATE
    folder.mkdir()
    (folder / _FILE).write_text(_PORT.sub(f"port = {chosen}", text))
    return folder, chosen


def _ports(root: Path) -> dict[str, int]:
    """The port of each deployment that has servers, as the files say: a variable is this shell's alone."""
    names = (path.parent.name for path in (root / "deployments").glob("*/settings.toml"))
    found = {name: load_group(ServerSettings, name, root, by_variables=False).port for name in names}
    return {name: port for name, port in found.items() if port is not None}

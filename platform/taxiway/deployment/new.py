"""A further deployment: a folder with its settings, and nothing else."""

import re
from pathlib import Path

from taxiway.errors import UsageError
from taxiway.settings import ServerSettings, load_group

_NAME = re.compile(r"[a-z][a-z0-9]{1,19}")
_PORT = re.compile(r"(?m)^port = \d+")
_FILES = ("settings.toml", "dagster.yaml")
_TEMPLATE = "staging"
# Below are those that only root may listen on.
_LOWEST, _LAST = 1024, 65000
_APART, _FIRST = 100, 8443


def new_deployment(root: Path, name: str, port: int | None = None) -> tuple[Path, int]:
    """Write `deployments/<name>/` as staging's, with its own port, by default a hundred after the last; returns both.

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
    texts = {file: (root / "deployments" / _TEMPLATE / file).read_text() for file in _FILES}
    texts["settings.toml"] = _PORT.sub(f"port = {chosen}", texts["settings.toml"])
    folder.mkdir()
    for file, text in texts.items():
        (folder / file).write_text(text)
    return folder, chosen


def _ports(root: Path) -> dict[str, int]:
    """The port of each deployment that has servers, as the files say: a variable is this shell's alone."""
    names = (path.parent.name for path in (root / "deployments").glob("*/settings.toml"))
    found = {name: load_group(ServerSettings, name, root, by_variables=False).port for name in names}
    return {name: port for name, port in found.items() if port is not None}

"""Which files dbt reads for a project: all that lie in it or where its settings lead, but for what dbt writes."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from taxiway.errors import DbtProblem

SETTINGS = "dbt_project.yml"

# The settings that say where files lie, with dbt's defaults.
_PATHS: Mapping[str, tuple[str, ...]] = {
    "model-paths": ("models",),
    "seed-paths": ("seeds",),
    "macro-paths": ("macros",),
    "test-paths": ("tests",),
    "analysis-paths": ("analyses",),
    "snapshot-paths": ("snapshots",),
    "function-paths": ("functions",),
    "docs-paths": (),
    "asset-paths": (),
}
_PACKAGES = ("packages-install-path", "dbt_packages")
_WRITTEN = (("target-path", "target"), ("log-path", "logs"))
# dbt writes `.user.yml` into a project, programs of Python and git what they keep for themselves; the profile is the
# platform's.
_NOT_READ = frozenset({".user.yml", "profiles.yml", ".git", "__pycache__", ".DS_Store"})


def project_settings(folder: Path) -> Mapping[str, Any]:
    """What `dbt_project.yml` says; raises DbtProblem where there is none, or where it cannot be read."""
    file = folder / SETTINGS
    try:
        found = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        raise DbtProblem(f"{folder} is no dbt project: it has no {SETTINGS}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DbtProblem(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise DbtProblem(f"{file} holds no settings: begin with name, profile and model-paths")
    return found


def files_read(folder: Path) -> Mapping[str, Path]:
    """Every file that dbt reads for the project in `folder`, by a name that does not depend on where that is.

    Raises DbtProblem where the project's settings cannot be read.
    """
    written = {_resolved(folder, name) for name in _written(folder)}
    found: dict[str, Path] = {}
    for root in (folder, *outside(folder)):
        for file in _walk(root, written):
            found.setdefault(os.path.relpath(file, folder), file)
    return dict(sorted(found.items()))


def configured(folder: Path) -> tuple[Path, ...]:
    """The folders of a project, or of one of its packages, in which dbt looks for files."""
    settings = project_settings(folder)
    names = [name for key, default in _PATHS.items() for name in _listed(folder, settings, key, default)]
    return tuple(dict.fromkeys(folder / name for name in names))


def packages(folder: Path) -> tuple[Path, ...]:
    """The folders of the packages that are installed for a project."""
    key, default = _PACKAGES
    (name,) = _listed(folder, project_settings(folder), key, (default,))
    return tuple(sorted(file.parent for file in (folder / name).glob(f"*/{SETTINGS}")))


def outside(folder: Path) -> Iterator[Path]:
    """The folders that the settings of a project and its packages name outside it."""
    installed = packages(folder)
    inside = _resolved(folder)
    for path in (*installed, *configured(folder), *(path for package in installed for path in configured(package))):
        if not _resolved(path).is_relative_to(inside):
            yield path


def _written(folder: Path) -> Iterator[str]:
    settings = project_settings(folder)
    for key, default in _WRITTEN:
        yield from _listed(folder, settings, key, (default,))


def _listed(folder: Path, settings: Mapping[str, Any], key: str, default: tuple[str, ...]) -> list[str]:
    """The paths that a setting names; raises DbtProblem where they cannot be known without running dbt."""
    given = settings.get(key, list(default))
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or any(not isinstance(name, str) or "{" in name for name in names):
        raise DbtProblem(f"{folder / SETTINGS}: {key} is {given!r}: write plain paths, so that all files count")
    return names


def _resolved(*parts: Path | str) -> Path:
    return Path(*parts).resolve()


def _walk(root: Path, written: set[Path]) -> Iterator[Path]:
    """The files below a folder, through links too, without what dbt writes."""
    seen: set[Path] = set()
    folders = [root] if root.is_dir() else []
    while folders:
        folder = folders.pop()
        if folder.resolve() in seen | written:
            continue
        seen.add(folder.resolve())
        for path in sorted(folder.iterdir()):
            if path.name in _NOT_READ:
                continue
            if path.is_dir():
                folders.append(path)
            elif path.is_file():
                yield path

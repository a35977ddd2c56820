"""A new project: the files of `template`, with its name in them.

In a template `%%name` is the project's name and `%%version` Taxiway's; the folder `package` is called as the project.
"""

import keyword
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Template

from taxiway.errors import UsageError
from taxiway.scaffold.wheel import provide_wheel
from taxiway.version import __version__

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SUFFIX = ".template"
_PACKAGE = "package"


class _Placeholders(Template):
    """`$` is a word of Makefiles and workflows."""

    delimiter = "%%"


def write_project(name: str, folder: Path) -> bool:
    """Write a repository that works as it is into a folder that is empty or not there; returns whether Taxiway's wheel
    is in it, which else a package index has.

    Raises UsageError for a name that a package cannot have, and for a folder that has files.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in {*sys.stdlib_module_names, "tests", "taxiway"}:
        raise UsageError(
            f"'{name}' is no name for a package: write small letters, digits and single underscores, e.g. shop"
        )
    if find_spec(name) is not None:
        raise UsageError(
            f"a package '{name}' is installed here already, which the project would hide: choose another name"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already: name a new or an empty folder with --to")
    has_wheel = provide_wheel(folder / "wheels")
    for path, template in _templates(files("taxiway.scaffold") / "template"):
        file = folder / path.replace(_PACKAGE, name, 1)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_Placeholders(template).substitute(name=name, version=__version__))
    return has_wheel


def _templates(folder: Traversable, below: str = "") -> Iterator[tuple[str, str]]:
    """Every template by its path in the project."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _templates(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{below}{entry.name.removesuffix(_SUFFIX)}", entry.read_text()

"""The code behind a Python function: modules of the path, which count by content, and packages, by version."""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec, resolve_name
from pathlib import Path

# Taxiway's own version is part of every fingerprint.
_PLATFORM = "taxiway"


def modules(names: Iterator[str] | list[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The texts of the modules of these names and of all that they import, by name, and the versions of the packages
    that they import, by distribution.

    A module that belongs to no installed distribution is taken by its text, wherever it lies on the path, as is one of
    an editable installation. Imports within functions count, and `import_module` of a name that is written there.
    """
    texts: dict[str, str] = {}
    versions: dict[str, str] = {}
    ahead, seen = list(names), set[str]()
    while ahead:
        name = ahead.pop()
        top = name.partition(".")[0]
        if name in seen or top in sys.stdlib_module_names or top == _PLATFORM:
            continue
        seen.add(name)
        installed = installed_as(top)
        if installed:
            versions |= installed
            continue
        spec = found(name)
        if spec is not None:
            # Importing a module runs the packages that it lies in.
            ahead.append(name.rpartition(".")[0] or name)
            texts[name] = text_of(spec)
            ahead += imported(texts[name], spec.parent or "") if is_source(spec) else []
    return texts, versions


def found(module: str) -> ModuleSpec | None:
    """Where a module is, imported or not; None for what is none, such as a constant of a module."""
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    return spec if spec is not None and spec.has_location and spec.origin else None


def is_source(spec: ModuleSpec) -> bool:
    """Whether a module is written in Python."""
    return (spec.origin or "").endswith(".py")


def text_of(spec: ModuleSpec) -> str:
    """A module's source, or the digest of what is compiled."""
    content = Path(spec.origin or "")
    return content.read_text() if is_source(spec) else hashlib.sha256(content.read_bytes()).hexdigest()


def imported(source: str, package: str) -> Iterator[str]:
    """What a module imports anywhere in its source: every name may be a module or a thing of one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = resolve_name(name, package) if node.level else name
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _name(node.func) in ("import_module", "__import__"):
            (named, *_) = node.args
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield resolve_name(named.value, package) if named.value.startswith(".") else named.value


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@cache
def installed_as(top: str) -> Mapping[str, str]:
    """The versions of the distributions that a package of this name is installed from; empty where it is not.

    An editable installation has its package elsewhere, so it is none.
    """
    spec = find_spec(top)
    if spec is None:
        return {}
    places = [Path(place) for place in spec.submodule_search_locations or [spec.origin or ""]]
    return {
        distribution.metadata["Name"]: distribution.version
        for folder in sorted({place.parent for place in places})
        for distribution in _distributions(folder)
        if _holds(distribution, top)
    }


@cache
def _distributions(folder: Path) -> tuple[Distribution, ...]:
    return tuple(distributions(path=[str(folder)]))


@cache
def _tops(distribution: Distribution) -> frozenset[str]:
    """The first parts of the names of all files of a distribution."""
    record = distribution.read_text("RECORD") or distribution.read_text("installed-files.txt") or ""
    return frozenset(line.partition(",")[0].partition("/")[0] for line in record.splitlines())


def _holds(distribution: Distribution, top: str) -> bool:
    return any(name == top or name.startswith(f"{top}.") for name in _tops(distribution))

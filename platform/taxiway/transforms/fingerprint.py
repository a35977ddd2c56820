"""The identity of a computation: the same fingerprint over the same inputs gives the same rows."""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from importlib.util import find_spec, resolve_name
from pathlib import Path

from taxiway.transforms.transform import Parameter
from taxiway.version import __version__

# What turns a transform into rows; another release may turn it into others.
COMPUTING = ("ibis-framework", "duckdb", "pyarrow")


@cache
def library_versions(extra: tuple[str, ...] = ()) -> Mapping[str, str]:
    """The versions of the libraries that a result depends on, Taxiway's own among them."""
    return {"taxiway": __version__} | {name: version(name) for name in (*COMPUTING, *extra)}


def fingerprint(parts: Iterable[str], parameters: Mapping[str, Parameter], libraries: Mapping[str, str]) -> str:
    """A digest (32 hex digits) of the canonical texts of a computation, its bound parameters and its libraries."""
    digest = hashlib.sha256()
    for part in (*parts, repr(sorted(parameters.items())), repr(sorted(libraries.items()))):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def source_text(function: Callable[..., object]) -> str:
    """The canonical text of a Python function: the source of its module, and of those of the same project
    that this one imports, and so on. Of a function that was typed into a notebook, its own source."""
    if function.__module__ == "__main__":
        return inspect.getsource(function)
    project = function.__module__.partition(".")[0]
    sources: dict[str, str] = {}
    found = [function.__module__]
    while found:
        name = found.pop()
        if name in sources or name.partition(".")[0] != project:
            continue
        spec = _found(name)
        if spec is not None and spec.origin is not None:
            sources[name] = Path(spec.origin).read_text()
            found += _imported(sources[name], spec.parent or "")
    return "\n".join(sources[name] for name in sorted(sources))


def _found(module: str) -> ModuleSpec | None:
    """Where the source of a module is, imported or not; None for what has none, such as a constant of a module."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return spec if spec is not None and (spec.origin or "").endswith(".py") else None


def _imported(source: str, package: str) -> Iterator[str]:
    """What a module imports anywhere in its source: every name may be a module or a thing of one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = resolve_name(name, package) if node.level else name
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)

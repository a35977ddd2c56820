"""The identity of a computation: the same fingerprint over the same inputs gives the same rows."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version

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
    whose functions and classes that one uses, and so on."""
    project = function.__module__.partition(".")[0]
    sources: dict[str, str] = {}
    found = [function.__module__]
    while found:
        module = sys.modules[found.pop()]
        if module.__name__ not in sources:
            sources[module.__name__] = inspect.getsource(module)
            used = {getattr(value, "__module__", None) for value in vars(module).values()}
            found += [name for name in used if isinstance(name, str) and name.partition(".")[0] == project]
    return "\n".join(sources[name] for name in sorted(sources))

"""The identity of a computation: the same fingerprint over the same inputs gives the same rows."""

import hashlib
import inspect
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType, ModuleType

from taxiway.errors import DefinitionError
from taxiway.transforms.sources import imported, modules
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


@dataclass(frozen=True)
class Code:
    """What stands for a Python function: the text of all code on the path that it may run, and the versions of Python
    and of the packages that this code imports."""

    text: str
    versions: Mapping[str, str]


def code_of(function: Callable[..., object]) -> Code:
    """The code of a Python function: its module, and those that this one imports, and so on, wherever they lie on the
    path; of installed packages the versions. Of a function that was typed into a notebook, its own source and that of
    the functions there that it uses. With it what it holds of functions around it, as one that another function made.

    Raises DefinitionError where it holds a value of which it cannot be told whether it is the same the next time.
    """
    used = [function]
    held: list[str] = []
    for each in used:
        for name, value in inspect.getclosurevars(each).nonlocals.items():
            if isinstance(value, FunctionType):
                used += [value] * (value not in used)
            elif isinstance(value, ModuleType | type) or _is_plain(value):
                held.append(f"{name} = {value!r}")
            else:
                raise DefinitionError(
                    f"{each.__qualname__} holds {name}, of the type {type(value).__name__}, and nothing tells whether "
                    "it is the same the next time: make it a parameter, or a number, text, date or list of such"
                )
    codes = [_source_of(each) for each in used]
    texts = dict.fromkeys(code.text for code in codes)
    return Code("\n".join([*texts, *held]), {name: found for code in codes for name, found in code.versions.items()})


def _is_plain(value: object) -> bool:
    """Whether a value is written the same as another one only where they are equal."""
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))  # pyright: ignore[reportArgumentType]
    if type(value) is dict:
        return all(_is_plain(part) for pair in value.items() for part in pair)
    return value is None or type(value) in (bool, int, float, str, bytes, date, datetime, time, timedelta, Decimal)


def _source_of(function: Callable[..., object]) -> Code:
    python = {"python": platform.python_version()}
    main = sys.modules.get("__main__")
    if function.__module__ == "__main__" and not getattr(main, "__file__", None):
        texts = _typed_in(function)
        _, versions = modules([name for text in texts for name in imported(text, "")])
        return Code("\n".join(texts), {**python, **versions})
    if function.__module__ == "__main__":
        text = Path(str(getattr(main, "__file__", ""))).read_text()
        texts, versions = modules(list(imported(text, "")))
        texts = {**texts, "__main__": text}
    else:
        texts, versions = modules([function.__module__])
    return Code("\n".join(texts[name] for name in sorted(texts) if texts[name]), {**python, **versions})


def _typed_in(function: Callable[..., object]) -> list[str]:
    """The sources of a function of a notebook and of those that it uses, each after those that use it."""
    texts: list[str] = []
    seen: set[object] = set()
    ahead: list[object] = [function]
    while ahead:
        found = ahead.pop(0)
        if found in seen or not inspect.isfunction(found) or found.__module__ != "__main__":
            continue
        seen.add(found)
        texts.append(inspect.getsource(found))
        ahead += [found.__globals__[name] for name in found.__code__.co_names if name in found.__globals__]
    return texts

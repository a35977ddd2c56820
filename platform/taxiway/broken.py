"""A table that cannot be made as its file is now, and an error in a project's own code, told by file and line."""

import ast
import re
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

from taxiway.addresses import Address
from taxiway.errors import UsageError

_CALL = re.compile(r"\bTable\s*\(")
_ADDRESS = re.compile(r"""(?:\bTable\s*\(\s*(?:at\s*=\s*)?|\bat\s*=\s*)["']([^"']*)["']""")
_FOREIGN = (str(Path(__file__).parent), *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


@dataclass(frozen=True)
class BrokenTable:
    """A table that is left out: `problem` says why, with file and line.

    `at` is its address, or the file's module where the file does not say. `reads` is the broken table that this
    one, which is whole itself, is made from. `parameters` are the names that it declares, None where its file does not
    say.
    """

    at: str
    problem: str
    reads: str = ""
    parameters: frozenset[str] | None = None

    @classmethod
    def of_file(cls, module: str, file: Path, error: Exception) -> "list[BrokenTable]":
        """The tables of a file that cannot be imported, and one named by the module where it does not say of all."""
        try:
            found = _addresses(file.read_text(errors="replace"))
        except OSError:
            found = []
        return [cls(at or module, located(error, file)) for at in dict.fromkeys(found or [""])]

    @property
    def has_address(self) -> bool:
        """Whether it is known which table it is."""
        return "/" in self.at and bool(_address(self.at))

    def __str__(self) -> str:
        """The table and why, in one line."""
        return f"{self.at}: {self.problem}"


def _addresses(text: str) -> list[str]:
    """The addresses of the tables that a file makes, with an empty one where it does not say of all."""
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and _is_table(node.func)]
    except (SyntaxError, ValueError):
        found = [_address(written) for written in _ADDRESS.findall(text)]
        return found + [""] * (len(found) < len(_CALL.findall(text)))
    return [_address(_written(call)) for call in calls]


def _is_table(function: ast.expr) -> bool:
    return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) == "Table"


def _written(call: ast.Call) -> str:
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "at")]
    value = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    return value if isinstance(value, str) else ""


def _address(text: str) -> str:
    """The address that is written so, empty where it is none."""
    try:
        return str(Address.parse(text))
    except UsageError:
        return ""


def located(error: BaseException, file: Path | None = None, line: int | None = None) -> str:
    """An error in one line, after the place in the project's own code where it was raised.

    That is the deepest line that belongs neither to Taxiway nor to an installed package; `file` and `line` where
    there is none.
    """
    told = " ".join(str(error).split()) or "no more is known"
    name = "" if type(error).__module__ == "taxiway.errors" else f"{type(error).__name__}: "
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(Path(error.filename))}, line {error.lineno}: {name}{error.msg}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    if own:
        file, line = Path(own[-1].filename), own[-1].lineno
    if file is None:
        return f"{name}{told}"
    return f"{_shown(file)}{f', line {line}' if line else ''}: {name}{told}"


def _is_own(file: str) -> bool:
    return not file.startswith("<") and not any(Path(file).is_relative_to(folder) for folder in _FOREIGN)


def _shown(file: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file

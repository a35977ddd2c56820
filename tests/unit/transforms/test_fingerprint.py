"""The source text that stands for a Python function follows what the function's own project contributes to it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest

from taxiway.errors import DefinitionError
from taxiway.transforms.fingerprint import code_of

TRANSFORM = """
{importing}


def fit(rows):
    {within}
    return {uses}
"""
MODULES = {
    "__init__": "",
    "maths": "from {name}.consts import LIMIT\n\n\ndef double(x):\n    return 2 * x\n",
    "consts": "LIMIT = 10\n",
    "unused": "OTHER = 1\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an importable package of this test's own."""
    name = f"project_{uuid4().hex}"
    folder = tmp_path / name
    folder.mkdir()
    for module, text in MODULES.items():
        (folder / f"{module}.py").write_text(text.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def fit_of(project: Path, importing: str, uses: str, *, within: str = "pass") -> Callable[..., object]:
    text = TRANSFORM.format(importing=importing, uses=uses, within=within)
    (project / "fit.py").write_text(text.replace("pkg", project.name))
    invalidate_caches()
    return import_module(f"{project.name}.fit").fit


def texts_before_and_after(project: Path, fit: Callable[..., object], changed: str) -> tuple[str, str]:
    before = code_of(fit).text
    (project / f"{changed}.py").write_text((project / f"{changed}.py").read_text() + "# mended\n")
    return before, code_of(fit).text


IMPORTS = {
    "a module of the package": ("from pkg import maths", "maths.double(rows)", "maths"),
    "a module by its whole name": ("import pkg.maths", "pkg.maths.double(rows)", "maths"),
    "a function": ("from pkg.maths import double", "double(rows)", "maths"),
    "a constant": ("from pkg.consts import LIMIT", "rows[:LIMIT]", "consts"),
    "a module, relative": ("from . import maths", "maths.double(rows)", "maths"),
    "a constant, relative": ("from .consts import LIMIT", "rows[:LIMIT]", "consts"),
    "what a module imports itself": ("from .maths import double", "double(rows)", "consts"),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_a_change_of_what_is_imported_changes_the_text(project: Path, case: str) -> None:
    importing, uses, changed = IMPORTS[case]
    before, after = texts_before_and_after(project, fit_of(project, importing, uses), changed)
    assert before != after


def test_a_change_of_what_is_imported_within_the_function_changes_the_text(project: Path) -> None:
    fit = fit_of(project, "", "maths.double(rows)", within="from pkg import maths")
    before, after = texts_before_and_after(project, fit, "maths")
    assert before != after


def test_a_change_of_what_is_not_imported_does_not(project: Path) -> None:
    fit = fit_of(project, "from .consts import LIMIT", "rows[:LIMIT]")
    before, after = texts_before_and_after(project, fit, "unused")
    assert before == after


def test_the_text_does_not_depend_on_what_else_was_imported(project: Path) -> None:
    fit = fit_of(project, "from . import maths", "maths.double(rows)")
    before = code_of(fit).text
    import_module(f"{project.name}.unused")
    assert code_of(fit).text == before


def test_the_text_of_libraries_is_left_to_their_versions(project: Path) -> None:
    fit = fit_of(project, "import json\n\nimport pyarrow as pa", "pa.table(json.loads(rows))")
    assert code_of(fit).text == (project / "fit.py").read_text()


CELL = """from math import floor

def fit(rows):
    return floor(rows)
"""


def test_a_function_that_was_typed_in_has_its_own_source() -> None:
    """As a notebook runs a cell: in the module `__main__`, which has no file, with its lines kept by linecache."""
    program = f"""
import linecache, sys
from taxiway.errors import DefinitionError
from taxiway.transforms.fingerprint import code_of

cell = {CELL!r}
linecache.cache["<cell 1>"] = (len(cell), None, cell.splitlines(True), "<cell 1>")
exec(compile(cell, "<cell 1>", "exec"))
print(code_of(fit).text, end="")
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert found == "def fit(rows):\n    return floor(rows)\n"


def test_a_helper_outside_the_project_counts_by_its_text(project: Path) -> None:
    helper = project.parent / f"helper_{project.name}.py"
    helper.write_text("LIMIT = 1\n")
    fit = fit_of(project, f"from {helper.stem} import LIMIT", "rows[:LIMIT]")
    before = code_of(fit)
    helper.write_text("LIMIT = 2\n")
    assert code_of(fit) != before


def test_a_module_that_is_imported_by_its_name_as_text_counts(project: Path) -> None:
    fit = fit_of(project, "from importlib import import_module", "import_module('pkg.maths').double(rows)")
    before, after = texts_before_and_after(project, fit, "maths")
    assert before != after


def install(folder: Path, name: str, version: str) -> None:
    """As pip does it: a package and what it is a package of, under another name."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "__init__.py").write_text(f"LIMIT = {version!r}\n")
    (folder / f"{name}_tools-{version}.dist-info").mkdir()
    (folder / f"{name}_tools-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}-tools\nVersion: {version}\n"
    )
    (folder / f"{name}_tools-{version}.dist-info" / "RECORD").write_text(f"{name}/__init__.py,,\n")


def test_a_package_counts_by_its_version_also_through_a_helper(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = f"installed_{project.name}"
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", installed, "1.0")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (project / "maths.py").write_text(f"from {installed} import LIMIT\n")
    fit = fit_of(project, "from .maths import LIMIT\nimport numpy", "LIMIT")
    found = code_of(fit)
    assert found.versions[f"{installed}-tools"] == "1.0"
    assert found.versions["numpy"]
    assert found.versions["python"]
    (tmp_path / "site" / installed / "__init__.py").write_text("# changed within its version\n")
    assert code_of(fit) == found


MADE = """
def scaled(factor):
    def fit(rows):
        return rows * factor
    return fit

def twice(function):
    def fit(rows):
        return function(function(rows))
    return fit
"""


@pytest.fixture
def making(project: Path) -> ModuleType:
    """A module of functions that make functions."""
    (project / "making.py").write_text(MADE)
    invalidate_caches()
    return import_module(f"{project.name}.making")


def test_what_a_function_holds_of_those_around_it_counts(making: ModuleType) -> None:
    for make in (making.scaled, lambda x: making.twice(making.scaled(x)), lambda x: making.scaled([x, None])):
        assert code_of(make(1)).text != code_of(make(7)).text
        assert code_of(make(1)).text == code_of(make(1)).text


def test_what_cannot_be_told_apart_is_not_held(making: ModuleType) -> None:
    with pytest.raises(DefinitionError, match=r"scaled.*fit holds factor, of the type object"):
        code_of(making.scaled(object()))

"""That Taxiway runs on this interpreter at all: every module is imported, and a small run goes from file to table."""

import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.unit.cli.conftest import CommandLine, root  # noqa: F401 - a fixture

import flights
import taxiway

# What an extra brings; nothing for a module that needs none.
OF_EXTRAS = {"", "pyspark", "psycopg2", "dagster_postgres", "dagster_pyspark", "supervisor"}


@pytest.mark.parametrize("package", [taxiway, flights])
def test_every_module_is_imported(package: ModuleType) -> None:
    found = list(pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
    assert len(found) > 10
    for module in found:
        problem = _problem(module.name)
        assert problem in OF_EXTRAS, f"{module.name}: {problem}"


def _problem(module: str) -> str:
    """The package that a module lacks, empty where it can be imported."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return (error.name or "").split(".")[0]
    return ""


def test_a_small_run_goes_from_files_to_tables(root: Path, tmp_path: Path) -> None:  # noqa: F811
    command = CommandLine(root, tmp_path / "home")
    command.done("land", "--partition", "2013-01")
    command.done("run", "--partition", "2013-01")
    listed = {table["table"]: table["rows"] for table in command.done("tables", "--json").data}
    assert listed["raw/readings"] == 224
    assert sys.version_info[:2] in {(3, 11), (3, 12), (3, 13)}

"""That Taxiway runs on this interpreter at all: every module is imported, and a small run goes from file to table."""

import importlib
import pkgutil
import sys
from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine, root  # noqa: F401 - a fixture

import flights
import taxiway

# Each is one engine's, driver's or server's, which an extra brings.
OF_EXTRAS = {"pyspark", "psycopg2", "dagster_postgres", "dagster_pyspark", "supervisor"}


@pytest.mark.parametrize("package", [taxiway, flights])
def test_every_module_is_imported(package: object) -> None:
    found = list(pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
    assert len(found) > 10
    for module in found:
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name is not None
            assert error.name.split(".")[0] in OF_EXTRAS, module.name


def test_a_small_run_goes_from_files_to_tables(root: Path, tmp_path: Path) -> None:  # noqa: F811
    command = CommandLine(root, tmp_path / "home")
    command.done("land", "--month", "2013-01")
    command.done("run", "--month", "2013-01")
    listed = {table["table"]: table["rows"] for table in command.done("tables", "--json").data}
    assert listed["raw/readings"] == 224
    assert sys.version_info[:2] in {(3, 11), (3, 12), (3, 13)}

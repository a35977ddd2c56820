"""examples/bikes, away from this checkout and made from the wheel: its own tests, on DuckDB and on Spark."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.e2e.elsewhere import Folder
from tests.working import ROOT, unavailable

from taxiway.scaffold.project import write_project
from taxiway.scaffold.wheel import provide_wheel

BIKES = ROOT / "examples" / "bikes"
# What a project has from the command, and this one has not changed.
AS_WRITTEN = (
    ".gitignore",
    "Makefile",
    "pyproject.toml",
    "requirements/core.txt",
    "requirements/dev.txt",
    "workspace.yaml",
    "dbt/dbt_project.yml",
    "deployments/local/settings.toml",
)


def test_it_has_what_a_new_project_has(tmp_path: Path) -> None:
    write_project("bikes", tmp_path / "bikes")
    changed = [name for name in AS_WRITTEN if (tmp_path / "bikes" / name).read_bytes() != (BIKES / name).read_bytes()]
    assert not changed, "a template has changed since: take it over"


@pytest.mark.timeout(900)
def test_it_is_made_from_the_wheel_and_its_tests_pass(tmp_path: Path) -> None:
    has_spark = find_spec("pyspark") is not None and shutil.which("java") is not None
    bikes = Folder(tmp_path / "bikes")
    own = shutil.ignore_patterns(".venv", ".taxiway*", "wheels", "__pycache__")
    shutil.copytree(BIKES, bikes.path, ignore=own)
    assert provide_wheel(bikes.path / "wheels")
    bikes.done("make", "setup-spark" if has_spark else "setup", f"PYTHON={sys.executable}")
    # They land, make all tables on DuckDB and the portable ones on Spark, and compare these.
    said = bikes.done("make", "test")
    if not has_spark:
        assert "11 passed, 1 skipped" in said
        unavailable("needs Spark and Java")
    assert "12 passed" in said

"""From a wheel and an empty folder to a project that works, with more tables, a neighbour in its lake, and Dagster."""

import sys
from pathlib import Path

import pytest
import yaml
from tests.e2e.elsewhere import Folder
from tests.working import ROOT

from taxiway.scaffold.wheel import provide_wheel

UV = Path(sys.executable).with_name("uv")
LOCKED = ROOT / "platform" / "taxiway" / "scaffold" / "template" / "requirements" / "core.txt.template"


@pytest.fixture(scope="module")
def taxiway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in an environment that has what the wheel requires, and the wheel; no project."""
    folder = tmp_path_factory.mktemp("environment")
    assert provide_wheel(folder / "wheels")
    (wheel,) = (folder / "wheels").glob("*.whl")
    here, python = Folder(folder), folder / "env" / "bin" / "python"
    here.done(UV, "venv", "--quiet", "--python", sys.executable, "env")
    install = (UV, "pip", "install", "--quiet", "--python", python)
    here.done(*install, "--require-hashes", "-r", LOCKED)
    here.done(*install, "--no-deps", wheel)
    return python.with_name("taxiway")


@pytest.mark.timeout(900)
def test_a_new_project_works_as_it_is_and_goes_on(taxiway: Path, tmp_path: Path) -> None:
    empty = Folder(tmp_path)
    empty.done(taxiway, "new", "project", "shop")
    shop = Folder(tmp_path / "shop")
    demo = shop.done("make", "demo", f"PYTHON={sys.executable}")
    assert "mart/country_month" in demo
    assert "5 passed" in shop.done("make", "test")

    program = shop.path / ".venv" / "bin" / "taxiway"
    (shop.path / "customers.csv").write_text("customer_id,since,name\n1,2024-01-03,Ada\n2,2024-02-04,\n")
    shop.done(program, "new", "table", "raw/customers", "--like", "customers.csv")
    shop.done(program, "new", "table", "feature/busy_months")
    first = shop.done(program, "new", "table", "model/country_count", "--reads", "mart/country_month")
    assert "shop/tables/model/country_count.py" in first
    (shop.path / ".taxiway" / "landing" / "customers.csv").write_bytes((shop.path / "customers.csv").read_bytes())
    shop.done(program, "run")
    assert "Ada" in shop.done(program, "show", "raw/customers")
    assert "8 passed" in shop.done("make", "test")

    _see_that_neighbours_get_on(empty, taxiway, program)


def _see_that_neighbours_get_on(empty: Folder, taxiway: Path, program: Path) -> None:
    """Another project in the same lake and the same Dagster; a name that the first has taken is refused."""
    empty.done(taxiway, "new", "project", "zoo")
    zoo = Folder(empty.path / "zoo")
    settings = zoo.path / "deployments" / "local" / "settings.toml"
    own = settings.read_text().replace('home = ".taxiway"', 'home = "../shop/.taxiway"')
    settings.write_text(own.replace('landing = "landing"', 'landing = "landing-zoo"'))
    refused = zoo(program, "demo")
    assert refused.returncode == 1
    assert "raw/orders" in refused.stderr
    assert "is a table of the project 'shop', and this is 'zoo'" in refused.stderr

    both = [
        {"python_module": {"module_name": f"{name}.definitions", "location_name": name, "working_directory": name}}
        for name in ("shop", "zoo")
    ]
    (empty.path / "workspace.yaml").write_text(yaml.safe_dump({"load_from": both}))
    said = empty(program.with_name("dagster"), "definitions", "validate", "--workspace", "workspace.yaml")
    assert said.returncode == 0, said.stderr
    assert all(f"code location {name}" in said.stdout + said.stderr for name in ("shop", "zoo"))

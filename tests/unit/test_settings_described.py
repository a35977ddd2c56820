"""What is said of the settings: the page of the documentation, the schema for editors, and who may ask for which."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests import gauges
from tests.working import ROOT

from taxiway.errors import UsageError
from taxiway.orchestration import build_definitions
from taxiway.settings import load_settings
from taxiway.settings.describe import SHOWN_SECRET, as_markdown, json_schema, shown

SCHEMA = ROOT / "deployments" / "settings.schema.json"
PLATFORM = ROOT / "platform" / "taxiway"
# Where the deployment's name is looked up, and where a lake is held against it.
MAY_COMPARE = {
    PLATFORM / "settings" / "load.py",
    PLATFORM / "lake" / "owner.py",
    PLATFORM / "deployment" / "owner.py",
    PLATFORM / "cli" / "doctor_places.py",
}


def test_the_page_is_that_of_the_settings() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == f"{as_markdown()}\n", (
        "write it anew: taxiway settings --markdown > docs/settings.md"
    )


def test_the_schema_is_that_of_the_settings() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), (
        "write it anew: taxiway settings --schema > deployments/settings.schema.json"
    )


def test_no_secret_is_shown_whatever_it_looks_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_settings("local", root=ROOT, home=tmp_path)
    assert [shown(plain, name) for name in ("oidc_client_secret", "dagster_storage")] == ["", "sqlite"]
    given = {"ISSUER": "https://login.example.org", "CLIENT_ID": "taxiway", "CLIENT_SECRET": "hush", "ADMINS": "all"}
    for name, value in given.items():
        monkeypatch.setenv(f"TAXIWAY_OIDC_{name}", value)
    monkeypatch.setenv("TAXIWAY_DAGSTER_STORAGE", "postgresql://dagster@host/dagster")
    settings = load_settings("local", root=ROOT, home=tmp_path)
    assert [shown(settings, name) for name in ("oidc_client_secret", "dagster_storage")] == [SHOWN_SECRET] * 2
    assert shown(settings, "oidc_client_id") == "taxiway"


@pytest.mark.parametrize("file", sorted((ROOT / "deployments").glob("**/settings.toml")), ids=lambda f: f.parent.name)
def test_each_file_is_as_the_schema_wants_it(file: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    named = file.read_text().splitlines()[0].removeprefix("#:schema ")
    assert (file.parent / named).resolve() == SCHEMA


def test_a_misspelt_setting_is_not_as_the_schema_wants_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("thread = 2\n")
    check = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA), str(file)]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1


def test_nothing_asks_which_deployment_it_is_in() -> None:
    """What differs between deployments is a setting, so a further one needs no code."""
    files = [file for file in PLATFORM.rglob("*.py") if file not in MAY_COMPARE]
    asked = [(file, node) for file in files for node in ast.walk(ast.parse(file.read_text())) if _asks(node)]
    found = [f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}" for file, node in asked]
    assert found == [], "make what differs a setting"


def _asks(node: ast.AST) -> bool:
    """Whether it compares a deployment's name, or chooses something by it."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.Compare):
        with_none = any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        parts = [] if with_none else [node.left, *node.comparators]
    elif isinstance(node, ast.Match):
        parts = [node.subject]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
        parts = [node.func.value]
    elif isinstance(node, ast.Subscript):
        parts = [node.slice]
    return any(_is_deployment(part) for part in parts)


def _is_deployment(part: ast.expr) -> bool:
    if isinstance(part, ast.Attribute):
        return part.attr == "deployment"
    if isinstance(part, ast.Constant):
        return part.value in {"staging", "production"}
    return isinstance(part, ast.Name) and part.id == "deployment"


def test_a_resource_that_there_is_not_cannot_be_replaced(tmp_path: Path) -> None:
    settings = load_settings("local", root=ROOT, home=tmp_path, parameters={})
    with pytest.raises(UsageError, match=r"there is no resource 'open_engin'; .*open_engine"):
        build_definitions(gauges.project, settings, open_engin=None)

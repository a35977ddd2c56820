"""What is written to go on from: a project with no loose end, and tables that the project finds."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import dagster as dg
import pytest
import yaml

from taxiway.addresses import Address
from taxiway.errors import UsageError
from taxiway.materialise import Workspace
from taxiway.project_loader import load_project
from taxiway.scaffold import project as scaffold
from taxiway.scaffold import write_project, write_table
from taxiway.settings import load_settings

NUMBER = count()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A new project, with all but Taxiway's wheel."""
    name = f"shop_{next(NUMBER)}"
    monkeypatch.setattr(scaffold, "provide_wheel", lambda _: False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    write_project(name, tmp_path / "written")
    settings = load_settings("local", root=tmp_path / "written")
    yield Workspace(load_project(settings), settings)
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def file_of(place: Workspace, at: str) -> Path:
    return place.settings.root / place.project.name / "tables" / f"{at}.py"


def test_a_project_has_no_loose_end(place: Workspace) -> None:
    root = place.settings.root
    texts = {path: path.read_text() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert [str(path) for path, text in texts.items() if "%%" in text or path.suffix == ".template"] == []
    assert [table.at for table in place.project.tables] == ["feature/order_values", "mart/country_month", "raw/orders"]
    assert place.project.broken == ()
    for lint in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *lint, "."], cwd=root, check=True)
    json.loads((root / ".vscode" / "launch.json").read_text())
    assert (
        "${{ matrix.python }}"
        in yaml.safe_load((root / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"][1]["with"].values()
    )
    for file in sorted((root / "requirements").iterdir()):
        hashed = file.read_text()
        assert "--index-url" not in hashed
        assert "taxiway" not in hashed, "its wheel is beside it"


def test_dagster_has_what_the_project_adds(place: Workspace) -> None:
    defs: dg.Definitions = importlib.import_module(f"{place.project.name}.definitions").defs
    assert {job.name for job in defs.resolve_all_job_defs()} >= {"report", "upkeep"}
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    assert {dg.AssetKey("best_country"), dg.AssetKey(["raw", "orders"])} <= keys


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((name, "is no name for a package") for name in ("Shop", "my-shop", "class", "json", "taxiway", "a__b", "")),
        ("pytest", "is installed here already"),
    ],
)
def test_a_name_that_no_package_can_have_is_refused(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        write_project(name, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="is there already: name a new or an empty folder"):
        write_project("shop", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_first_table_of_a_layer_has_a_folder_beside_the_others(place: Workspace) -> None:
    new = write_table(place, Address("model", "scores"))
    assert new.file == file_of(place, "model/scores")
    assert new.is_found
    assert load_project(place.settings).table("model/scores").inputs == {"raw_orders": None}


def test_the_first_table_of_a_project_has_a_folder(place: Workspace) -> None:
    for at in ("feature/order_values", "mart/country_month", "raw/orders"):
        file_of(place, at).unlink()
    empty = Workspace(type(place.project)(place.project.name, ()), place.settings)
    with pytest.raises(UsageError, match=r"has no table to start from: make one of the layer raw"):
        write_table(empty, Address("feature", "first"))
    assert write_table(empty, Address("raw", "first")).file == file_of(place, "raw/first")


def test_a_folder_that_is_not_collected_is_told(place: Workspace) -> None:
    module = place.settings.root / place.project.name / "project.py"
    module.write_text(module.read_text().replace('.tables")', '.tables.raw")'))
    assert not write_table(place, Address("model", "scores")).is_found


RENTALS = """rental_id,day,started_at,km,zip,note
1,2024-02-03,2024-02-03T10:00:00Z,1.5,01067,
2,2024-02-04,2024-02-03T11:00:00Z,2.5,80331,late
"""


def test_a_raw_table_is_like_a_file(place: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "rentals-2024-02.csv"
    file.write_text(RENTALS)
    assert write_table(place, Address("raw", "rentals"), like=file).is_found
    table = load_project(place.settings).table("raw/rentals")
    assert table.file_name("2024-03") == "rentals-2024-03.csv"
    assert {name: str(kind) for name, kind in table.file_columns.items()} == {
        "rental_id": "int64",
        "day": "date",
        "started_at": "timestamp('UTC', 6)",
        "km": "float64",
        "zip": "string",
        "note": "string",
    }
    assert table.rules.key == ("rental_id",)


def test_without_a_column_that_tells_rows_apart_the_record_does(place: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "levels.csv"
    file.write_text("gauge\nA\nA\n")
    write_table(place, Address("raw", "levels"), like=file)
    table = load_project(place.settings).table("raw/levels")
    assert table.rules.key == ("source_file", "source_row")
    assert not table.is_partitioned


@pytest.mark.parametrize("key", ["2024-02-03T04", "2024-02-03", "2024-W05", "2024-02"])
def test_the_grain_is_read_from_the_file_s_name(place: Workspace, tmp_path: Path, key: str) -> None:
    file = tmp_path / f"levels-{key}.csv"
    file.write_text("gauge,day\nA,2024-02-03\nA,2024-02-03\n")
    write_table(place, Address("raw", "levels"), like=file)
    table = load_project(place.settings).table("raw/levels")
    assert table.keys_of_file(file.name) == (key,)
    assert table.rules.partition == ("day_of_file" if table.grain == "day" else table.grain)


def test_a_type_is_told_only_by_texts_that_are_read_as_it(place: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "levels.csv"
    file.write_text(
        "german;offset_at;local_at;at;number;missing;digits\n"
        "31.01.2013;2013-01-01T10:00:00+02:00;2013-01-01 10:00:00;2013-01-01T10:00:00.5Z;-1.5e3;NA;007\n"
        "28.02.2013;2013-01-01T10:00:00+02:00;2013-01-01 11:00:00;2013-01-01T11:00:00Z;0;3;12\n"
    )
    write_table(place, Address("raw", "levels"), like=file)
    table = load_project(place.settings).table("raw/levels")
    assert str(table.files) == "CSV('levels.csv', delimiter=';')"
    assert {name: str(kind) for name, kind in table.file_columns.items()} == {
        **dict.fromkeys(("german", "offset_at", "local_at", "digits"), "string"),
        "at": "timestamp('UTC', 6)",
        "number": "float64",
        "missing": "int64",
    }


def test_a_file_whose_name_no_table_can_have_is_refused(place: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "My file.csv"
    file.write_text(RENTALS)
    with pytest.raises(UsageError, match=r"no table can be like My file\.csv: .* its name has other than letters"):
        write_table(place, Address("raw", "levels"), like=file)
    assert not file_of(place, "raw/levels").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a b,c\n1,2\n", "'a b' is no name for a column"),
        ("a\n\xff\n", "cannot be read as CSV"),
        ("a,a\n1,2\n", "two columns of one name"),
    ],
)
def test_a_file_that_no_contract_can_have_is_refused(place: Workspace, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "levels.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=told):
        write_table(place, Address("raw", "levels"), like=file)
    assert not file_of(place, "raw/levels").exists()

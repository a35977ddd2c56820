"""`taxiway compare`: what it prints and what it ends with."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.cli.conftest import CommandLine

from taxiway.settings import load_settings

AT = "feature/river_month"


@pytest.fixture
def old(built: CommandLine, tmp_path: Path) -> Path:
    """The table as a notebook left it."""
    rows = built.done("sql", f"select * from {AT.replace('/', '.')}", "--json").data
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "old.parquet")
    return tmp_path / "old.parquet"


def test_what_is_equal_ends_with_0(built: CommandLine, old: Path) -> None:
    said = built.done("compare", str(old), AT, "--key", "river", "--key", "month")
    assert said.out == f"{old} and {AT} version 0 are equal to the bit: 6 rows, 3 columns\n"
    found = built.done("compare", str(old), AT, "--json").data
    assert (found["equal"], found["to_the_bit"], found["common_rows"]) == (True, True, 6)
    assert found["key"] == ["river", "month"]


def test_what_differs_ends_with_10(built: CommandLine, old: Path) -> None:
    rows = pq.read_table(old)
    more = [value + (place == 0) for place, value in enumerate(rows["readings"].to_pylist())]
    pq.write_table(rows.set_column(rows.schema.get_field_index("readings"), "readings", [more]), old)
    said = built("compare", str(old), AT)
    assert said.code == 10
    assert f"{old} and {AT} version 0 differ" in said.out
    assert "readings: 1 of 6 values differ; at most by 1, half of them by at most 1" in said.out
    found = built("compare", str(old), AT, "--json")
    assert found.code == 10
    (readings,) = (column for column in found.data["columns"] if column["column"] == "readings")
    assert (readings["differ"], readings["max_absolute"]) == (1, 1)
    assert readings["examples"][0]["river"] in ("Elbe", "Oder")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nothing.parquet", AT], 2, "there is no file nothing.parquet"),
        (["OLD", "feature/river"], 2, "there is no table feature/river; did you mean feature/river_month?"),
        (["OLD", AT, "--key", "river"], 2, "river is no key of"),
        (["OLD", AT, "--partition", "2013-01"], 2, "has no partitions: "),
        (["OLD", AT, "--version", "7"], 1, "has no version 7"),
    ],
)
def test_wrong_use_is_told_in_one_line(built: CommandLine, old: Path, words: list[str], code: int, told: str) -> None:
    said = built("compare", *(str(old) if word == "OLD" else word for word in words))
    assert said.code == code
    assert said.err.startswith("error: ")
    assert told in said.err


def test_compare_of_the_package_reads_the_deployment(
    built: CommandLine, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import taxiway

    for name, value in built.variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().home == built.home
    assert taxiway.compare(pq.read_table(old).to_pandas(), AT, key=["river", "month"]).equal

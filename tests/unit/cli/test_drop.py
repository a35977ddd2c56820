"""A table that the project does not make any more is told, and removed on purpose with its quarantine, alone."""

from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import publish

from taxiway.lake import WHOLE, Lake
from taxiway.storage import Store

OLD = "feature/old_levels"


@pytest.fixture
def orphaned(copied: CommandLine) -> CommandLine:
    """With a table, and its quarantine, that no file of the project makes."""
    lake = Lake(Store(str(copied.home / "lake")))
    publish(lake, OLD, pa.table({"gauge": ["AAA"]}), [WHOLE])
    publish(lake, "quarantine/feature__old_levels", pa.table({"reasons": ["x"]}), [WHOLE])
    return copied


def files(command: CommandLine) -> set[Path]:
    return {path for path in (command.home / "lake").rglob("*") if path.is_file()}


def test_tables_tells_of_it_with_the_command_that_removes_it(orphaned: CommandLine) -> None:
    listed = {table["table"]: table for table in orphaned.done("tables", "--json").data}
    assert [at for at, table in listed.items() if not table["in_project"]] == [OLD]
    assert (listed[OLD]["rows"], listed[OLD]["stale"]) == (1, None)
    said = orphaned.done("tables")
    assert "not of the project" in said.out
    assert f"taxiway drop {OLD}" in said.err
    assert "4 of 4 tables made" in said.err


def test_it_is_removed_with_its_quarantine_and_nothing_else(orphaned: CommandLine) -> None:
    before = files(orphaned)
    asked = orphaned("drop", OLD)
    assert (asked.code, files(orphaned)) == (2, before), "nobody has said yes"
    assert "--yes" in asked.err
    said = orphaned.done("drop", OLD, "--yes")
    assert f"2 tables removed: {OLD} and quarantine/feature__old_levels" in said.err
    gone = before - files(orphaned)
    assert gone
    assert {path.parts[len(orphaned.home.parts) + 2] for path in gone} == {"old_levels", "feature__old_levels"}
    assert not list((orphaned.home / "lake").glob("*/.dropped*"))
    again = orphaned("drop", OLD, "--yes")
    assert (again.code, f"{OLD} is not in the lake" in again.err) == (1, True)


def test_what_the_project_makes_is_refused_without_force(copied: CommandLine) -> None:
    before = files(copied)
    for words, told in (
        (("raw/readings",), "is made by the project"),
        (("quarantine/raw__readings",), "holds what was rejected of raw/readings"),
    ):
        said = copied("drop", *words, "--yes")
        assert (said.code, told in said.err) == (2, True)
    assert files(copied) == before
    copied.done("drop", "raw/readings", "--yes", "--force")
    assert {path.name for path in (copied.home / "lake" / "raw").iterdir()} == {"gauges"}
    copied.done("run", "raw/readings")
    assert len(copied.done("show", "raw/readings", "--json").data) == 3 * 224 - 1


def test_a_table_whose_log_is_damaged_is_made_anew_as_doctor_says(copied: CommandLine) -> None:
    (copied.home / "lake/raw/gauges/_delta_log/00000000000000000000.json").write_text("{")
    copied.done("drop", "raw/gauges", "--yes", "--force")
    copied.done("run", "raw/gauges")
    assert len(copied.done("show", "raw/gauges", "--json").data) == 2

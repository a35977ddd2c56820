"""A partition is computed when code, contract, parameters or inputs changed or when it is forced, else never."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import ibis.expr.types as ir
import pytest
from deltalake import write_deltalake
from tests.gauges.project import LevelHistory, RawReadings, level_history
from tests.gauges.to_the_last_day import project as gauges_project
from tests.working import contents, land, rows, run, run_all, statuses, with_table, workspace

from taxiway.addresses import Address
from taxiway.contracts import Contract, Date, MaxLag, column, table, table_rule
from taxiway.errors import LakeError
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace
from taxiway.tables import Table
from taxiway.transforms import Lookback, transform

MONTHS = ["2013-01", "2013-02", "2013-03", "2013-04"]
LEVELS = "feature/level_history"


@pytest.fixture
def made(tmp_path: Path) -> Workspace:
    """Everything landed and materialised."""
    place = workspace(tmp_path / "home", gauges_project)
    land(place)
    run_all(place)
    return place


def versions(place: Workspace) -> dict[str, int]:
    return {str(address): place.lake.open(address).version for address in place.lake.tables()}


def test_a_run_in_which_nothing_changed_computes_nothing(made: Workspace) -> None:
    before = versions(made)
    outcomes = run_all(made)
    assert {status for outcome in outcomes for status in statuses(outcome).values()} == {"skipped"}
    assert sum(outcome.rows_read for outcome in outcomes) == 0
    assert versions(made) == before
    skipped = run(made, LEVELS, "2013-02").partitions[0]
    assert (skipped.rows, skipped.bytes > 0) == (48, True)


def test_a_delivery_of_equal_content_computes_nothing(made: Workspace) -> None:
    file = Path(made.landing.address("readings-2013-02.csv"))
    file.write_bytes(file.read_bytes())
    assert set(statuses(run(made, "raw/readings")).values()) == {"skipped"}


def test_force_computes_and_equal_rows_make_no_commit(made: Workspace) -> None:
    before = versions(made)
    forced = run(made, LEVELS, ["2013-02", "2013-03"], force=True)
    assert statuses(forced) == {"2013-02": "unchanged", "2013-03": "unchanged"}
    assert versions(made) == before


def test_a_corrected_file_computes_its_month_and_what_looks_back_on_it(made: Workspace) -> None:
    land(made, ["2013-02"], change=(b"AAA,2013-02-28T18:00:00Z,48", b"AAA,2013-02-28T18:00:00Z,49"))
    assert statuses(run(made, "raw/readings")) == dict.fromkeys(MONTHS, "skipped") | {"2013-02": "published"}
    assert statuses(run(made, LEVELS)) == {
        "2013-01": "skipped",
        "2013-02": "published",
        "2013-03": "published",
        "2013-04": "skipped",
    }
    # The levels changed, the count of readings by river did not; that is remembered.
    assert statuses(run(made, "feature/river_month")) == {WHOLE: "unchanged"}
    assert statuses(run(made, "feature/river_month")) == {WHOLE: "skipped"}


def test_a_correction_without_consequence_stops_where_rows_are_equal(made: Workspace) -> None:
    land(made, ["2013-02"], change=(b"AAA,2013-02-02T06:00:00Z,22,", b"AAA,2013-02-02T06:00:00Z,22,seen"))
    assert statuses(run(made, "raw/readings"))["2013-02"] == "unchanged"
    assert statuses(run(made, "raw/readings"))["2013-02"] == "skipped"
    assert set(statuses(run(made, LEVELS)).values()) == {"skipped"}


def test_a_changed_parameter_computes_the_tables_that_declare_it(made: Workspace) -> None:
    changed = Workspace(made.project, made.settings.model_copy(update={"parameters": {"high_cm": 100}}))
    outcomes = {outcome.address: set(statuses(outcome).values()) for outcome in run_all(changed)}
    assert outcomes["raw/readings"] == {"skipped"}
    assert outcomes[LEVELS] == {"published"}
    assert set(statuses(run(made, LEVELS)).values()) == {"published"}


def data_versions(place: Workspace, at: str) -> dict[str, str]:
    known = place.lake.open(Address.parse(at)).partitions
    return {key: state.data_version for key, state in known.items()}


class Stricter(LevelHistory):
    """One row for each reading, with what the gauge showed during the 24 hours up to it."""

    class Config(LevelHistory.Config):
        metadata = LevelHistory.Config.metadata | {"tolerance": 0.5}


def test_a_changed_contract_computes_and_remembers_that_rows_are_equal(made: Workspace) -> None:
    before = data_versions(made, LEVELS)
    changed = with_table(made, Table(LEVELS, Stricter, level_history))
    assert set(statuses(run(changed, LEVELS)).values()) == {"unchanged"}
    assert set(statuses(run(changed, LEVELS)).values()) == {"skipped"}
    assert data_versions(changed, LEVELS) == before


def with_rule(description: str, severity: Literal["error", "warn"]) -> type[Contract]:
    class Ruled(LevelHistory):
        """One row for each reading, with what the gauge showed during the 24 hours up to it."""

        class Config(LevelHistory.Config):
            pass

        @table_rule(description, severity=severity)
        def many(t: Any) -> Any:
            return t.count() >= 225

    return Ruled


def test_a_rule_of_the_table_is_asked_again_when_its_severity_or_its_words_change(made: Workspace) -> None:
    cases: list[tuple[str, Literal["error", "warn"], str]] = [
        ("at least 225 readings", "warn", "unchanged"),
        ("more than 224 readings", "warn", "unchanged"),
        ("more than 224 readings", "error", "refused"),
    ]
    for description, severity, status in cases:
        changed = with_table(made, Table(LEVELS, with_rule(description, severity), level_history))
        outcome = run(changed, LEVELS)
        assert set(statuses(outcome).values()) == {status}
        told = [result.verdict.message for result in outcome.partitions if result.verdict is not None]
        assert all(f"many: {description}" in message for message in told)


@transform(reach={"raw_readings": Lookback(24, on="read_at")})
def doubled(raw_readings: ir.Table, raw_gauges: ir.Table, high_cm: int = 500) -> ir.Table:
    """Twice the readings."""
    found: Any = level_history(raw_readings, raw_gauges, high_cm=high_cm)
    return found.mutate(readings_24h=found.readings_24h * 2)


def test_a_changed_transform_computes_all_and_going_back_computes_again(made: Workspace) -> None:
    before = rows(made.lake, LEVELS)
    changed = with_table(made, Table(LEVELS, LevelHistory, doubled))
    assert set(statuses(run(changed, LEVELS)).values()) == {"published"}
    assert rows(made.lake, LEVELS) == [row | {"readings_24h": row["readings_24h"] * 2} for row in before]
    assert set(statuses(run(made, LEVELS)).values()) == {"published"}
    assert rows(made.lake, LEVELS) == before


def test_a_lookback_that_was_mended_computes_again_though_the_same_months_are_in_reach(made: Workspace) -> None:
    right = rows(made.lake, LEVELS)
    short = with_table(made, Table(LEVELS, LevelHistory, replace(level_history, reach=looking_back(1))))
    mended = with_table(short, Table(LEVELS, LevelHistory, replace(level_history, reach=looking_back(24))))
    # Where both months are there in one run, a reach that is too short for the window does not show.
    for month in MONTHS:
        run(short, LEVELS, month)
    assert rows(made.lake, LEVELS) != right
    assert statuses(run(mended, LEVELS)) == dict.fromkeys(MONTHS, "published") | {"2013-01": "unchanged"}
    assert rows(made.lake, LEVELS) == right


def looking_back(hours: int) -> dict[str, Lookback]:
    return {"raw_readings": Lookback(hours, on="read_at")}


def lagging(hours: int) -> Table:
    """`raw/readings` with readings of up to that many hours after the begin of their day."""

    class Lagging(RawReadings):
        """One row for each reading."""

        read_on: Date = column("The day of the reading", nullable=True)

        class Config(RawReadings.Config):
            metadata = table(grain="month", max_lag=MaxLag(hours, of=("read_at",), since="read_on"))

    return Table("raw/readings", Lagging)


def test_what_looks_back_on_a_source_computes_again_once_its_lag_was_mended(made: Workspace) -> None:
    short, mended = (with_table(made, lagging(hours)) for hours in (24, 48))
    assert set(statuses(run(short, LEVELS)).values()) == {"unchanged"}
    assert set(statuses(run(short, LEVELS)).values()) == {"skipped"}
    assert set(statuses(run(mended, LEVELS)).values()) == {"unchanged"}


def test_what_stands_for_a_missing_value_is_part_of_what_is_computed(made: Workspace) -> None:
    files: Any = made.project.table("raw/readings").files
    changed = replace(made.project.table("raw/readings"), files=replace(files, null=("none at all",)))
    changed = with_table(made, changed)
    outcome = run(changed, "raw/readings")
    assert set(statuses(outcome).values()) == {"published"}
    assert [result.rejected for result in outcome.partitions] == [4] * 4


def test_the_commit_of_another_program_is_computed_over(made: Workspace) -> None:
    before = rows(made.lake, LEVELS)
    made.lake.open(Address.parse(LEVELS)).delta.delete("month = '2013-02'")
    assert len(rows(made.lake, LEVELS)) == len(before) - 48
    assert statuses(run(made, LEVELS)) == dict.fromkeys(MONTHS, "skipped") | {"2013-02": "published"}
    assert rows(made.lake, LEVELS) == before


def test_a_month_that_lost_its_file_is_computed_again_once_the_log_is_repaired(made: Workspace) -> None:
    before = rows(made.lake, "raw/readings")
    snapshot = made.lake.open(Address.parse("raw/readings"))
    for file in snapshot.selected(["2013-02"]):
        (Path(snapshot.uri) / file.path).unlink()
    snapshot.delta.repair()
    assert "2013-02" not in {row["month"] for row in rows(made.lake, "raw/readings")}
    assert statuses(run(made, "raw/readings")) == dict.fromkeys(MONTHS, "skipped") | {"2013-02": "published"}
    assert rows(made.lake, "raw/readings") == before


def test_a_skipped_month_keeps_its_rows_after_the_commit_of_another_program(made: Workspace) -> None:
    write_deltalake(made.lake.uri(Address.parse(LEVELS)), contents(made.lake, LEVELS), mode="overwrite")
    assert set(statuses(run(made, LEVELS)).values()) == {"unchanged"}
    outcome = run(made, LEVELS)
    assert set(statuses(outcome).values()) == {"skipped"}
    assert [result.rows for result in outcome.partitions] == [48] * 4


def test_a_lookback_month_that_was_absent_computes_again_once_it_is_there(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", gauges_project)
    land(place, ["2013-02", "2013-03"])
    run_all(place, ["2013-02", "2013-03"])
    inputs = place.lake.open(Address.parse(LEVELS)).partitions["2013-02"].inputs
    assert inputs["raw/readings"]["2013-01"] is None
    assert inputs["raw/readings"]["2013-02"] is not None
    first = [row for row in rows(place.lake, LEVELS) if row["month"] == "2013-02"]
    land(place, ["2013-01"])
    run(place, "raw/readings", "2013-01")
    assert statuses(run(place, LEVELS, ["2013-02", "2013-03"])) == {"2013-02": "published", "2013-03": "skipped"}
    again = [row for row in rows(place.lake, LEVELS) if row["month"] == "2013-02"]
    assert sum(row["readings_24h"] for row in again) > sum(row["readings_24h"] for row in first)


def test_a_month_that_has_not_been_landed_is_refused_and_holds_back_no_other(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", gauges_project)
    land(place, ["2013-01", "2013-03"])
    raw, levels = run_all(place, ["2013-01", "2013-02", "2013-03"])[1:3]
    assert statuses(raw) == {"2013-01": "published", "2013-02": "refused", "2013-03": "published"}
    assert "readings-2013-02.csv has not been delivered" in raw.refused[0].message
    assert statuses(levels) == {"2013-01": "published", "2013-02": "refused", "2013-03": "published"}
    assert "raw/readings 2013-02 has not been published" in levels.refused[0].message


def test_a_table_of_another_project_is_refused_though_it_looks_the_same(gauges: Workspace) -> None:
    land(gauges, ["2013-01"])
    run(gauges, "raw/readings", "2013-01")
    settings = gauges.settings.model_copy(update={"project": "rivers.project:project"})
    others = Workspace(gauges.project, settings)
    with pytest.raises(LakeError, match=r"raw/readings in the lake .* is a table of the project 'flights'"):
        run(others, "raw/readings", "2013-01")

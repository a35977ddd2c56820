"""A violation that is published stays visible: the checks tell the state of the table, whatever the last run did."""

from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import ibis.expr.types as ir
import pytest
from deltalake import write_deltalake
from tests import gauges
from tests.gauges.project import RawReadings, deliveries
from tests.unit.orchestration.world import World, key
from tests.working import contents, land, with_table, workspace

from taxiway.addresses import Address
from taxiway.contracts import Contract, row_rule
from taxiway.lake import Finding
from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest, execute

READINGS = "raw/readings"
WET = (b"AAA,2013-02-05T06:00:00Z,", b"AAA,2013-02-05T06:00:00Z,wet")


def rows(world: World) -> dg.AssetCheckEvaluation:
    """The check of the table's rows, as it was told last."""
    found = world.check(READINGS, "rows")
    assert found is not None
    assert found.partition is None
    return found


@pytest.fixture
def rejected(world: World) -> World:
    """One reading of February is in quarantine."""
    world.land("2013-01", "2013-02", "2013-03")
    world.correct("2013-02", *WET)
    assert world.run([key("raw/gauges"), key(READINGS)], months=("2013-01", "2013-03"))
    assert not rows(world).passed
    return world


def test_rows_in_quarantine_are_told_after_a_run_of_another_month(rejected: World) -> None:
    rejected.correct("2013-03")
    assert rejected.run([key(READINGS)], partition="2013-03")
    found = rows(rejected)
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert str(found.description).startswith("2013-02: 1 row in quarantine; unreadable as delivered (1 row)")


@pytest.mark.parametrize("month", ["2013-02", "2013-03"])
@pytest.mark.parametrize("force", ["false", "true"])
def test_rows_in_quarantine_are_told_after_a_skipped_and_an_unchanged_run(
    rejected: World, month: str, force: str
) -> None:
    assert rejected.run([key(READINGS)], partition=month, tags={"taxiway/force": force})
    assert "2013-02: 1 row in quarantine" in str(rows(rejected).description)


def test_a_refusal_does_not_hide_what_is_published(rejected: World) -> None:
    rejected.correct("2013-03", b"Z,", b"Z,wet")
    assert not rejected.run([key(READINGS)], partition="2013-03")
    found = rows(rejected)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "2013-03 not published" in str(found.description)
    assert "2013-02: 1 row in quarantine" in str(found.description)


def test_a_corrected_month_turns_the_check_green(rejected: World) -> None:
    rejected.land("2013-02")
    assert rejected.run([key(READINGS)], partition="2013-02")
    assert rows(rejected).passed


def test_each_partition_tells_of_itself_alone(rejected: World) -> None:
    rejected.correct("2013-03")
    assert rejected.run([key(READINGS)], partition="2013-03")
    told = {
        evaluation.partition: evaluation.passed
        for record in rejected.instance.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        )
        if (evaluation := record.event_log_entry.asset_check_evaluation) is not None
        and evaluation.asset_check_key == dg.AssetCheckKey(key(READINGS), "rows")
        and evaluation.partition is not None
    }
    assert told == {"2013-01": True, "2013-02": False, "2013-03": True}


def test_an_odd_delivery_and_its_malformed_records_stay_visible(world: World) -> None:
    world.land("2013-01", "2013-02")
    _, (name, data) = deliveries(["2013-01"])
    odd = data.replace(b",\n", b",,\n").replace(b"remark\n", b"remark,gate\n").replace(b"Z,11,,", b"Z,11,", 1)
    world.workspace.landing.deliver(name, odd)
    assert world.run([key("raw/gauges"), key(READINGS)], months=("2013-01", "2013-02"))
    assert world.run([key(READINGS)], partition="2013-02")
    assert rows(world).description == (
        "2013-01: 1 row in quarantine; unreadable as delivered (1 row); "
        f"warning: {name} has unknown columns, left out: 'gate'; records with too many or too few fields: 1."
    )


class Warned(RawReadings):
    """One row for each reading of a gauge."""

    @row_rule("the water is low", severity="warn")
    def low(t: ir.Table) -> ir.BooleanValue:
        return t.level_cm < 20


@dataclass
class Place:
    """A deployment of the gauges whose readings have the contract, and what is told of its runs."""

    workspace: Workspace
    instance: dg.DagsterInstance

    def run(self, *months: str, contract: type[Contract] = Warned, force: bool = False) -> list[str]:
        """The warnings that the run tells."""
        table = replace(gauges.project.table(READINGS), contract=contract)
        place = with_table(self.workspace, table)
        heard: list[RunEvent] = []
        request = RunRequest((Address.parse(READINGS),), months, force=force)
        definitions = build_definitions(place.project, place.settings, workspace=place)
        assert execute(definitions, self.instance, place.project, request, heard.append)
        return [f"{event.partition} {event.message}" for event in heard if event.kind == "warning"]

    def rows(self) -> dg.AssetCheckEvaluation:
        """The check of the table's rows, as it was told last."""
        wanted = dg.AssetCheckKey(key(READINGS), "rows")
        record = self.instance.event_log_storage.get_latest_asset_check_execution_by_key([wanted])[wanted]
        assert record.event is not None
        assert record.event.asset_check_evaluation is not None
        return record.event.asset_check_evaluation

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        """What is known of each published month."""
        snapshot = self.workspace.lake.open(Address.parse(READINGS))
        return {name: state.findings for name, state in snapshot.partitions.items()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = workspace(tmp_path, parameters={})
    land(place, ["2013-01", "2013-02"])
    return Place(place, dg.DagsterInstance.ephemeral())


def test_a_warning_stays_after_a_run_of_another_month_that_does_not_repeat_it(place: Place) -> None:
    (january,) = place.run("2013-01")
    assert january.startswith("2013-01 low: the water is low")
    (february,) = place.run("2013-02")
    assert february.startswith("2013-02 low: the water is low")
    assert [part.split(":")[0] for part in str(place.rows().description).split(". ")] == ["2013-01", "2013-02"]
    assert place.run("2013-01") == [january], "it is published still, though nothing was computed"
    assert not place.rows().passed


def test_a_new_rule_is_known_of_rows_that_did_not_change(place: Place) -> None:
    assert place.run("2013-01", "2013-02", contract=RawReadings) == []
    before = place.workspace.lake.open(Address.parse(READINGS)).partitions
    assert place.findings() == {"2013-01": (), "2013-02": ()}
    assert len(place.run("2013-01")) == 1
    after = place.workspace.lake.open(Address.parse(READINGS)).partitions
    assert [after[key].data_version for key in before] == [state.data_version for state in before.values()]
    ((found,), of_february) = place.findings().values()
    assert (found.rule, found.severity, found.kind, of_february) == ("low", "warn", "row", ())
    place.run("2013-02", contract=RawReadings)
    assert not place.rows().passed
    assert place.run("2013-01", contract=RawReadings) == []
    assert place.rows().passed
    assert place.findings()["2013-01"] == ()


def test_a_clean_partition_says_nothing_of_findings(place: Place) -> None:
    place.run("2013-01", "2013-02", contract=RawReadings)
    (commit,) = place.workspace.lake.open(Address.parse(READINGS)).commits()
    assert "findings" not in str(commit.info["taxiway"])


def test_rows_that_another_program_wrote_are_not_said_to_keep_the_rules(place: Place) -> None:
    place.run("2013-01", "2013-02", contract=RawReadings)
    lake, address = place.workspace.lake, Address.parse(READINGS)
    write_deltalake(lake.uri(address), contents(lake, address), mode="overwrite")
    place.run("2013-01", contract=RawReadings)
    assert str(place.rows().description).startswith("2013-02: written by another program")
    place.run("2013-02", contract=RawReadings)
    assert place.rows().passed

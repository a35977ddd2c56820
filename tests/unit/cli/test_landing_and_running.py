from pathlib import Path

import dagster as dg
import pytest
from tests import gauges
from tests.gauges import events, sightings
from tests.unit.cli.conftest import CommandLine

from taxiway.addresses import Address
from taxiway.cli.run import choose


def statuses(report: dict, table: str) -> dict[str, str]:
    (found,) = [entry for entry in report["tables"] if entry["table"] == table]
    return {partition["partition"]: partition["status"] for partition in found["partitions"]}


def delivered(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "landing").iterdir())


def test_land_delivers_the_named_months_and_says_what_is_new(fresh: CommandLine) -> None:
    first = fresh.done("land", "--from", "2013-01", "--to", "2013-02", "--json").data
    assert delivered(fresh.home) == ["gauges.csv", "readings-2013-01.csv", "readings-2013-02.csv"]
    assert [file["changed"] for file in first] == [True, True, True]
    again = fresh.done("land", "--partition", "2013-02", "--json").data
    assert again == [
        {"file": "gauges.csv", "bytes": (fresh.home / "landing" / "gauges.csv").stat().st_size, "changed": False},
        {"file": "readings-2013-02.csv", "bytes": first[2]["bytes"], "changed": False},
    ]
    told = fresh.done("land", "--partition", "2013-03")
    assert "readings-2013-03.csv" in told.out
    assert "new content" in told.out
    assert "2 files delivered" in told.err


def test_land_delivers_everything_by_default(fresh: CommandLine) -> None:
    fresh.done("land")
    assert delivered(fresh.home) == ["gauges.csv", *(f"readings-2013-{month:02d}.csv" for month in range(1, 5))]


def test_a_spoilt_delivery_has_the_fault_and_an_unknown_one_delivers_nothing(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-01", "--spoil", "too-many")
    good = dict(gauges.project.deliveries(["2013-01"]))["readings-2013-01.csv"]  # pyright: ignore[reportOptionalCall]
    assert (fresh.home / "landing" / "readings-2013-01.csv").read_bytes() != good
    refused = fresh("land", "--partition", "2013-02", "--spoil", "nonsense")
    assert refused.code == 2
    assert "there is no fault 'nonsense': choose one of one, short, too-many" in refused.err
    assert "readings-2013-02.csv" not in delivered(fresh.home)


def test_the_help_of_land_lists_the_faults_of_the_project(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [line.split(maxsplit=1) for line in fresh.done("land", "--help").out.splitlines()]
    assert ["one", "one level is text"] in told
    assert ["too-many", "more than a tenth of the levels are text"] in told
    monkeypatch.setenv("TAXIWAY_PROJECT", "no.such:project")
    said = fresh.done("land", "--help")
    assert "--partition" in said.out
    assert "which cannot be loaded" in said.err


def test_land_tells_what_others_have_delivered(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_PROJECT", "tests.gauges.events:project")
    said = fresh("land")
    assert (said.code, "put its files (events-{month}-*.jsonl.gz) into" in said.err) == (2, True)
    data = events.lines({"id": 1, "what": "a log"})
    for month in ("2013-01", "2013-02"):
        (fresh.home / "landing").mkdir(exist_ok=True)
        (fresh.home / "landing" / f"events-{month}-a.jsonl.gz").write_bytes(data)
    told = {"file": "events-2013-01-a.jsonl.gz", "bytes": len(data), "changed": False}
    assert fresh.done("land", "--partition", "2013-01", "--json").data == [told]
    said = fresh.done("land")
    assert "by others" in said.out
    assert "2 files of others in" in said.err
    report = fresh.done("run", "--json").data
    assert statuses(report, "raw/events") == {"2013-01": "published", "2013-02": "published"}


def test_land_and_run_tell_of_files_whose_rows_are_dated(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_PROJECT", "tests.gauges.sightings:project")
    (fresh.home / "landing").mkdir(parents=True)
    data = events.lines(sightings.seen(1, 1, 12), sightings.seen(2, 3, 12))
    (fresh.home / "landing" / "sightings-a.jsonl.gz").write_bytes(data)
    (fresh.home / "landing" / "sightings-b.jsonl.gz").write_bytes(events.lines({"id": 3, "seen_at": None}))
    told = {"file": "sightings-a.jsonl.gz", "bytes": len(data), "changed": False}
    assert fresh.done("land", "--json").data == [told]
    assert fresh.done("land", "--partition", "2013-01-03", "--json").data == [told]
    assert fresh("land", "--partition", "2013-01-02").code == 2
    said = fresh.done("run", "--json")
    assert statuses(said.data, "raw/sightings") == {"2013-01-01": "published", "2013-01-03": "published"}
    assert "sightings-b.jsonl.gz is of raw/sightings, and no row tells its day in seen_at, as row 1: " in said.err
    refused = fresh("run", "--partition", "2013-01-02")
    assert (refused.code, "2013-01-02 has not been landed" in refused.err) == (2, True)
    found = fresh("doctor").out
    assert "1 of 1 files are there" in found
    assert "no row tells its day in seen_at" in found.replace("\n", " ")


def test_run_publishes_what_was_landed_and_then_has_nothing_to_do(fresh: CommandLine) -> None:
    fresh.done("land", "--from", "2013-01", "--to", "2013-02")
    said = fresh.done("run", "--json")
    report = said.data
    assert report["succeeded"]
    assert report["failures"] == []
    assert report["not_done"] == {}
    assert statuses(report, "raw/readings") == {"2013-01": "published", "2013-02": "published"}
    assert statuses(report, "feature/river_month") == {"*": "published"}
    assert [entry["rows"] for entry in report["tables"] if entry["table"] == "raw/readings"] == [448]
    (readings,) = [entry for entry in report["tables"] if entry["table"] == "raw/readings"]
    assert readings["rows_read"] == 448
    assert set(readings["seconds_by_phase"]) == {"plan", "compute", "guard", "publish"}
    assert 0 < sum(readings["seconds_by_phase"].values()) <= readings["seconds"]
    assert "done    raw/readings" in said.err
    assert "DEBUG" not in said.err

    again = fresh.done("run")
    assert "skipped 2013-01 to 2013-02" in again.err
    assert "4 tables, 902 rows" in again.out

    (second, first) = fresh.runs()
    assert (first.status, second.status) == (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.SUCCESS)
    assert first.tags["dagster/asset_partition_range_start"] == "2013-01"
    assert first.tags["dagster/asset_partition_range_end"] == "2013-02"


def test_force_computes_what_could_be_skipped(copied: CommandLine) -> None:
    report = copied.done("run", "raw/gauges", "--force", "--json").data
    assert statuses(report, "raw/gauges") == {"*": "unchanged"}


def test_months_that_do_not_follow_each_other_make_a_run_each(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-01")
    fresh.done("land", "--partition", "2013-03")
    report = fresh.done("run", "raw", "--json").data
    assert statuses(report, "raw/readings") == {"2013-01": "published", "2013-03": "published"}
    assert [run.tags["dagster/partition"] for run in fresh.runs()] == ["2013-03", "2013-01"]


def test_selections_name_tables_and_layers() -> None:
    raw = [Address("raw", "gauges"), Address("raw", "readings")]
    feature = [Address("feature", "level_history"), Address("feature", "river_month")]
    assert choose(gauges.project, ["raw"]) == choose(gauges.project, ["raw/*"]) == raw
    assert choose(gauges.project, ["feature.river_month", "raw/gauges"]) == [feature[1], raw[0]]
    assert sorted(choose(gauges.project, [])) == sorted(raw + feature)


def test_upstream_and_downstream_widen_the_selection(copied: CommandLine) -> None:
    def chosen(*words: str) -> list[str]:
        return sorted(table["table"] for table in copied.done("run", *words, "--json").data["tables"])

    upstream = chosen("feature/level_history", "--upstream", "--partition", "2013-01")
    assert upstream == ["feature/level_history", "raw/gauges", "raw/readings"]
    assert chosen("feature/level_history", "--downstream") == ["feature/level_history", "feature/river_month"]


def test_a_refusal_is_told_with_its_evidence_and_keeps_nothing_else_back(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-03", "--spoil", "too-many")
    copied.done("land", "--partition", "2013-04")
    said = copied("run", "--json")
    assert said.code == 1
    assert statuses(said.data, "raw/readings") == {"2013-01": "skipped", "2013-02": "skipped", "2013-04": "published"}
    (failure,) = said.data["failures"]
    assert failure["step"] == "raw/readings"
    assert "2013-03 not published: 50 of 224 rows rejected, 22 tolerated" in failure["message"]
    assert "50 of 224 rows rejected" in said.err
    assert "level_cm: 'high' is not a whole number" in said.err
    assert "Traceback" not in said.err
    assert "not up to date: " in said.err
    refused, *going_on = reversed(copied.runs()[:3])
    assert refused.status == dg.DagsterRunStatus.FAILURE
    assert {run.status for run in going_on} == {dg.DagsterRunStatus.SUCCESS}
    asked = [sorted(key.to_user_string() for key in run.asset_selection or ()) for run in going_on]
    assert asked == [["feature/level_history"], ["feature/level_history", "feature/river_month"]]
    assert statuses(said.data, "feature/level_history") == {
        "2013-01": "skipped",
        "2013-02": "skipped",
        "2013-04": "published",
    }
    assert said.data["not_done"] == {"feature/level_history": ["2013-03"], "raw/readings": ["2013-03"]}


def test_a_folder_in_place_of_a_file_is_refused_and_keeps_nothing_else_back(fresh: CommandLine) -> None:
    told = "readings-2013-02.csv is a folder: remove it from "
    fresh.done("land", "--partition", "2013-01")
    (fresh.home / "landing" / "readings-2013-02.csv").mkdir()
    landed = fresh("land", "--partition", "2013-02")
    assert (landed.code, len(landed.err.splitlines())) == (1, 1)
    assert landed.err.startswith(f"error: {told}")
    said = fresh("run", "raw", "--json")
    assert said.code == 1
    assert statuses(said.data, "raw/readings") == {"2013-01": "published"}
    assert told in said.data["failures"][0]["message"]
    assert "Traceback" not in said.err


def test_a_record_with_too_few_fields_is_shown_as_it_was_delivered(copied: CommandLine) -> None:
    copied.done("land", "--partition", "2013-03", "--spoil", "short")
    said = copied.done("run", "raw/readings", "--partition", "2013-03")
    assert "too few fields" in said.out
    rows = copied.done("quarantine", "raw/readings", "--partition", "2013-03", "--json").data
    assert [row["row"] for row in rows] == [{"record": "17"}]
    assert "record=17" in copied.done("quarantine", "raw/readings", "--partition", "2013-03").out


def test_demo_lands_runs_and_says_what_to_try(fresh: CommandLine) -> None:
    said = fresh.done("demo")
    assert "4 tables, " in said.out
    assert "# the levels by river" in said.out
    assert 'sql "from feature.river_month"' in said.out
    assert delivered(fresh.home)[0] == "gauges.csv"
    assert {run.status for run in fresh.runs()} == {dg.DagsterRunStatus.SUCCESS}

import shutil
from pathlib import Path

import pytest
from tests.unit.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["show", "feature/level_historie"],
            2,
            "there is no table feature/level_historie; did you mean feature/level_history?",
        ),
        (["show", "gauges"], 2, "'gauges' is not a table address: write layer/name; did you mean raw/gauges?"),
        (["show", "tables"], 2, "'tables' is not a table address: write layer/name; taxiway tables lists them"),
        (["history", "tables"], 2, "'tables' is not a table address: write layer/name; taxiway tables lists them"),
        (["quarantine", "gauges"], 2, "did you mean raw/gauges?"),
        (["show", "raw/../../etc"], 2, "is not a table address"),
        (["show", "raw/readings", "--partition", "2013-13"], 2, "'2013-13' is no partition and no date"),
        (["show", "raw/readings", "--partition", "2014-07"], 2, "2014-07 lies outside the calendar"),
        (["show", "raw/readings", "--partition", "2013-04"], 1, "raw/readings version 0 has no 2013-04"),
        (["show", "raw/gauges", "--partition", "2013-01"], 2, "raw/gauges has no partitions: "),
        (["show", "raw/readings", "--version", "7"], 1, "raw/readings has no version 7"),
        (["show", "quarantine/raw__gauges"], 1, "no row of that table has been rejected"),
        (["sql", "select * from feature.level_histori"], 2, "level_histori does not exist"),
        (["sql", "selec 1"], 2, 'syntax error at or near "selec"'),
        (["sql", "select river::int from raw.gauges"], 2, "Could not convert string"),
        (["history", "raw/gauge"], 2, "did you mean raw/gauges?"),
        (["quarantine", "raw/gauge"], 2, "did you mean raw/gauges?"),
        (["quarantine", "--partition", "2013-1"], 2, "'2013-1' is no partition"),
        (["land", "--partition", "2015-01"], 2, "2015-01 lies outside the calendar"),
        (
            ["land", "--partition", "2013-01", "--from", "2013-02"],
            2,
            "--partition names one, --from and --to a range",
        ),
        (["land", "--from", "2013-03", "--to", "2013-02"], 2, "--from 2013-03 lies after --to 2013-02"),
        (["land", "--spoil", "too-many"], 2, "name it with --partition"),
        (["compile", "feature/level_histori"], 2, "did you mean feature/level_history?"),
        (["compile", "gauges"], 2, "'gauges' is not a table address: write layer/name; did you mean raw/gauges?"),
        (["compile", "raw/readings", "--engine", "sparc"], 2, "there is no engine 'sparc'; did you mean spark?"),
        (["compile", "raw/readings", "--engine", "oracle"], 2, "there are: duckdb, spark"),
        (["compile", "raw/readings", "--partition", "2013-13"], 2, "'2013-13' is no partition and no date"),
        (["compile", "raw/readings", "--partition", "2014-07"], 2, "2014-07 lies outside the calendar"),
        (["compile", "raw/gauges", "--partition", "2013-01"], 2, "raw/gauges has no partitions: "),
        (["run", "features"], 2, "there is no layer 'features'; did you mean feature?"),
        (["run", "gauges"], 2, "there is no layer 'gauges'; did you mean raw/gauges?"),
        (["run", "mart"], 2, "there is no layer 'mart'; there are: raw, feature"),
        (["run", "feature/rivers"], 2, "there is no table feature/rivers; did you mean feature/river_month"),
        (
            ["run", "--partition", "2013-04"],
            2,
            "2013-04 has not been landed; deliver it with: taxiway land --partition 2013-04",
        ),
        (["run", "raw/gauges", "--partition", "2013-01"], 2, "raw/gauges has no partitions: "),
        (["run", "--engine", "abacus"], 2, "there is no engine 'abacus'"),
        (["new", "table", "feature/river_month"], 2, "there is a table feature/river_month already"),
        (["new", "table", "feature/more"], 2, "gauges has no folder of tables, a file each"),
        (["new", "table", "mart/more"], 2, "which dbt makes"),
        (["new", "table", "feature/class"], 2, "is a word of Python"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["show"], 2, "Missing argument 'TABLE'"),
        (["tables", "--colour"], 2, "No such option: --colour"),
        (["show", "raw/gauges", "--limit", "few"], 2, "Invalid value for '--limit'"),
    ],
)
def test_wrong_use_is_told_in_one_line(built: CommandLine, words: list[str], code: int, told: str) -> None:
    said = built(*words)
    lines = [line for line in said.err.splitlines() if line != "loading the project"]
    assert said.code == code, said
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    assert told in lines[0]
    assert said.out == ""


def test_what_is_not_made_yet_says_how_to_make_it(fresh: CommandLine) -> None:
    told = (
        "feature/level_history has not been published yet; make it with: taxiway run feature/level_history --upstream"
    )
    for words in (
        ["show", "feature/level_history"],
        ["sql", "from feature.level_history"],
        ["history", "feature/level_history"],
    ):
        said = fresh(*words)
        assert (said.code, said.err) == (1, f"error: {told}\n")
    said = fresh("run")
    assert said.code == 2
    assert "nothing has been landed yet; deliver it with: taxiway land" in said.err


def test_a_step_whose_input_is_missing_fails_with_the_way_out(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-01")
    said = fresh("run", "feature/level_history")
    assert said.code == 1
    assert "raw/readings 2013-01, raw/gauges has not been published; make it first, or run with --upstream" in said.err


def test_debug_adds_where_an_error_came_from(built: CommandLine) -> None:
    said = built("show", "raw/gauge", "--debug")
    assert said.code == 2
    assert "Traceback" in said.err
    assert "Traceback" not in built("show", "raw/gauge").err


@pytest.mark.parametrize(
    ("project", "told"),
    [
        ("no_such_project.here:project", "there is no module no_such_project"),
        ("tests.gauges.project:projekt", "is not a taxiway Project"),
    ],
)
def test_a_project_that_cannot_be_found(
    built: CommandLine, monkeypatch: pytest.MonkeyPatch, project: str, told: str
) -> None:
    monkeypatch.setenv("TAXIWAY_PROJECT", project)
    said = built("tables")
    assert said.code == 2
    assert told in said.err


def test_a_deployment_that_does_not_exist(built: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_DEPLOYMENT", "moon")
    said = built("tables")
    assert (said.code, said.err) == (
        2,
        "error: deployment 'moon' has no settings; TAXIWAY_DEPLOYMENT is one of local\n",
    )


def test_a_damaged_log_is_named(copied: CommandLine) -> None:
    log = copied.home / "lake" / "raw" / "gauges" / "_delta_log" / "00000000000000000000.json"
    log.write_bytes(b"\x00not a log")
    said = copied("show", "raw/gauges")
    assert said.code == 1
    assert said.err.startswith("error: raw/gauges: ")
    assert len(said.err.splitlines()) == 1
    examined = copied("doctor", "--json")
    assert examined.code == 1
    (broken,) = [finding for finding in examined.data if finding["status"] == "missing"]
    assert broken["check"] == "raw/gauges"
    assert broken["advice"]
    listed = copied("tables", "--json")
    assert listed.code == 1
    assert "feature/river_month" in [row["table"] for row in listed.data], "the others are listed all the same"
    assert listed.err.startswith("error: raw/gauges: ")


def test_doctor_finds_this_machine_fit(built: CommandLine) -> None:
    said = built.done("doctor", "--json")
    found = {finding["check"]: finding for finding in said.data}
    assert {"python", "packages", "lightgbm", "disk", "memory", "project", "lake"} <= found.keys()
    assert found["lake"]["found"].startswith("5 tables in ")
    assert "libgomp" in found["lightgbm"]["found"]
    assert "missing" not in built.done("doctor").out
    assert built("doctor", "--engine", "sparc").err == "error: there is no engine 'sparc'; did you mean spark?\n"


def test_doctor_names_a_folder_that_cannot_be_written(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file where a folder should be")
    said = CommandLine(root, home)("doctor", "--json")
    assert said.code == 1
    broken = {finding["check"] for finding in said.data if finding["status"] == "missing"}
    assert {"lake/", "landing/", "dagster/", "scratch/"} <= broken


def test_doctor_leaves_a_home_of_another_version_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "LAYOUT").write_text("7\n")
    said = CommandLine(root, tmp_path)("doctor")
    assert said.code == 1
    assert "laid out by a newer Taxiway" in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["LAYOUT"]


def test_a_lost_data_file_is_named_and_the_table_can_be_made_anew(copied: CommandLine) -> None:
    lost = next((copied.home / "lake" / "raw" / "gauges").rglob("*.parquet"))
    lost.unlink()
    said = copied("doctor")
    assert said.code == 1
    assert f"{lost.name} is gone or damaged" in "".join(said.out.split("\n"))
    assert "a data file of a table is gone" in copied("show", "raw/gauges").err
    copied.done("run", "raw/gauges", "--rebuild")
    assert copied("doctor").code == 0


def test_doctor_says_what_the_settings_lack(tmp_path: Path, root: Path) -> None:
    shutil.copytree(root, tmp_path / "root")
    (tmp_path / "root" / "deployments" / "local" / "settings.toml").write_text('end = "2013-05"\n')
    said = CommandLine(tmp_path / "root", tmp_path / "home")("doctor", "--json")
    assert said.code == 1
    assert "TAXIWAY_FIRST is not set" in said.data[-1]["found"]

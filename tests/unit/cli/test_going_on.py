"""What does not need a refused partition or a failed table is made all the same; what was left out is told."""

from dataclasses import replace
from pathlib import Path

from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.test_landing_and_running import statuses
from tests.working import workspace

from taxiway.addresses import Address
from taxiway.lake import WHOLE
from taxiway.orchestration.remaining import Remaining
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest

RAW, HISTORY, MONTHS = "raw/readings", "feature/level_history", "feature/river_month"
ALL = ("2013-01", "2013-02", "2013-03", "2013-04")


def test_a_month_that_is_refused_holds_back_nothing_but_itself(fresh: CommandLine) -> None:
    fresh.done("land")
    fresh.done("land", "--partition", "2013-02", "--spoil", "too-many")
    said = fresh("run", "--json")
    assert said.code == 1
    report = said.data
    others = {"2013-01": "published", "2013-03": "published", "2013-04": "published"}
    assert statuses(report, RAW) == statuses(report, HISTORY) == others
    assert statuses(report, MONTHS) == {"*": "published"}, "it reads the months that there are"
    assert report["not_done"] == {HISTORY: ["2013-02"], RAW: ["2013-02"]}
    (failure,) = report["failures"]
    assert "the others (2013-01, 2013-03 to 2013-04) are published" in failure["message"]
    assert "taxiway run" not in failure["message"], "this run goes on by itself"
    assert f"not up to date: {HISTORY} (2013-02); {RAW} (2013-02)" in said.err
    assert f"error: {RAW} lacks 2013-02, which has been landed; made without: {HISTORY} (2013-03)" in said.err
    assert f"error: {HISTORY} lacks 2013-02, which has been landed; made without: {MONTHS}" in said.err
    command = f"taxiway run {RAW} --downstream --from 2013-02 --to 2013-03"
    assert f"once what failed is mended: {command}" in said.err, "March looks back at it"
    lacks = [
        {"table": HISTORY, "partition": "2013-03", "source": RAW, "partitions": ["2013-02"]},
        {"table": MONTHS, "partition": "*", "source": HISTORY, "partitions": ["2013-02"]},
    ]
    assert report["incomplete"] == lacks

    tables = {table["table"]: table for table in fresh.done("tables", "--json").data}
    assert tables[RAW]["missing"] == tables[HISTORY]["missing"] == ["2013-02"]
    assert tables[MONTHS]["missing"] == []
    assert [each for table in tables.values() for each in table["incomplete"] or ()] == lacks
    assert f"{RAW} lacks 2013-02, which has been landed; made without: {HISTORY} (2013-03)" in fresh.done("tables").err
    again = fresh("run")
    assert again.code == 1
    assert f"made without: {HISTORY} (2013-03)" in again.err, "it is up to date, and lacks what it lacked"
    assert "2 of 4 tables made, 2 of the others in part" in fresh.done("tables").err

    fresh.done("land", "--partition", "2013-02")
    fresh.done(*command.split()[1:])
    wrong = ("stale", "missing", "incomplete")
    assert not [table for table in fresh.done("tables", "--json").data if any(table[what] for what in wrong)]


def test_a_later_month_whose_file_is_gone_is_made_again_by_a_command_of_its_own(copied: CommandLine) -> None:
    copied.done("drop", RAW, "--yes", "--force")
    copied.done("run", RAW, "--partition", "2013-01")
    copied.done("run", RAW, "--partition", "2013-03")
    copied.done("run", HISTORY, "--partition", "2013-03")
    (copied.home / "landing" / "readings-2013-03.csv").unlink()
    copied.done("land", "--partition", "2013-02", "--spoil", "too-many")
    said = copied("run", RAW, "--partition", "2013-02")
    assert said.code == 1
    commands = [
        f"taxiway run {RAW} --downstream --partition 2013-02",
        f"taxiway run {HISTORY} --downstream --partition 2013-03",
    ]
    assert f"once what failed is mended: {'; '.join(commands)}" in said.err
    copied.done("land", "--partition", "2013-02")
    for command in commands:
        copied.done(*command.split()[1:])
    tables = {table["table"]: table for table in copied.done("tables", "--json").data}
    assert tables[HISTORY]["stale"] == ["2013-01"], "its readings were made anew"
    assert not any(table["incomplete"] for table in tables.values())


def test_what_lacks_an_input_is_made_with_it(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-01")
    said = fresh("run", HISTORY, "--partition", "2013-01")
    assert said.code == 1
    assert f"once what failed is mended: taxiway run {HISTORY} --upstream --partition 2013-01\n" in said.err
    said = fresh("run", HISTORY, MONTHS, "--partition", "2013-01")
    command = f"taxiway run {HISTORY} --upstream --downstream --partition 2013-01"
    assert f"once what failed is mended: {command}\n" in said.err
    fresh.done(*command.split()[1:])


def remaining(home: Path, *, rebuild: bool = False) -> tuple[Remaining, RunRequest]:
    place = workspace(home)
    request = RunRequest(tuple(place.project.by_address), rebuild=rebuild)
    asked = {table.address: ALL if table.is_partitioned else [WHOLE] for table in place.project.tables}
    found = Remaining(place, request, asked)
    first = found.first()
    assert first == replace(request, partitions=ALL), "all in one run, where they are of one grain"
    assert first is not None
    return found, first


def heard(found: Remaining, at: str, *months: str, kind: str = "finished") -> None:
    for month in months:
        found.hear(RunEvent("partition", at, at, None if month == "*" else month))
    found.hear(RunEvent(kind, at))  # pyright: ignore[reportArgumentType]


def test_nothing_is_left_where_all_is_done(tmp_path: Path) -> None:
    found, request = remaining(tmp_path)
    for at, months in (("raw/gauges", "*"), (RAW, ALL), (HISTORY, ALL), (MONTHS, "*")):
        heard(found, at, *months)
    assert found.after(request) is None


def test_what_needs_a_failed_table_is_left_out(tmp_path: Path) -> None:
    found, request = remaining(tmp_path)
    heard(found, "raw/gauges", kind="failed")
    heard(found, RAW, *ALL)
    assert found.after(request) is None
    found, request = remaining(tmp_path)
    heard(found, "raw/gauges", "*")
    heard(found, RAW, kind="failed")
    assert found.after(request) is None


def test_stretches_of_months_come_one_by_one_and_what_reads_them_all_last(tmp_path: Path) -> None:
    found, request = remaining(tmp_path)
    heard(found, "raw/gauges", "*")
    heard(found, RAW, "2013-01", "2013-03", "2013-04", kind="failed")
    first = found.after(request)
    assert first is not None
    assert first == replace(request, tables=(Address.parse(HISTORY),), partitions=("2013-01",))
    heard(found, HISTORY, "2013-01")
    second = found.after(first)
    assert second is not None
    assert second == replace(
        request, tables=(Address.parse(HISTORY), Address.parse(MONTHS)), partitions=("2013-03", "2013-04")
    )
    heard(found, HISTORY, "2013-03", kind="failed")
    last = found.after(second)
    assert last is not None
    assert last == replace(request, tables=(Address.parse(MONTHS),), partitions=())
    heard(found, MONTHS, "*")
    assert found.after(last) is None


def test_a_rebuild_makes_a_table_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    found, request = remaining(tmp_path, rebuild=True)
    heard(found, "raw/gauges", "*")
    heard(found, RAW, "2013-01", "2013-03", "2013-04", kind="failed")
    assert found.after(request) is None


def test_a_run_of_which_no_step_ends_is_not_tried_again(tmp_path: Path) -> None:
    found, request = remaining(tmp_path)
    assert found.after(request) is None

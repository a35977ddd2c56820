"""What does not need a refused partition or a failed table is made all the same; what was left out is told."""

from dataclasses import replace
from pathlib import Path

from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.test_landing_and_running import statuses
from tests.working import workspace

from taxiway.addresses import Address
from taxiway.orchestration.remaining import Remaining
from taxiway.orchestration.runs import RunEvent, RunRequest

RAW, HISTORY, MONTHS = "raw/readings", "feature/level_history", "feature/river_month"
ALL = ("2013-01", "2013-02", "2013-03", "2013-04")


def test_a_month_that_is_refused_holds_back_nothing_but_itself(fresh: CommandLine) -> None:
    fresh.done("land")
    fresh.done("land", "--month", "2013-02", "--spoil", "too-many")
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
    assert f"once what failed is mended: taxiway run {RAW} --downstream --month 2013-02" in said.err

    tables = {table["table"]: table for table in fresh.done("tables", "--json").data}
    assert tables[RAW]["missing"] == tables[HISTORY]["missing"] == ["2013-02"]
    assert tables[MONTHS]["missing"] == []
    assert "2 of 4 tables made, 2 of the others in part" in fresh.done("tables").err

    fresh.done("land", "--month", "2013-02")
    fresh.done("run", RAW, "--downstream", "--month", "2013-02")
    stale = {table["table"]: table["stale"] for table in fresh.done("tables", "--json").data if table["stale"]}
    assert stale == {HISTORY: ["2013-03"]}, "it looks back at the month that came later"
    fresh.done("run")
    assert not [table for table in fresh.done("tables", "--json").data if table["stale"] or table["missing"]]


def remaining(home: Path, *, rebuild: bool = False) -> tuple[Remaining, RunRequest]:
    place = workspace(home)
    request = RunRequest(tuple(place.project.by_address), ALL, rebuild=rebuild)
    return Remaining(place, request), request


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
    assert first == replace(request, tables=(Address.parse(HISTORY),), months=("2013-01",))
    heard(found, HISTORY, "2013-01")
    second = found.after(first)
    assert second is not None
    assert second == replace(request, tables=(Address.parse(HISTORY),), months=("2013-03", "2013-04"))
    heard(found, HISTORY, "2013-03", kind="failed")
    last = found.after(second)
    assert last is not None
    assert last == replace(request, tables=(Address.parse(MONTHS),), months=())
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

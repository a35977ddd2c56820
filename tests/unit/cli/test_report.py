"""What is told of a run, from the events that a run tells."""

from dataclasses import replace

from tests import gauges
from tests.gauges.project import RiverMonth

from taxiway.calendar import Calendar
from taxiway.cli.report import Report
from taxiway.orchestration.run_events import RunEvent
from taxiway.tables import Table

MARTS = ("mart/rivers", "mart/months")
PROJECT = replace(gauges.project, tables=(*gauges.project.tables, *(Table(at, RiverMonth) for at in MARTS)))


def made(table: str, step: str, partition: str | None, **metadata: float) -> RunEvent:
    told = {"status": "published", "dagster/row_count": 5, "rows_read": 7, "seconds_plan": 0.5, "seconds_compute": 1.0}
    return RunEvent("partition", step, table, partition, metadata=told | metadata)


def heard(*events: RunEvent) -> Report:
    report = Report(PROJECT, Calendar("2013-01"))
    for event in events:
        report.hear(event)
    return report


def test_what_a_step_over_months_took_is_counted_once_for_each_run() -> None:
    at = "raw/readings"
    runs = [
        [RunEvent("started", at), *(made(at, at, m) for m in months), RunEvent("finished", at, seconds=2.0)]
        for months in (("2013-01", "2013-02"), ("2013-04",))
    ]
    (table,) = heard(*runs[0], *runs[1]).as_data()["tables"]
    assert (table["rows"], table["rows_read"], table["seconds"]) == (15, 14, 4.0)
    assert table["seconds_by_phase"] == {"plan": 1.0, "compute": 2.0}


def test_of_a_step_that_makes_several_tables_no_table_has_the_seconds() -> None:
    report = heard(
        RunEvent("started", "marts"),
        *(made(at, "marts", None, rows_read=read) for at, read in zip(MARTS, (3, 4), strict=True)),
        RunEvent("finished", "marts", seconds=9.0),
    )
    told = report.as_data()
    assert [(t["table"], t["rows_read"], t["seconds"], t["seconds_by_phase"]) for t in told["tables"]] == [
        (MARTS[0], 3, None, None),
        (MARTS[1], 4, None, None),
    ]
    phases = {"plan": 0.5, "compute": 1.0}
    assert told["steps"] == [{"step": "marts", "tables": list(MARTS), "seconds": 9.0, "seconds_by_phase": phases}]


def test_what_was_finished_when_it_was_interrupted() -> None:
    report = Report(PROJECT, Calendar("2013-01"))
    report.ask({"raw/gauges": ["*"], "raw/readings": ["2013-01", "2013-02"], "feature/river_month": ["*"]})
    report.hear(made("raw/gauges", "raw/gauges", None))
    report.hear(made("raw/readings", "raw/readings", "2013-01"))
    report.hear(RunEvent("interrupted", "raw/readings", seconds=1.0))
    assert report.interrupted
    assert report.finished() == ["raw/gauges"]
    assert report.missing() == {"raw/readings": ["2013-02"], "feature/river_month": ["*"]}

"""Grains in Dagster: its partitions are those of the calendar, its mappings cover what is read, runs follow."""

from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.definition import PartitionsDefinition
from tests.bikes import RECENT, RENTALS, RIDES, SHARE, STATIONS, WEEK, bikes
from tests.working import land, rows

from taxiway.calendar import GRAINS, Calendar, Grain
from taxiway.calendar.keys import SHORTEST
from taxiway.cli.wanted import asked_for, wanted_partitions
from taxiway.contracts import Contract, Text, column, table
from taxiway.materialise import Workspace
from taxiway.materialise.plan import partitions_in_reach
from taxiway.orchestration import build_definitions
from taxiway.orchestration.keys import from_dagster, to_dagster
from taxiway.orchestration.landing_look import look
from taxiway.orchestration.landing_memory import Memory
from taxiway.orchestration.partitions import mapping, partitions_of
from taxiway.orchestration.remaining import Remaining
from taxiway.orchestration.run_events import RunEvent
from taxiway.orchestration.runs import RunRequest, execute
from taxiway.orchestration.table_asset import RANGE_END_TAG, RANGE_START_TAG
from taxiway.tables import Table
from taxiway.transforms import History, Lookback, Reach

# With the night on which clocks go back, and with that on which they go forward.
CALENDARS = [
    Calendar("2013-10-28", "2013-12-02", "America/New_York"),
    Calendar("2013-02-25", "2013-04-08", "Europe/London"),
]
REACHES: list[Reach | None] = [
    None,
    Lookback(3, on="at"),
    Lookback(24, on="at"),
    Lookback(200, on="at"),
    History(),
    History(own=True),
]


def of_grain(grain: Grain) -> Table:
    """A table of that grain."""
    body = {
        "__doc__": "One row for each partition.",
        "__annotations__": {grain: Text},
        grain: column("The partition"),
        "Config": type("Config", (), {"unique": [grain], "metadata": table(grain=grain)}),
    }
    return Table(f"feature/by_{grain}", type("Rows", (Contract,), body))


TABLES = {grain: of_grain(grain) for grain in GRAINS}


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC"])
def test_dagster_has_the_partitions_of_the_calendar(zone: str) -> None:
    calendar = Calendar("2011-10", "2012-02", zone)
    for grain in GRAINS:
        if grain != "hour" or not calendar.irregular_hours():
            definition = partitions_of(calendar, TABLES[grain])
            assert definition is not None
            keys = calendar.keys(grain)
            assert list(map(from_dagster, definition.get_partition_keys())) == list(keys)
            windows = [definition.time_window_for_partition_key(to_dagster(key)) for key in keys]
            assert [(w.start.timestamp(), w.end.timestamp()) for w in windows] == [
                (span.start.timestamp(), span.end.timestamp()) for span in map(calendar.span, keys)
            ]


@pytest.mark.parametrize("calendar", CALENDARS, ids=str)
@pytest.mark.parametrize(("reader", "source"), list(product(GRAINS, GRAINS)))
def test_dagster_s_mapping_covers_what_is_read(calendar: Calendar, reader: Grain, source: Grain) -> None:
    for reach in REACHES:
        found = mapping(calendar, TABLES[reader], TABLES[source], reach) or dg.IdentityPartitionMapping()
        own, other = (partitions_of(calendar, TABLES[grain]) for grain in (reader, source))
        assert own is not None
        assert other is not None
        for key in calendar.keys(reader)[:: 61 if reader == "hour" else 1]:
            told = mapped(found, own, other, key)
            read = set(partitions_in_reach(calendar, TABLES[reader], TABLES[source], reach, key))
            assert read <= told, f"{key} with {reach}"
            if not isinstance(reach, History):
                # No more than the lookback rounded up to whole partitions of the reader, the shortest there are.
                hours = reach.hours if reach is not None else 0
                back = -(-timedelta(hours=hours) // SHORTEST[reader])
                before = calendar.bounds.start - timedelta(days=62)
                span = calendar.span(key)
                start = span.start
                for _ in range(back):
                    start = calendar.span(calendar.key(reader, start - timedelta(seconds=1))).start
                assert start > before
                widest = {k for k in calendar.keys(source) if calendar.span(k).end > start}
                assert told <= widest


def mapped(found: dg.PartitionMapping, own: PartitionsDefinition, other: PartitionsDefinition, key: str) -> set[str]:
    """The keys of the input on which a partition depends for Dagster."""
    subset = own.subset_with_partition_keys([to_dagster(key)])
    result: Any = found.get_upstream_mapped_partitions_result_for_partitions(subset, own, other)
    assert not result.required_but_nonexistent_partition_keys
    return set(map(from_dagster, result.partitions_subset.get_partition_keys()))


def test_what_has_changed_asks_for_what_reads_it() -> None:
    calendar = CALENDARS[0]
    hours, days = TABLES["hour"], TABLES["day"]
    found = mapping(calendar, days, hours, Lookback(3, on="at"))
    own, other = partitions_of(calendar, days), partitions_of(calendar, hours)
    assert found is not None
    assert own is not None
    assert other is not None
    for key, expected in {
        "2013-11-03T01-0500": {"2013-11-03", "2013-11-04"},
        "2013-11-02T22": {"2013-11-02", "2013-11-03"},
    }.items():
        subset: Any = found.get_downstream_partitions_for_partitions(
            other.subset_with_partition_keys([key]), other, own
        )
        assert set(subset.get_partition_keys()) == expected


def perform(place: Workspace, *tables: str, partition: str | None = None) -> list[tuple[list[str], str]]:
    """What `taxiway run` does; the tables and the partitions of each of its runs."""
    definitions = build_definitions(place.project, place.settings, workspace=place)
    wanted = wanted_partitions(
        place,
        [place.project.table(at) for at in tables or [table.at for table in place.project.tables]],
        asked_for(place.calendar, partition, None, None),
    )
    asked = {table.address: keys for table, keys in wanted.items()}
    remaining = Remaining(place, RunRequest(tuple(asked), goes_on=True), asked)
    told = []

    def hear(event: RunEvent) -> None:
        assert event.kind not in ("failed", "warning"), event.message
        remaining.hear(event)

    with dg.DagsterInstance.ephemeral() as instance:
        request = remaining.first()
        while request is not None:
            assert execute(definitions, instance, place.project, request, hear)
            told.append((list(map(str, request.tables)), place.calendar.in_words(request.partitions)))
            request = remaining.after(request)
    return told


def test_one_command_makes_tables_of_every_grain(tmp_path: Path) -> None:
    place = bikes(tmp_path)
    land(place, place.calendar.overlapping("hour", place.calendar.span("2013-W44")))
    hours, days = "2013-10-28T00 to 2013-11-03T23", "2013-10-28 to 2013-11-03"
    tables = (RENTALS, RECENT, RIDES, WEEK, STATIONS)
    assert perform(place, *tables) == [
        ([RENTALS, RECENT], hours),
        ([RIDES], days),
        ([WEEK, STATIONS], "2013-W44"),
    ]
    assert {row["station"]: row["rentals"] for row in rows(place.lake, STATIONS)} == {"Astor": 169, "Bergen": 84}
    night = perform(place, SHARE, partition="2013-11-03")
    assert night == [([SHARE], "2013-11-03T00 to 2013-11-03T23")], "each table by its own grain"
    assert len({row["hour"] for row in rows(place.lake, SHARE)}) == 25


def test_what_is_not_whole_yet_is_left_out(tmp_path: Path) -> None:
    place = bikes(tmp_path)
    hours = place.calendar.overlapping("hour", place.calendar.span("2013-11-02"))
    late = hours[-1]
    land(place, [*place.calendar.overlapping("hour", place.calendar.span("2013-11-01"))[-2:], *hours[:-1]])
    tables = [place.project.table(at) for at in (RENTALS, RIDES, WEEK)]
    wanted = {made.at: keys for made, keys in wanted_partitions(place, tables, None).items()}
    assert len(wanted[RENTALS]) == 25
    assert (wanted[RIDES], wanted[WEEK]) == ((), ())
    land(place, [late])
    wanted = {made.at: keys for made, keys in wanted_partitions(place, tables, None).items()}
    assert (wanted[RIDES], wanted[WEEK]) == (("2013-11-02",), ())
    asked = asked_for(place.calendar, "2013-W44", None, None)
    wanted = {made.at: keys for made, keys in wanted_partitions(place, tables, asked).items()}
    assert wanted[WEEK] == ("2013-W44",), "who names it is told what it lacks"


def test_sensors_ask_for_hours_and_then_for_the_days_that_are_whole(tmp_path: Path) -> None:
    place = bikes(tmp_path, settle_seconds=0.0)
    definitions = build_definitions(place.project, place.settings, workspace=place)
    hours = place.calendar.overlapping("hour", place.calendar.span("2013-11-03"))
    land(place, hours)
    land(place, place.calendar.overlapping("hour", place.calendar.span("2013-11-04"))[:2])
    seen = look(place, look(place, Memory()).memory)
    (request,) = seen.run_requests
    assert request.tags[RANGE_START_TAG] == "2013-11-03T00"
    assert request.tags[RANGE_END_TAG] == "2013-11-04T01"
    with dg.DagsterInstance.ephemeral() as instance:
        before = dg.evaluate_automation_conditions(definitions, instance)
        assert before.total_requested == 0
        done = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=request.asset_selection, tags=request.tags
        )
        assert done.success
        after = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
        asked = {at: after.get_requested_partitions(dg.AssetKey(at.split("/"))) for at in (RECENT, RIDES, WEEK)}
    assert asked == {RECENT: {*hours, "2013-11-04T00", "2013-11-04T01"}, RIDES: {"2013-11-03"}, WEEK: set()}

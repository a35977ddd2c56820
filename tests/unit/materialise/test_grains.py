"""Tables by hour, day and week that read each other, over a night on which the clock shows an hour twice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ibis.expr.types as ir
import pytest
from tests.bikes import RECENT, RENTALS, RIDES, SHARE, STATIONS, WEEK, bikes, deliveries, project, rented
from tests.working import land, rows, run, statuses

from taxiway.errors import DefinitionError, UsageError
from taxiway.landed_partitions import LandedPartitions
from taxiway.landing import CSV
from taxiway.materialise import Workspace, kind_of, make_plan
from taxiway.materialise.delivered import unexpected
from taxiway.tables import Table
from taxiway.transforms import transform

NIGHT = "2013-11-03"
TWICE = ["2013-11-03T01", "2013-11-03T01-0500"]


@transform
def all_rides(feature_rides: ir.Table) -> ir.Table:
    return feature_rides.group_by("station").aggregate(rentals=feature_rides.count())


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A week of hours, with all that is made of it."""
    place = bikes(tmp_path_factory.mktemp("bikes"))
    hours = place.calendar.overlapping("hour", place.calendar.span("2013-W44"))
    land(place, hours)
    days = place.calendar.overlapping("day", place.calendar.span("2013-W44"))
    night = place.calendar.overlapping("hour", place.calendar.span(NIGHT))
    for at, keys in ((RENTALS, hours), (RECENT, hours), (RIDES, days), (WEEK, "2013-W44"), (SHARE, night)):
        assert set(statuses(run(place, at, keys)).values()) == {"published"}
    run(place, STATIONS)
    return place


def happened(place: Workspace, key: str) -> list[tuple[str, datetime, int]]:
    """All rentals of a partition, hour by hour."""
    span, found = place.calendar.span(key), []
    start = span.start
    while start < span.end:
        found += rented(start)
        start += timedelta(hours=1)
    return found


def test_an_hour_that_is_shown_twice_is_two_partitions(landed: Workspace) -> None:
    found = [row for row in rows(landed.lake, RENTALS) if row["hour"] in TWICE and row["station"] == "Astor"]
    assert {row["hour"]: row["started_at"] for row in found} == {
        TWICE[0]: datetime(2013, 11, 3, 5, 10, tzinfo=UTC),
        TWICE[1]: datetime(2013, 11, 3, 6, 10, tzinfo=UTC),
    }
    assert {row["source_file"] for row in found} == {f"rentals-{key}.csv" for key in TWICE}


def test_a_day_of_25_hours_has_them_all_and_looks_back_over_midnight(landed: Workspace) -> None:
    everything = happened(landed, "2013-W44")
    found = [row for row in rows(landed.lake, RIDES) if row["on_day"] == NIGHT]
    assert Counter(row["station"] for row in found)["Astor"] == 25
    expected = {
        (station, at): sum(s == station and at - timedelta(hours=3) <= t <= at for s, t, _ in everything)
        for station, at, _ in happened(landed, NIGHT)
    }
    assert {(row["station"], row["started_at"]): row["rentals_3h"] for row in found} == expected


def test_hours_look_back_over_hours(landed: Workspace) -> None:
    everything = happened(landed, "2013-W44")
    for row in rows(landed.lake, RECENT):
        at = row["started_at"]
        assert row["rentals_2h"] == sum(
            station == row["station"] and at - timedelta(hours=2) <= t <= at for station, t, _ in everything
        )


def test_a_week_is_made_of_days_and_an_hour_is_told_against_its_week(landed: Workspace) -> None:
    counted = Counter(station for station, _, _ in happened(landed, "2013-W44"))
    weeks = {row["station"]: row["rentals"] for row in rows(landed.lake, WEEK)}
    assert weeks == counted
    assert weeks["Astor"] == 169
    assert {row["station"]: row["rentals"] for row in rows(landed.lake, STATIONS)} == counted
    shares = {(row["station"], row["hour"]): row["share"] for row in rows(landed.lake, SHARE)}
    assert shares["Astor", TWICE[1]] == 1 / 169
    assert len(shares) == len(happened(landed, NIGHT))


def test_what_is_read_is_known_by_partition_and_then_skipped(landed: Workspace) -> None:
    state = landed.lake.open(landed.project.table(RIDES).address).partitions["2013-11-02"]
    assert list(state.inputs[RENTALS]) == ["2013-11-01T21..2013-11-02T23"]
    state = landed.lake.open(landed.project.table(RECENT).address).partitions[TWICE[1]]
    assert list(state.inputs[RENTALS]) == ["2013-11-03T00", *TWICE]
    assert set(statuses(run(landed, RIDES, [NIGHT, "2013-11-02"])).values()) == {"skipped"}
    assert set(statuses(run(landed, SHARE, TWICE)).values()) == {"skipped"}


def test_a_late_hour_holds_back_its_day_and_then_what_looks_back_is_stale(tmp_path: Path) -> None:
    place = bikes(tmp_path)
    hours = place.calendar.overlapping("hour", place.calendar.span("2013-11-02"))
    hours += place.calendar.overlapping("hour", place.calendar.span(NIGHT))
    late = "2013-11-02T22"
    land(place, [hour for hour in hours if hour != late])
    run(place, RENTALS, [hour for hour in hours if hour != late])
    made = run(place, RIDES, ["2013-11-02", NIGHT])
    assert statuses(made) == {"2013-11-02": "refused", NIGHT: "published"}
    assert f"{RENTALS} {late} has not been published; make it first" in made.refused[0].message
    land(place, [late])
    landed = LandedPartitions(place)
    assert landed.missing(place.project.table(RENTALS)) == [late]
    (incomplete,) = landed.incomplete(place.project.table(RIDES))
    assert (incomplete.partition, incomplete.partitions) == (NIGHT, (late,))
    run(place, RENTALS, late)
    plan = make_plan(place, place.project.table(RIDES), ["2013-11-02", NIGHT, "2013-11-04"])
    assert [partition.partition for partition in plan.to_compute] == ["2013-11-02", NIGHT, "2013-11-04"]
    assert statuses(run(place, RIDES, ["2013-11-02", NIGHT])) == {"2013-11-02": "published", NIGHT: "published"}
    assert make_plan(place, place.project.table(RIDES), ["2013-11-02", NIGHT]).to_compute == ()


def test_offsets_with_a_plus_are_partitions_as_any_other(tmp_path: Path) -> None:
    place = bikes(tmp_path, first="2013-10-27", end="2013-10-28", zone="Europe/London")
    hours = place.partitions(place.project.table(RENTALS))
    assert "2013-10-27T01+0000" in hours
    for name, data in deliveries(hours, "Europe/London"):
        place.landing.deliver(name, data)
    assert set(statuses(run(place, RENTALS)).values()) == {"published"}
    assert {row["hour"] for row in rows(place.lake, RENTALS)} == set(hours)
    assert set(statuses(run(place, RECENT)).values()) == {"published"}
    assert set(statuses(run(place, RENTALS)).values()) == {"skipped"}
    assert set(statuses(run(place, RENTALS, force=True)).values()) == {"unchanged"}


def test_an_open_calendar_expects_the_files_of_what_is_over(tmp_path: Path) -> None:
    times = [datetime(2013, 11, 3, 6, 59, tzinfo=UTC)]
    place = replace(bikes(tmp_path, end=""), clock=lambda: times[-1])
    rentals, weeks = place.project.table(RENTALS), place.project.table(WEEK)
    assert place.partitions(rentals)[-1] == TWICE[0]
    assert place.partitions(weeks) == ()
    name = f"rentals-{TWICE[1]}.csv"
    place.landing.deliver(name, b"x")
    (told,) = unexpected(place, place.landing.listing())
    assert told.message == f"{name} is of {RENTALS} for {TWICE[1]}, which is not over yet: it is read after that"
    times.append(datetime(2013, 11, 4, 5, tzinfo=UTC))
    assert unexpected(place, place.landing.listing()) == []
    assert place.expected_files.of(name) == [(rentals, TWICE[1])]
    assert place.partitions(weeks) == ("2013-W44",)


def test_a_table_that_reads_all_is_not_stale_because_time_passes(tmp_path: Path) -> None:
    times = [datetime(2013, 11, 4, 5, tzinfo=UTC)]
    place = replace(bikes(tmp_path, end=""), clock=lambda: times[-1])
    days, table = ["2013-11-02"], place.project.table(STATIONS)
    hours = place.calendar.overlapping("hour", place.calendar.span(days[0]))
    land(place, hours)
    run(place, RENTALS, hours)
    by_day = Table("feature/all_rides", table.contract, all_rides)
    place = replace(place, project=replace(project, tables=(*project.tables, by_day)))
    run(place, RIDES, days)
    assert statuses(run(place, by_day.at)) == {"*": "published"}
    times.append(datetime(2013, 11, 20, tzinfo=UTC))
    assert statuses(run(place, by_day.at)) == {"*": "skipped"}


def test_keys_of_another_grain_are_refused(landed: Workspace) -> None:
    with pytest.raises(UsageError, match="feature/rides is partitioned by day, and 2013-W44 is a week"):
        run(landed, RIDES, "2013-W44")
    with pytest.raises(UsageError, match="there is no hour 2013-11-03T01-0400"):
        run(landed, RENTALS, "2013-11-03T01-0400")


def test_hours_need_a_clock_of_whole_hours(tmp_path: Path) -> None:
    place = bikes(tmp_path, zone="Asia/Kolkata")
    with pytest.raises(DefinitionError, match="raw/rentals: the clock of Asia/Kolkata cannot be told by whole"):
        kind_of(place, place.project.table(RENTALS))
    kind_of(place, place.project.table(RIDES))


@pytest.mark.parametrize("name", ["rentals.csv", "rentals-{day}.csv", "rentals-{hour}-{month}.csv"])
def test_a_file_s_name_tells_the_partition_of_the_grain(name: str) -> None:
    raw = project.table(RENTALS)
    with pytest.raises(DefinitionError, match="the delivered file"):
        replace(raw, files=CSV(name))


def test_the_partition_of_a_file_is_read_from_its_name() -> None:
    raw = replace(project.table(RENTALS), files=CSV("{hour}-rentals-{hour}.csv"))
    for key in ("2013-11-03T00", *TWICE, "2013-10-27T01+0000"):
        assert raw.keys_of_file(raw.file_name(key)) == (key,)
    assert raw.keys_of_file("2013-11-03T00-rentals-2013-11-03T01.csv") == ()

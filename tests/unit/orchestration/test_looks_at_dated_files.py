"""The sensor asks for just the days of which a file has rows, once it has settled, and again once one more is over."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.gauges.events import lines
from tests.gauges.sightings import AT, project, seen
from tests.unit.orchestration.looks import Looks
from tests.working import run, workspace

from taxiway.materialise import Workspace
from taxiway.orchestration.landing_look import Limits

A, B = (f"sightings-{name}.jsonl.gz" for name in "ab")


class Days(Looks):
    def run(self, *days: int) -> None:
        run(self.place, AT, [f"2013-01-{day:02d}" for day in days])


@pytest.fixture
def looks(tmp_path: Path) -> Days:
    found = Days(workspace(tmp_path, project, first="2013-01-01", end="2013-01-09", settle_seconds=0.0))
    found.place.landing.deliver(A, lines(seen(1, 1, 5), seen(2, 4, 5)))
    return found


def of(day: int) -> tuple[list[str], str]:
    return [AT], f"2013-01-{day:02d}"


def test_just_the_days_of_a_file_are_asked_for_once(looks: Days) -> None:
    assert looks.asked() == []
    assert looks.asked() == [of(1), of(4)]
    looks.run(1, 4)
    assert looks.asked() == []
    looks.place.landing.deliver(B, lines(seen(3, 4, 6)))
    assert [looks.asked(), looks.asked()] == [[], [of(4)]]
    looks.run(4)
    assert looks.asked() == []


def test_a_file_that_changes_or_goes_is_asked_for_with_the_days_that_it_had(looks: Days) -> None:
    looks.place.landing.deliver(B, lines(seen(3, 4, 6), seen(4, 5, 6)))
    assert [looks.asked(), looks.asked()] == [[], [of(1), ([AT], "2013-01-04 to 2013-01-05")]]
    looks.run(1, 4, 5)
    looks.place.landing.deliver(B, lines(seen(4, 5, 6)))
    assert [looks.asked(), looks.asked()] == [[], [([AT], "2013-01-04 to 2013-01-05")]]
    looks.run(4, 5)
    looks.place.landing.deliver("sightings-c.jsonl.gz", lines(seen(5, 5, 7)))
    assert [looks.asked(), looks.asked()] == [[], [of(5)]]
    looks.run(5)
    Path(looks.place.landing.address(B)).unlink()
    assert looks.asked() == [([AT], "2013-01-04 to 2013-01-05")]


def test_a_day_that_comes_to_be_over_is_asked_for(looks: Days) -> None:
    looks.place = Workspace(project, looks.place.settings, lambda: datetime(2013, 1, 4, 12, tzinfo=UTC))
    assert [looks.asked(), looks.asked()] == [[], [of(1)]]
    looks.run(1)
    assert looks.asked() == []
    looks.place = Workspace(project, looks.place.settings, lambda: datetime(2013, 1, 5, tzinfo=UTC))
    assert looks.asked() == [of(4)]
    looks.run(4)
    assert looks.asked() == []


def test_a_file_without_a_row_of_the_calendar_is_told_and_asks_for_nothing(looks: Days) -> None:
    looks.place.landing.deliver(A, lines({"id": 1, "seen_at": None}))
    looks.look()
    found = looks.look()
    assert list(found.run_requests) == []
    assert f"{A} is of raw/sightings, and no row tells its day in seen_at" in found.skip_reason
    told = [each for each in found.asset_events if getattr(each, "check_name", "") == "expected"]
    assert [each.passed for each in told] == [False]  # type: ignore[union-attr]


def test_a_file_is_read_only_within_the_limits_of_a_look(looks: Days) -> None:
    looks.place.landing.deliver(B, lines(seen(3, 6, 6)))
    looks.look()
    table = looks.place.project.table(AT)
    assert looks.asked(Limits(files=1)) != []
    known = [looks.place.dated_files.known(table, file) for file in looks.place.landing.listing().files]
    assert sorted(each is None for each in known) == [False, True]
    assert len(looks.asked(Limits(files=1))) >= 1


def test_where_what_was_found_is_lost_it_is_found_again(looks: Days) -> None:
    assert [looks.asked(), looks.asked()] == [[], [of(1), of(4)]]
    looks.run(1, 4)
    for kept in (Path(looks.place.settings.home) / "dated").iterdir():
        kept.unlink()
    looks.place = Workspace(project, looks.place.settings)
    assert looks.asked() == []
    looks.place.landing.deliver(B, lines(seen(3, 4, 6)))
    assert [looks.asked(), looks.asked()] == [[], [of(4)]]

"""The sensor asks for a month once all its files have settled, and again when one comes, changes or goes."""

from pathlib import Path

import pytest
from tests.gauges.events import AT, lines, project
from tests.unit.orchestration.looks import Looks, asked_of
from tests.working import run, workspace

from taxiway.orchestration.landing_look import Limits

A, B = (f"events-2013-01-{name}.jsonl.gz" for name in "ab")


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    found = Looks(workspace(tmp_path, project, months=2, settle_seconds=0.0))
    found.place.landing.deliver(A, lines({"id": 1, "what": "a log"}))
    found.place.landing.deliver(B, lines({"id": 2, "what": "a boat"}))
    return found


JANUARY = [([AT], "2013-01")]


def test_a_month_is_asked_for_once_with_all_its_files(looks: Looks) -> None:
    assert looks.asked() == []
    found = looks.look()
    assert asked_of(found) == JANUARY
    (event,) = (each for each in found.asset_events if hasattr(each, "tags"))
    assert A in (event.description or "")
    assert B in (event.description or "")
    run(looks.place, AT, "2013-01")
    assert looks.asked() == []


def test_a_month_waits_for_its_last_file(looks: Looks) -> None:
    looks.look()
    looks.place.landing.deliver("events-2013-01-c.jsonl.gz", lines({"id": 3, "what": "a tree"}))
    assert looks.asked() == [], "one of its files is new"
    assert looks.asked() == JANUARY


def test_a_month_is_asked_for_again_when_a_file_comes_or_goes(looks: Looks) -> None:
    assert [looks.asked(), looks.asked()] == [[], JANUARY]
    run(looks.place, AT, "2013-01")
    looks.place.landing.deliver("events-2013-01-c.jsonl.gz", lines({"id": 3, "what": "a tree"}))
    assert [looks.asked(), looks.asked()] == [[], JANUARY]
    run(looks.place, AT, "2013-01")
    Path(looks.place.landing.address(B)).unlink()
    assert looks.asked(Limits(runs=0)) == []
    assert looks.asked() == JANUARY, "it was left by the look before"
    run(looks.place, AT, "2013-01")
    assert looks.asked() == []

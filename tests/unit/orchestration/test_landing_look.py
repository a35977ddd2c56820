"""What a look at the landing zone costs: one listing, what has changed, and no more than its limits at once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests import gauges
from tests.s3 import Server
from tests.unit.orchestration.looks import Looks, asked_of
from tests.working import land, workspace

from taxiway.landing import LandingZone
from taxiway.materialise.delivered import unexpected
from taxiway.orchestration import landing_look
from taxiway.orchestration.landing_look import Limits, Look
from taxiway.storage import Found, Store

MONTHS = ("2013-01", "2013-02", "2013-03", "2013-04", "2013-05", "2013-06")
ONE = Limits(read_s=0, reread_s=0)
"""Time enough for what is always read: a file that has changed, and one that has not."""


@dataclass(frozen=True)
class Counting(Store):
    """A place that remembers when it was listed, and which files were read."""

    calls: list[str] = field(default_factory=list, compare=False)

    def entries(self) -> list[Found]:
        self.calls.append("listed")
        return super().entries()

    def pieces(self, path: str, size: int = 1 << 20) -> Iterator[bytes]:
        self.calls.append(path)
        return super().pieces(path, size)


@dataclass(kw_only=True)
class CountedLooks(Looks):
    """Looks whose calls of the storage are counted."""

    store: Counting

    def look(self, limits: Limits = Limits()) -> Look:  # noqa: B008
        self.store.calls.clear()
        found = super().look(limits)
        assert self.store.calls.count("listed") == 1
        return found

    @property
    def read(self) -> list[str]:
        """The files that the last look read, for their digest or their rows."""
        return [call for call in dict.fromkeys(self.store.calls) if call != "listed"]

    def deliver(self, month: str, old: bytes = b"", new: bytes = b"") -> str:
        name = f"readings-{month}.csv"
        data = dict(gauges.project.deliveries([month]))[name] if gauges.project.deliveries else b""
        assert old in data
        self.place.landing.deliver(name, data.replace(old, new) if old else data)
        return name


def looks_at(home: Path, store: Store) -> CountedLooks:
    place = workspace(home, months=6, settle_seconds=0.0)
    counting = Counting(store.uri, store.s3)
    place.__dict__["landing"] = LandingZone(counting)
    return CountedLooks(place=place, store=counting)


@pytest.fixture
def looks(tmp_path: Path) -> CountedLooks:
    return looks_at(tmp_path / "home", Store(str(tmp_path / "landing")))


def test_where_nothing_changes_nothing_is_read_and_what_has_changed_alone_is(looks: CountedLooks) -> None:
    land(looks.place, MONTHS)
    looks.look()
    assert looks.read == []
    looks.look()
    assert len(looks.read) == 7
    memory = looks.memory
    assert not looks.look().asset_events
    assert (looks.read, looks.memory) == ([], memory)
    name = looks.deliver("2013-02", b"Z,2", b"Z,3")
    looks.look()
    assert looks.read == []
    assert asked_of(looks.look()) == [(["raw/readings"], "2013-02")]
    assert looks.read == [name]


def test_a_bucket_is_looked_at_as_a_folder_is(tmp_path: Path, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = looks_at(tmp_path, s3.store())
    land(looks.place, ["2013-01", "2013-02"])
    looks.store.write("2013/readings-2013-03.csv", b"x")
    assert asked_of(looks.look()) == []
    first = looks.look()
    assert asked_of(first) == [(["raw/gauges"], None), (["raw/readings"], "2013-01 to 2013-02")]
    nothing = looks.look()
    assert (asked_of(nothing), looks.read) == ([], [])
    assert "2013 is a folder, and belongs to no table: put the files in it into s3://taxiway/" in nothing.skip_reason
    name = looks.deliver("2013-02", b"Z,2", b"Z,3")
    looks.look()
    assert asked_of(looks.look()) == [(["raw/readings"], "2013-02")]
    assert looks.read == [name]
    later(monkeypatch, hours=24)
    looks.look()
    assert looks.read == [], "a bucket tells of every change"


def later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    now = time.time() + hours * 3600
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic)
    monkeypatch.setattr("taxiway.orchestration.landing_look.time", clock)


def test_what_is_too_much_for_a_look_is_done_by_the_next(looks: CountedLooks) -> None:
    land(looks.place, MONTHS)
    looks.look(ONE)
    read, runs = [], []
    for left in range(6, -1, -1):
        found = looks.look(ONE)
        read += looks.read
        runs += asked_of(found)
        assert len(looks.read) == 1
        assert len(looks.memory.files) == 7
        assert sum(not seen.settled for seen in looks.memory.files.values()) == left
    assert sorted(read) == sorted(looks.memory.files)
    assert sorted(runs, key=str) == sorted([(["raw/gauges"], None), *((["raw/readings"], m) for m in MONTHS)], key=str)
    assert not looks.look(ONE).run_requests
    assert looks.read == []


def test_a_look_says_how_many_files_are_left(looks: CountedLooks) -> None:
    for month in MONTHS:
        looks.place.landing.deliver(f"readings-{month}.csv", b"")
    looks.look()
    told = [looks.look(Limits(files=2)).skip_reason for _ in range(3)]
    assert told == [f"{left} files are left to be read at the next looks" for left in (4, 2)] + [
        "nothing new can be read"
    ]


def test_a_file_that_is_never_whole_keeps_no_other_from_being_read(
    looks: CountedLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [looks.deliver(month) for month in ("2013-01", "2013-02")]
    looks.look(ONE)
    zone = type(looks.place.landing)
    find = zone.find
    monkeypatch.setattr(zone, "find", lambda self, name: None if name == names[0] else find(self, name))
    read = []
    for _ in range(3):
        looks.look(ONE)
        read += looks.read
    assert read == [names[0], names[1], names[0]]


def test_no_more_runs_are_asked_for_than_a_look_may_and_the_others_by_the_next(looks: CountedLooks) -> None:
    for month in MONTHS[::2]:
        looks.deliver(month)
    looks.look()
    found = [looks.look(Limits(runs=1)) for _ in range(4)]
    assert [asked_of(each) for each in found] == [[(["raw/readings"], month)] for month in MONTHS[::2]] + [[]]
    assert sum(len(each.asset_events) > 0 for each in found) == 1, "each content is reported once"
    assert all(seen.asked and not seen.waits for seen in looks.memory.files.values())


def test_files_are_read_again_in_turn_the_longest_unread_first(
    looks: CountedLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for month in MONTHS[:3]:
        names.insert(0, looks.deliver(month))
        looks.look()
        looks.look()
    age = {name: looks.memory.files[name]._replace(read_at=1000.0 + n) for n, name in enumerate(names)}
    looks.memory = replace(looks.memory, files=age)
    read = []
    for hours in (7, 7.1, 7.2, 7.3):
        later(monkeypatch, hours)
        looks.look(ONE)
        read.append(looks.read)
    assert read == [[names[0]], [names[1]], [names[2]], []]


def test_a_file_that_cannot_be_read_is_read_once_while_it_does_not_change(looks: CountedLooks) -> None:
    bad = "readings-2013-02.csv"
    looks.place.landing.deliver(bad, b"<html>")
    read: list[str] = []
    for month in ("2013-01", "2013-03", "2013-04"):
        looks.deliver(month)
        looks.look()
        read += looks.read
        events = looks.look().asset_events
        read += looks.read
        (said,) = (event.description for event in events if "HTML" in (event.description or ""))
        assert said is not None
        assert said.startswith(f"{bad} is an HTML or XML page")
    assert read.count(bad) == 1
    assert read.count("readings-2013-01.csv") == 1, "nor is one that can be read and is not published yet"
    looks.place.landing.deliver(bad, b"<body>")
    looks.look()
    looks.look()
    assert looks.read == [bad]
    assert len([problem for problem in looks.memory.problems.values() if problem]) == 1


def test_checks_that_need_many_files_are_told_again_once_all_are_read(looks: CountedLooks) -> None:
    for month in MONTHS:
        looks.place.landing.deliver(f"readings-{month}.csv", b"")
    looks.look()
    looks.look()
    looks.memory = replace(looks.memory, problems={})
    looks.store.write("notes.txt", b"")
    said = []
    for _ in range(4):
        found = looks.look(Limits(files=2))
        (own,) = [e for e in found.asset_events if "readings-2013" in (e.description or "")] or [None]
        said.append(own.description if own else None)
    assert [(text or "").rpartition("; ")[2] for text in said[:2]] == [
        "4 more are yet to be read",
        "2 more are yet to be read",
    ]
    assert (said[2] or "").count("is empty") == 6
    assert said[3] is None


def test_what_belongs_to_no_table_is_judged_again_only_where_something_changed(
    looks: CountedLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    monkeypatch.setattr(landing_look, "unexpected", lambda *given: judged.append(1) or unexpected(*given))
    looks.deliver("2013-01")
    looks.look()
    assert judged == [], "where nothing is wrong nothing is judged"
    looks.store.write("notes.txt", b"x")
    looks.store.write("Readings-2013-02.csv", b"x")
    looks.store.write("readings-2013-03.csv.part", b"x")
    said = [looks.look().skip_reason for _ in range(3)]
    assert len(judged) == 1
    assert said[1] == said[2]
    assert "did you mean readings-2013-02.csv? rename it; notes.txt belongs to no table" in said[2]
    looks.deliver("2013-02")
    assert "readings-2013-02.csv, which it is near to, lies there too" in looks.look().skip_reason
    looks.look()
    later(monkeypatch, hours=2)
    monkeypatch.setattr("taxiway.materialise.delivered.time", landing_look.time)
    assert "readings-2013-03.csv.part is an upload that has not gone on for an hour" in looks.look().skip_reason
    assert len(judged) == 3


def test_a_link_out_of_the_landing_zone_is_told_and_asks_for_nothing(looks: CountedLooks, tmp_path: Path) -> None:
    looks.deliver("2013-01")
    secret = tmp_path / "secret.csv"
    secret.write_bytes(looks.place.landing.read("readings-2013-01.csv"))
    (tmp_path / "landing" / "readings-2013-02.csv").symlink_to(secret)
    looks.look()
    found = looks.look()
    assert asked_of(found) == [(["raw/readings"], "2013-01")]
    assert looks.read == ["readings-2013-01.csv"]
    assert "readings-2013-02.csv is a link that leads out of the landing zone: remove it" in looks.look().skip_reason


def test_what_is_told_of_thousands_is_short(looks: CountedLooks) -> None:
    place = workspace(looks.place.settings.home, first="1900-01", end="2014-01", settle_seconds=0.0)
    place.__dict__["landing"] = looks.place.landing
    looks.place = place
    folder = Path(looks.store.uri)
    folder.mkdir()
    for number, name in enumerate(f"readings-{month}.csv" for month in place.calendar.keys("month")):
        (folder / name).mkdir() if number < 400 else (folder / name).touch()
    waiting = looks.look().skip_reason
    assert waiting.startswith("waiting until readings-1933-05.csv, ")
    assert "and 948 more has stopped changing; " in waiting
    assert "; and 380 more that cannot be read" in waiting
    events = looks.look().asset_events
    assert max(len(event.description or "") for event in events) < 5000

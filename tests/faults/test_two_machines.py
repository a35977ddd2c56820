"""Machines that share a lake in a bucket, each with a home of its own: they publish the same partitions and different
ones, while a third keeps up the lake. Nothing is lost, and each run has published or was told why it could not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from random import Random

from tests.faults.leftovers import missing, orphans
from tests.gauges.to_the_last_day import project
from tests.s3 import Server
from tests.working import SOAK, contents, land, processes, run, workspace

from taxiway.addresses import Address
from taxiway.engines import open_engine
from taxiway.errors import EngineError, PublishConflict
from taxiway.lake.upkeep import remove_leftovers
from taxiway.materialise import Workspace
from taxiway.storage import Store
from taxiway.upkeep import upkeep

ROUNDS = 60 if SOAK else 4
MONTHS = 2
TABLES = ("raw/readings", "feature/level_history")
RAW = TABLES[0]


@dataclass(frozen=True)
class Made:
    """What a run says that it made: the data versions of the partitions that it published, none where it was told that
    others were quicker; and the level by which its rows are known."""

    at: str
    level: int
    published: dict[str, str]


def place_at(home: Path, lake: Store) -> Workspace:
    return workspace(home, project, months=MONTHS, lake=lake)


def publish_often(home: Path, lake: Store, number: int, start: Barrier, told: "Queue[list[Made] | str]") -> None:
    """Each time other rows, of some of the months, together with the other machine."""
    place, chance = place_at(home, lake), Random(number)
    months = place.settings.calendar.keys("month")
    found: list[Made] = []
    try:
        for turn in range(ROUNDS):
            level = 1000 + 2 * turn + number
            land(place, change=(b",11,", f",{level},".encode()))
            chosen: Sequence[str] = chance.sample(months, chance.randint(1, MONTHS))
            start.wait(120)
            found += [publish(place, at, chosen, level) for at in TABLES]
    except Exception as error:
        # The other need not wait for this one.
        start.abort()
        told.put(repr(error))
        raise
    told.put(found)


def publish(place: Workspace, at: str, months: Sequence[str], level: int) -> Made:
    try:
        made = run(place, at, months)
    except PublishConflict:
        return Made(at, level, {})
    except EngineError as error:
        # Upkeep keeps no old version here, not even one that a run has begun to read.
        if "a data file of a table is gone" not in str(error):
            raise
        return Made(at, level, {})
    new = {each.partition: each.data_version for each in made.partitions if each.status == "published"}
    return Made(at, level, {key: version for key, version in new.items() if version})


def keep_up(home: Path, lake: Store, ended: Event, told: "Queue[list[str]]") -> None:
    """All of upkeep, without a pause, until the others have ended; tells what it could not do."""
    place, left = place_at(home, lake), []
    engine = open_engine(place.settings)
    while True:
        is_last = ended.is_set()
        chores = upkeep(place.lake, engine, place.lake.tables(), run="upkeep", keep=timedelta(0))
        left += [chore.why for chore in chores if not chore.files]
        if is_last:
            told.put(left)
            return


def test_machines_that_share_a_lake_lose_nothing(s3: Server, tmp_path: Path) -> None:
    lake = s3.store()
    place = place_at(tmp_path / "first", lake)
    land(place)
    run(place, "raw/gauges")
    start, ended = processes.Barrier(2), processes.Event()
    told, kept = processes.Queue(), processes.Queue()
    machines = [
        processes.Process(target=publish_often, args=(tmp_path / f"machine{number}", lake, number, start, told))
        for number in range(2)
    ]
    keeper = processes.Process(target=keep_up, args=(tmp_path / "keeper", lake, ended, kept))
    for process in (*machines, keeper):
        process.start()
    try:
        answers = [told.get(timeout=ROUNDS * 30) for _ in machines]
        ended.set()
        assert [answer for answer in answers if isinstance(answer, str)] == [], "a run failed otherwise"
        made = [each for answer in answers for each in answer]
        assert [why for why in kept.get(timeout=120) if "run upkeep again" not in why] == []
    finally:
        for process in (*machines, keeper):
            process.join(10)
            process.kill()
    assert [process.exitcode for process in (*machines, keeper)] == [0, 0, 0]

    for at in TABLES:
        see_that_nothing_is_lost(place, at, [each for each in made if each.at == at])
        remove_leftovers(place.lake, Address.parse(at))
    assert missing(lake) == []
    assert [path for path in orphans(lake) if "/_writers/" in path] == []


def see_that_nothing_is_lost(place: Workspace, at: str, made: Sequence[Made]) -> None:
    """What runs say that they published is what the log says, and what is live is what was published last."""
    snapshot = place.lake.open(Address.parse(at))
    snapshot.check_files()
    versions = {version for each in made for version in each.published.values()}
    commits = [commit for commit in snapshot.commits() if commit.changed]
    assert {commit.provenance.id for commit in commits if commit.provenance} == versions
    latest = {key: state.data_version for key, state in snapshot.partitions.items()}
    newest_first = {
        key: commit.provenance.id for commit in reversed(commits) if commit.provenance for key in commit.changed
    }
    assert latest == newest_first
    if at == RAW:
        levels = {version: each.level for each in made for version in each.published.values()}
        live = contents(place.lake, at).to_pylist()
        assert levels[latest["2013-01"]] in {row["level_cm"] for row in live if row["month"] == "2013-01"}

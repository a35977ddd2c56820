"""kill -9 at any moment, on a folder and on S3: every table stays at its old or its new version, the next run
completes, and upkeep cleans up."""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults.leftovers import leftovers
from tests.gauges.to_the_last_day import project
from tests.s3 import Server
from tests.working import SOAK, processes, rows, run, run_all, workspace

from taxiway.addresses import Address
from taxiway.lake import Lake
from taxiway.lake.upkeep import remove_leftovers
from taxiway.materialise import Workspace
from taxiway.storage import Store

KILLS = 100 if SOAK else 6
"""So many in a folder, and as many on S3."""

MONTHS = 2
# Each delivery has its own levels, and a bad row of its own in quarantine.
BEFORE, AFTER = (b"AAA,2013-01-02T06:00:00Z,12", b"AAA,2013-01-02T06:00:00Z,x"), (b"Z,1", b"Z,9")
SPOILT = (b"BBB,2013-01-03T06:00:00Z,913", b"BBB,2013-01-03T06:00:00Z,y")

Contents = dict[str, list[dict]]
NewLake = Callable[[Path], Store]


def place_at(home: Path, lake: Store) -> Workspace:
    return workspace(home, project, months=MONTHS, lake=lake)


def deliver(place: Workspace, *, after: bool) -> None:
    assert place.project.deliveries is not None
    for name, data in place.project.deliveries(place.settings.calendar.keys("month")):
        place.landing.deliver(name, data.replace(*AFTER).replace(*SPOILT) if after else data.replace(*BEFORE))


def contents(lake: Lake) -> Contents:
    return {str(address): rows(lake, str(address)) for address in lake.tables() if lake.find(address) is not None}


def work(home: Path, lake: Store, begun: Event) -> None:
    place = place_at(home, lake)
    begun.set()
    run_all(place)


@dataclass(frozen=True)
class Prepared:
    """Where all was last made from the first delivery, what is in it, what the second makes of it, and how long that
    takes in seconds."""

    place: Workspace
    before: Contents
    after: Contents
    seconds: float


@pytest.fixture(scope="module", params=["folder", "s3"])
def new_lake(request: pytest.FixtureRequest) -> NewLake:
    """Makes an empty lake for a home: in it, or in a bucket."""
    if request.param == "folder":
        return lambda home: Store(str(home / "lake"))
    server: Server = request.getfixturevalue("s3")
    return lambda _: server.store()


@pytest.fixture(scope="module")
def often_made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Everything in a folder, made so often that the next commit, which may be killed, is one with a checkpoint."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    place = place_at(home, Store(str(home / "lake")))
    for turn in range(10):
        deliver(place, after=not turn % 2)
        run_all(place)
    assert place.lake.open(Address("raw", "readings")).version == 9
    return place


@pytest.fixture(scope="module")
def prepared(new_lake: NewLake, often_made: Workspace) -> Prepared:
    home = often_made.settings.home
    other = home.with_name(f"other{uuid4().hex}")
    changed = place_at(other, new_lake(other))
    copy(often_made, changed)
    deliver(changed, after=True)
    begun = processes.Event()
    worker = processes.Process(target=work, args=(other, changed.settings.lake, begun))
    worker.start()
    assert begun.wait(60)
    start = time.perf_counter()
    worker.join(120)
    seconds = time.perf_counter() - start
    assert worker.exitcode == 0
    before, after = contents(often_made.lake), contents(changed.lake)
    assert all(before[at] != after[at] for at in ("raw/readings", "feature/level_history", "quarantine/raw__readings"))
    return Prepared(often_made, before, after, seconds)


def copy(source: Workspace, to: Workspace) -> None:
    """Put all that a deployment has into another one, of which nothing is there."""
    there, lake = source.settings.lake, to.settings.lake
    shutil.copytree(source.settings.home, to.settings.home, ignore=shutil.ignore_patterns("lake"))
    for file in there.files():
        lake.write(file.path, there.read(file.path))


def kill_sometime(place: Workspace, prepared: Prepared, chance: random.Random) -> None:
    """Start a run and kill it: at a random moment, or as soon as a random number of files has been written."""
    lake = place.settings.lake
    known = {file.path for file in lake.files()}
    begun = processes.Event()
    worker = processes.Process(target=work, args=(place.settings.home, lake, begun))
    worker.start()
    assert begun.wait(60)
    if chance.random() < 0.3:
        worker.join(chance.uniform(0, prepared.seconds))
    else:
        files = chance.randint(1, 12)
        while worker.is_alive() and len({file.path for file in lake.files()} - known) < files:
            pass
    worker.kill()
    worker.join()


@pytest.fixture(scope="module")
def interrupted(prepared: Prepared) -> Iterator[list[bool]]:
    """Whether each kill came before the run had ended; a suite whose kills all come too late proves nothing."""
    found: list[bool] = []
    yield found
    assert len(found) < KILLS or any(found)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_at_any_moment(
    new_lake: NewLake, prepared: Prepared, interrupted: list[bool], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    home = tmp_path / "home"
    from_nothing = seed % 3 == 0
    place = place_at(home, new_lake(home))
    if not from_nothing:
        copy(prepared.place, place)
    deliver(place, after=True)
    kill_sometime(place, prepared, chance)

    found = contents(place.lake)
    for at, made in found.items():
        old = [] if from_nothing else prepared.before.get(at, [])
        assert made in (old, prepared.after[at]), f"{at} is neither at its old nor at its new version"
    assert from_nothing or set(prepared.before) <= set(found)
    interrupted.append(found != prepared.after)

    run_all(place)
    assert contents(place.lake) == prepared.after
    run(place, "feature/river_month", force=True)
    for address in place.lake.tables():
        remove_leftovers(place.lake, address)
    assert leftovers(place.settings) == []

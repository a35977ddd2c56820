"""kill -9 at any moment: every table stays at its old or its new version, the next run completes and cleans up."""

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from tests.faults.leftovers import leftovers
from tests.gauges.to_the_last_day import project
from tests.working import SOAK, processes, rows, run, run_all, workspace

from taxiway.addresses import Address
from taxiway.lake import Lake
from taxiway.materialise import Workspace

KILLS = 300 if SOAK else 12
MONTHS = 2
# Each delivery has its own levels, and a bad row of its own in quarantine.
BEFORE, AFTER = (b"AAA,2013-01-02T06:00:00Z,12", b"AAA,2013-01-02T06:00:00Z,x"), (b"Z,1", b"Z,9")
SPOILT = (b"BBB,2013-01-03T06:00:00Z,913", b"BBB,2013-01-03T06:00:00Z,y")

Contents = dict[str, list[dict]]


def place_at(home: Path) -> Workspace:
    return workspace(home, project, months=MONTHS)


def deliver(place: Workspace, *, after: bool) -> None:
    assert place.project.deliveries is not None
    for name, data in place.project.deliveries(place.settings.months.keys()):
        place.landing.deliver(name, data.replace(*AFTER).replace(*SPOILT) if after else data.replace(*BEFORE))


def contents(lake: Lake) -> Contents:
    return {str(address): rows(lake, str(address)) for address in lake.tables() if lake.find(address) is not None}


def work(home: Path, begun: Event) -> None:
    place = place_at(home)
    begun.set()
    run_all(place)


@dataclass(frozen=True)
class Prepared:
    """A home where all was last made from the first delivery, what is in it, what the second makes of it, and how long
    that takes in seconds."""

    home: Path
    before: Contents
    after: Contents
    seconds: float


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    home = tmp_path_factory.mktemp("prepared") / "home"
    place = place_at(home)
    # So often that the next commit, which may be killed, is one with a checkpoint.
    for turn in range(10):
        deliver(place, after=not turn % 2)
        run_all(place)
    assert place.lake.open(Address("raw", "readings")).version == 9
    other = shutil.copytree(home, home.with_name("other"))
    changed = place_at(other)
    deliver(changed, after=True)
    begun = processes.Event()
    worker = processes.Process(target=work, args=(other, begun))
    worker.start()
    assert begun.wait(60)
    start = time.perf_counter()
    worker.join(120)
    seconds = time.perf_counter() - start
    assert worker.exitcode == 0
    before, after = contents(place.lake), contents(changed.lake)
    assert all(before[at] != after[at] for at in ("raw/readings", "feature/level_history", "quarantine/raw__readings"))
    return Prepared(home, before, after, seconds)


def files_written(lake: Path, known: set[Path]) -> int:
    return sum(path.is_file() for path in lake.rglob("*") if path not in known)


def kill_sometime(place: Workspace, prepared: Prepared, chance: random.Random) -> None:
    """Start a run and kill it: at a random moment, or as soon as a random number of files has been written."""
    known = set(place.settings.lake.rglob("*"))
    begun = processes.Event()
    worker = processes.Process(target=work, args=(place.settings.home, begun))
    worker.start()
    assert begun.wait(60)
    if chance.random() < 0.3:
        worker.join(chance.uniform(0, prepared.seconds))
    else:
        files = chance.randint(1, 12)
        while worker.is_alive() and files_written(place.settings.lake, known) < files:
            pass
    worker.kill()
    worker.join()


@pytest.fixture(scope="module")
def interrupted() -> Iterator[list[bool]]:
    """Whether each kill came before the run had ended; a suite whose kills all come too late proves nothing."""
    found: list[bool] = []
    yield found
    assert len(found) < KILLS or any(found)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_at_any_moment(prepared: Prepared, interrupted: list[bool], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    home = tmp_path / "home"
    from_nothing = seed % 3 == 0
    if not from_nothing:
        shutil.copytree(prepared.home, home)
    place = place_at(home)
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
    assert leftovers(place.settings) == []

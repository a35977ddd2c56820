"""Runs at once, in processes of their own: of the same partition they never mix, of different ones both succeed."""

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Queue

import pytest
from tests.faults.leftovers import leftovers
from tests.gauges.to_the_last_day import project
from tests.working import SOAK, land, processes, rows, run, run_all, statuses, workspace

from taxiway.errors import PublishConflict
from taxiway.materialise import Workspace

ROUNDS = 40 if SOAK else 3
RAW = "raw/readings"


def work(home: Path, months: Sequence[str], barrier: Barrier, told: Queue) -> None:
    place = workspace(home, project)
    barrier.wait(60)
    try:
        told.put(set(statuses(run(place, RAW, months)).values()))
    except PublishConflict as conflict:
        told.put(str(conflict))


def at_once(home: Path, *work_of: Sequence[str]) -> list[set[str] | str]:
    barrier, told = processes.Barrier(len(work_of)), processes.Queue()
    workers = [processes.Process(target=work, args=(home, months, barrier, told)) for months in work_of]
    for worker in workers:
        worker.start()
    found = [told.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    return found


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("created", [True, False], ids=["new table", "published table"])
def test_of_the_same_partitions_one_publishes_and_the_other_is_told_or_skips(
    tmp_path: Path, created: bool, number: int
) -> None:
    place = workspace(tmp_path / "home", project)
    months = place.settings.calendar.keys("month")
    land(place)
    if not created:
        run_all(place)
        land(place, change=(b"Z,1", f"Z,{number % 8 + 2}".encode()))
    found = at_once(place.settings.home, months, months)
    assert {"published"} in found
    other = found[1 - found.index({"published"})]
    assert other == {"skipped"} or "run it again" in str(other)
    assert len(rows(place.lake, RAW)) == 4 * 48
    assert [row["source_row"] for row in rows(place.lake, RAW) if row["month"] == "2013-03"].count(1) == 1
    assert set(statuses(run(place, RAW, months)).values()) == {"skipped"}
    run(place, RAW, months, force=True)
    assert leftovers(place.settings) == []


def test_of_different_partitions_both_publish(gauges: Workspace, tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", project)
    land(place)
    found = at_once(place.settings.home, ["2013-01", "2013-02"], ["2013-03", "2013-04"])
    assert found == [{"published"}, {"published"}]
    assert len(rows(place.lake, RAW)) == 4 * 48
    assert set(statuses(run(place, RAW)).values()) == {"skipped"}

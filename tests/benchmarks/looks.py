"""A landing zone of so many files: what a look of the sensor takes where nothing has changed, and where one file has.

`python looks.py FOLDER TABLES MONTHS` prints JSON; FOLDER is an empty one.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from taxiway.landing import CSV
from taxiway.materialise import Workspace
from taxiway.orchestration.landing_look import look
from taxiway.orchestration.landing_memory import Memory
from taxiway.tables import Project, Table
from tests.gauges.project import RawReadings, raw_readings
from tests.working import workspace

TIMES = 5


def place(folder: Path, tables: int, months: int) -> Workspace:
    """A deployment with so many tables, each of a file for each of so many months."""
    made = tuple(
        Table(
            f"raw/readings_{number}",
            RawReadings,
            raw_readings,
            CSV(f"readings_{number}-{{month}}.csv", dropped={"remark": "string"}),
        )
        for number in range(tables)
    )
    last = f"{1900 + months // 12}-{months % 12 + 1:02d}"
    project = Project(name="many", tables=made)
    return workspace(folder, project, first="1900-01", end=last, settle_seconds=0)


def main(folder: Path, tables: int, months: int) -> None:
    """Deliver the files, look until all is known, then measure."""
    at = place(folder, tables, months)
    keys = at.settings.calendar.keys("month")
    for number in range(tables):
        for month in keys:
            at.landing.store.write(f"readings_{number}-{month}.csv", content(month, 1))
    memory, fresh = Memory(), 0
    while fresh < 3:
        seen = look(at, memory)
        fresh = fresh + 1 if not seen.run_requests else 0
        memory = replace(seen.memory, reported=time.time())
    unchanged = median(timed(lambda: look(at, memory)) for _ in range(TIMES))
    changed = []
    for level in range(2, 2 + TIMES):
        at.landing.deliver(f"readings_0-{keys[0]}.csv", content(keys[0], level))
        changed.append(timed(lambda: look(at, memory)))
    print(json.dumps({"unchanged_seconds": unchanged, "one_changed_seconds": median(changed)}))


def content(month: str, level: int) -> bytes:
    """A file of a few records."""
    lines = [f"AAA,{month}-{day:02d}T06:00:00Z,{level}," for day in range(1, 25)]
    return "\n".join(["gauge,read_at,level_cm,remark", *lines, ""]).encode()


def timed(work: Callable[[], object]) -> float:
    """How long it took, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

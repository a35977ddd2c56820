"""How the cost of a row grows with the data: copies of a project's data are landed and run in a home of their own."""

import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from taxiway.benchmark.machine import Machine
from taxiway.benchmark.measure import Scale
from taxiway.benchmark.process import Command, follow
from taxiway.benchmark.scale_run import jobs
from taxiway.calendar import Calendar
from taxiway.errors import TaxiwayError, UsageError
from taxiway.landing import LandingZone
from taxiway.materialise import Workspace
from taxiway.scratch import Scratch
from taxiway.settings import Settings
from taxiway.storage import Store

PARTITIONS_A_STEP: Mapping[str, int] = {"duckdb": 12, "spark": 0}
"""How many partitions are made at a time where nobody says: all of them for 0."""

MEMORY = "4GB"
"""What an engine may hold where nobody says."""

# Against the delivered files: the lake was measured at 1.7 times their bytes, the rest is for what an engine spills.
_DISK_OF_DELIVERED = 3.0
_TOLD_EVERY = 24
_BYTES = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}
_LIMIT = re.compile(rf"(\d+(?:\.\d+)?)\s?({'|'.join(_BYTES)})")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class TableCost:
    """What a table cost in all steps together: rows published and rejected, bytes of its files, seconds by phase."""

    table: str
    rows: int
    rejected: int
    bytes: int
    seconds: float
    phases: Mapping[str, float]


@dataclass(frozen=True)
class ScaleRun:
    """So many copies of a project's data, from the landing zone to the features on an engine.

    `counted` of the project's `what` were published, `rows` over all tables. `seconds` is the time of the tables, what
    lies between them included; `start_seconds` what passed until the engine answered, `landing_seconds` the making and
    delivering of the files. `peak_bytes` is the memory of the run's process and its children together: see
    `Finished`. `bytes_written` is all that the lake holds at the end, its logs included.
    """

    engine: str
    factor: int
    partitions: int
    partitions_a_step: int
    memory_limit: str
    what: str
    counted: int
    rows: int
    landing_seconds: float
    start_seconds: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    bytes_landed: int
    bytes_written: int
    tables: tuple[TableCost, ...]
    machine: Machine

    @property
    def phases(self) -> Mapping[str, float]:
        """Seconds by phase over all tables."""
        total: Counter[str] = Counter()
        for table in self.tables:
            total.update(table.phases)
        return total

    @property
    def rejected(self) -> int:
        """The rows that were rejected, over all tables."""
        return sum(table.rejected for table in self.tables)

    @property
    def seconds_with_start(self) -> float:
        """Seconds of the tables and of what passed until the engine answered."""
        return self.start_seconds + self.seconds

    @property
    def rows_a_second(self) -> float:
        """Rows of all tables that were published in a second."""
        return self.rows / self.seconds

    @property
    def cost(self) -> float:
        """Seconds for a million of what is counted."""
        return self.seconds / self.counted * 1e6


def measure_scale(
    workspace: Workspace,
    scale: Scale,
    factor: int,
    engine: str,
    *,
    partitions_a_step: int,
    memory_limit: str,
    tell: Tell,
) -> ScaleRun:
    """Land so many copies and run them on the engine, in scratch, of which nothing is left, and say what it cost.

    `tell` hears of every table of every step. Raises UsageError for a factor that cannot be, TaxiwayError where the
    disk is too small, BenchmarkFailed where the run fails.
    """
    reached = scale.partitions(factor)
    clock = Calendar(reached[0], None, workspace.calendar.zone)
    calendar = replace(clock, end=clock.following(reached[-1]))
    with _home(workspace.settings) as home:
        _check_room(home, scale, factor)
        began = time.perf_counter()
        landed = _land(LandingZone(Store(str(home / "landing"))), scale, factor, tell)
        landing_seconds = time.perf_counter() - began
        made = _Made(len(list(jobs(workspace.project, calendar, partitions_a_step))), tell)
        command = Command(
            (sys.executable, "-m", "taxiway.benchmark.scale_run", str(partitions_a_step)),
            _variables(workspace.settings, home, calendar, engine, memory_limit),
        )
        finished = follow(command, made.hear)
        tables = made.tables()
        return ScaleRun(
            engine=engine,
            factor=factor,
            partitions=len(reached),
            partitions_a_step=partitions_a_step,
            memory_limit=memory_limit,
            what=scale.what,
            counted=next(table.rows for table in tables if table.table == scale.counted),
            rows=sum(table.rows for table in tables),
            landing_seconds=landing_seconds,
            start_seconds=made.start_seconds,
            seconds=finished.wall_seconds - made.start_seconds,
            cpu_seconds=finished.cpu_seconds,
            peak_bytes=finished.peak_bytes,
            bytes_landed=landed,
            bytes_written=_size(home / "lake"),
            tables=tables,
            machine=Machine.here(),
        )


def series(runs: Sequence[ScaleRun]) -> dict[str, list[ScaleRun]]:
    """The runs that can be compared, the smallest factor first and of one factor the cheapest last, by engine,
    partitions a step and memory in words.
    """
    found: dict[str, list[ScaleRun]] = {}
    for run in sorted(runs, key=lambda run: (run.factor, -run.cost)):
        step = f"{run.partitions_a_step} partitions" if run.partitions_a_step else "all partitions"
        found.setdefault(f"{run.engine}, {step} at a time, {run.memory_limit}", []).append(run)
    return found


def growth(runs: Sequence[ScaleRun]) -> Iterator[tuple[str, ScaleRun, ScaleRun, float]]:
    """Of each series every factor and the next, and how many times the cost of a row has grown between them; of a
    factor that was measured several times, the cheapest run.
    """
    for name, own in series(runs).items():
        cheapest = {run.factor: run for run in own}
        for before, after in pairwise(cheapest.values()):
            yield name, before, after, after.cost / before.cost


class _Made:
    """What the run has told so far, table by table."""

    def __init__(self, jobs: int, tell: Tell) -> None:
        self._began = time.perf_counter()
        self._jobs = jobs
        self._tell = tell
        self._told: list[dict[str, Any]] = []
        self.start_seconds = 0.0

    def hear(self, line: str) -> None:
        """Take in a line of the run, and tell it."""
        told = json.loads(line)
        if "table" not in told:
            self.start_seconds = time.perf_counter() - self._began
            self._tell(f"the engine has started: {self.start_seconds:.1f} s")
            return
        self._told.append(told)
        first, last = told["partitions"]
        span = "" if first == last else f" {first} to {last}"
        self._tell(
            f"[{len(self._told)}/{self._jobs}] {told['table']}{span}: {told['rows']:,} rows, {told['seconds']:.1f} s"
        )

    def tables(self) -> tuple[TableCost, ...]:
        """What each table cost in all steps."""
        return tuple(
            _together([told for told in self._told if told["table"] == name])
            for name in dict.fromkeys(told["table"] for told in self._told)
        )


def _together(told: Sequence[Mapping[str, Any]]) -> TableCost:
    phases: Counter[str] = Counter()
    for step in told:
        phases.update(step["phases"])
    sums = {name: sum(step[name] for step in told) for name in ("rows", "rejected", "bytes", "seconds")}
    return TableCost(table=told[0]["table"], phases=dict(phases), **sums)


@contextmanager
def _home(settings: Settings) -> Iterator[Path]:
    """A home in scratch. It goes however the block ends: nothing in the deployment's own lake is of it."""
    with Scratch.claim(settings.scratch) as folder:
        try:
            yield folder / "home"
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _check_room(home: Path, scale: Scale, factor: int) -> None:
    """Raise TaxiwayError where the disk cannot take the copies, by the size of one and what is made of it."""
    needed = factor * sum(len(data) for _, data in scale.copies(1)) * (1 + _DISK_OF_DELIVERED)
    free = shutil.disk_usage(home.parent).free
    if needed > free:
        raise TaxiwayError(
            f"factor {factor} needs some {needed / 1e9:.1f} GB and {home.parents[1]} has {free / 1e9:.1f} GB free: "
            "make room there, set TAXIWAY_HOME to a larger disk, or ask for a smaller factor"
        )


def _land(zone: LandingZone, scale: Scale, factor: int, tell: Tell) -> int:
    """Deliver all files, one at a time; returns their bytes."""
    landed = 0
    for number, (name, data) in enumerate(scale.copies(factor), 1):
        zone.deliver(name, data)
        landed += len(data)
        if number % _TOLD_EVERY == 0:
            tell(f"landed {number} files up to {name}, {landed / 1e6:,.0f} MB")
    tell(f"landed all files, {landed / 1e6:,.0f} MB")
    return landed


def _variables(settings: Settings, home: Path, calendar: Calendar, engine: str, memory_limit: str) -> dict[str, str]:
    """What names this deployment to the process, with a home, a calendar and limits of the run."""
    spill = home.with_name("spill")
    spill.mkdir()
    spark = {**settings.spark, "spark.driver.memory": f"{megabytes(memory_limit)}m"}
    return {
        "TAXIWAY_ROOT": str(settings.root),
        "TAXIWAY_DEPLOYMENT": settings.deployment,
        "TAXIWAY_HOME": str(home),
        "TAXIWAY_LAKE": str(home / "lake"),
        "TAXIWAY_LANDING": str(home / "landing"),
        "TAXIWAY_FIRST": calendar.first,
        "TAXIWAY_END": calendar.end or "",
        "TAXIWAY_ENGINE": engine,
        "TAXIWAY_MEMORY_LIMIT": memory_limit,
        "TAXIWAY_SPARK": json.dumps(spark),
        "SPARK_LOCAL_DIRS": str(spill),
    }


def megabytes(limit: str) -> int:
    """A memory limit, such as 4GB or 512 MiB, in MiB, rounded down; raises UsageError for what is none."""
    match = _LIMIT.fullmatch(limit)
    if match is None:
        raise UsageError(f"{limit!r} is no memory limit: write it as 4GB or 512MiB")
    return int(float(match[1]) * _BYTES[match[2]]) // 2**20


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

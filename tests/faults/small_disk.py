"""Runs on a full disk, each in a process and a mount of its own: `python -m tests.faults.small_disk CASE FOLDER`."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from tests.faults.leftovers import leftovers
from tests.gauges.to_the_last_day import project
from tests.working import land, rows, run, run_all, statuses, workspace

from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.errors import EngineError, LakeError
from taxiway.lake import Lake
from taxiway.tables import Table
from taxiway.transforms import transform

KIB = 1024
AFTER = (b"Z,", b"Z,1")


class Pairs(Contract):
    """One row for each three readings."""

    pair: Text = column("Something long and different for each")
    number: Int64 = column("A number")
    month: Text = column("The month")

    class Config:
        unique = ["pair"]
        metadata = table(grain="month")


@transform
def pairs(raw_readings: ir.Table) -> ir.Table:
    """Far more rows than fit into memory or scratch."""
    one, other, third = (raw_readings.view() for _ in range(3))
    found: Any = one.cross_join(other.select(o="gauge", p="source_row")).cross_join(third.select(q="source_row"))
    return found.select(
        "month",
        pair=(found.p * 1000 + found.q).cast("string").hexdigest("sha256").repeat(6),
        number=found.source_row * found.p,
    )


@contextmanager
def disk(folder: Path, kib: int) -> Iterator[Path]:
    """A disk of that size mounted at the folder, for this process only."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder], check=True)
    yield folder


def contents(lake: Lake) -> dict[str, list[dict]]:
    return {str(address): rows(lake, str(address)) for address in lake.tables() if lake.find(address) is not None}


def message_of(attempt: Callable[[], object], kind: type[Exception]) -> str | None:
    """What an attempt that may fail says, in one line; None where it succeeds."""
    try:
        attempt()
    except kind as error:
        return str(error)
    return None


def staging(home: Path) -> None:
    """The scratch disk is full: the run stops with a clear error, nothing is published, other tables go on."""
    tables = (*project.tables, Table("feature/pairs", Pairs, pairs))
    place = workspace(home, replace(project, tables=tables), months=1, memory_limit="60MB")
    land(place)
    run_all(place)
    before = contents(place.lake)
    with disk(place.settings.scratch, 2 * KIB):
        message = message_of(lambda: run(place, "feature/pairs", "2013-01"), EngineError)
        assert message is not None
        assert message.startswith("feature/pairs: memory and scratch space ran out ("), message
        assert "TAXIWAY_MEMORY_LIMIT" in message, message
        assert "\n" not in message, message
        assert contents(place.lake) == before
        assert statuses(run(place, "feature/level_history", force=True)) == {"2013-01": "unchanged"}
        assert leftovers(place.settings) == []


def publishing(home: Path) -> None:
    """The lake's disk is full, with less and less left: each table is at its old or new version, and nothing stays."""
    whole = workspace(home / "whole", project, months=2)
    land(whole)
    run_all(whole)
    before = contents(whole.lake)
    land(whole, change=AFTER)
    run_all(whole)
    after = contents(whole.lake)
    failed = 0
    for left in (0, 4, 8, 12, 16, 24, 32, 48, 64):
        place = workspace(home / f"left-{left}", project, months=2)
        with disk(Path(place.settings.lake.uri), 512) as lake:
            land(place)
            run_all(place)
            land(place, change=AFTER)
            filler = fill(lake, leaving=left)
            message = message_of(lambda place=place: run_all(place), LakeError)
            if message is not None:
                failed += 1
                assert "\n" not in message, message
                assert "No space left on device" in message, message
                assert "make room" in message, message
            found = contents(place.lake)
            assert all(found[at] in (before[at], after[at]) for at in before), left
            filler.unlink()
            run_all(place)
            run(place, "feature/river_month", force=True)
            assert contents(place.lake) == after, left
            assert leftovers(place.settings) == [], left
    assert failed > 3


def fill(folder: Path, leaving: int) -> Path:
    """A file that fills the disk but for so many KiB."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4 * KIB)):
                pass
        except OSError:
            file.truncate(file.tell() - leaving * KIB)
    return filler


CASES: Mapping[str, Callable[[Path], None]] = {"staging": staging, "publishing": publishing}

if __name__ == "__main__":
    CASES[sys.argv[1]](Path(sys.argv[2]))

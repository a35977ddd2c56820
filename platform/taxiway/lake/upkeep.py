"""Upkeep of one table: what killed writers left and what old versions alone need is removed, and nothing else.

Two things keep that from harming a writer of another machine that only seems to be gone, or a version that is restored
at the same time: what is to be removed is announced first by a commit, on the version that was looked at. So whoever
commits before it makes it fail, and whoever comes after it knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake.exceptions import DeltaError

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.commit import GONE, REMOVED, announce
from taxiway.lake.lake import Lake
from taxiway.lake.log import FOLDER
from taxiway.lake.messages import reason
from taxiway.lake.snapshot import DataFile, Snapshot
from taxiway.lake.writers import Registered, clock, deregister, discard, registered
from taxiway.storage import Store

GONE_AFTER = timedelta(days=1)
"""A writer that registered so long ago has ended, or may commit no more."""

SMALL_BYTES = 16 * 1024 * 1024
MANY_FILES = 8
"""So many small files of one partition are worth writing anew as one."""

_ATTEMPTS = 3
# Clocks of one storage may differ by so much from machine to machine.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Chore:
    """Something done to a table, or to be done: what, why, and how many files it concerns."""

    address: Address
    what: str
    why: str
    files: int


def remove_leftovers(lake: Lake, address: Address, *, dry_run: bool = False) -> list[Chore]:
    """Remove the files of writers that registered, have ended, and committed none of them.

    A table without a log is left alone. Raises LakeError where the storage refuses.
    """
    table = lake.table(address)
    try:
        for _ in range(_ATTEMPTS):
            snapshot = lake.find(address)
            gone = _gone(table, dry_run=dry_run) if snapshot is not None else []
            if snapshot is None or not gone:
                return []
            left = [writer for writer in gone if not _has_committed(snapshot, writer)]
            chores = [_chore(address, table, writer) for writer in left]
            if dry_run:
                return chores
            if _announced(snapshot, GONE, [writer.id for writer in left]):
                _remove(table, gone, left)
                return chores
    except (DeltaError, OSError) as error:
        raise LakeError(
            f"{address}: upkeep failed ({reason(error)}); make the lake writable, and run it again"
        ) from error
    return [Chore(address, "left as it is", "other writers publish just now; run upkeep again", 0)]


def _gone(table: Store, *, dry_run: bool) -> list[Registered]:
    writers = list(registered(table))
    if not writers:
        return []
    now = max(writer.at for writer in writers) if dry_run else clock(table)
    return [writer for writer in writers if writer.has_ended or now - writer.at > GONE_AFTER]


def _has_committed(snapshot: Snapshot, writer: Registered) -> bool:
    """Whether a version names files of the writer; only those that were made since it registered can."""
    since = _version_at(snapshot, writer.at - _SKEW)
    return any(
        any(path.startswith(f"{writer.id}/") for path in made.files)
        or (made.provenance is not None and made.provenance.id == writer.id)
        for made in snapshot.commits(since)
    )


def _version_at(snapshot: Snapshot, moment: datetime) -> int:
    """The first version that was made after a moment."""
    entries = [file for file in snapshot.store.files(FOLDER) if file.path.endswith(".json")]
    later = [int(file.path.rsplit("/", 1)[-1][:20]) for file in entries if file.modified >= moment]
    return min(later, default=snapshot.version + 1)


def _chore(address: Address, table: Store, writer: Registered) -> Chore:
    ended = "whose process has ended" if writer.has_ended else f"which registered at {writer.at:%Y-%m-%d %H:%M} UTC"
    files = sum(1 for _ in table.files(writer.id))
    return Chore(address, "files removed that are of no version", f"left by the writer {writer.id[:8]}, {ended}", files)


def _announced(snapshot: Snapshot, what: str, names: Sequence[str]) -> bool:
    """Whether the table was still at the version that was looked at."""
    if not names:
        return True
    try:
        announce(snapshot, what, names)
    except FileExistsError:
        return False
    return True


def _remove(table: Store, gone: Sequence[Registered], left: Sequence[Registered]) -> None:
    for writer in left:
        discard(table, writer.id)
    for writer in gone:
        deregister(table, writer.id)


def remove_old_versions(lake: Lake, address: Address, keep: timedelta, *, dry_run: bool = False) -> list[Chore]:
    """Remove the files that were replaced longer ago than `keep`: versions from before then can be read no more.

    Raises LakeError where the storage refuses.
    """
    why = f"replaced more than {keep.days} days ago"
    try:
        for _ in range(_ATTEMPTS):
            snapshot = lake.find(address)
            old = _old_files(snapshot, keep) if snapshot is not None else []
            if snapshot is None or not old:
                return []
            chore = Chore(address, "files removed of old versions", why, len(old))
            if dry_run:
                return [chore]
            if _announced(snapshot, REMOVED, old):
                lake.table(address).remove(old)
                return [chore]
    except (DeltaError, OSError) as error:
        raise LakeError(
            f"{address}: upkeep failed ({reason(error)}); make the lake writable, and run it again"
        ) from error
    return [Chore(address, "left as it is", "other writers publish just now; run upkeep again", 0)]


def _old_files(snapshot: Snapshot, keep: timedelta) -> list[str]:
    """The files that the log says were replaced so long ago and that are there still."""
    hours = int(keep.total_seconds() // 3600)
    found = snapshot.delta.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=True, full=False)
    return [path for path in found if snapshot.store.find(path) is not None]


def small_files(snapshot: Snapshot) -> dict[str, tuple[DataFile, ...]]:
    """By partition the small files that are worth writing anew as one."""
    by_partition: dict[str, list[DataFile]] = {}
    for file in snapshot.files if snapshot.plain_files() else ():
        if file.bytes < SMALL_BYTES:
            by_partition.setdefault(file.partition, []).append(file)
    return {key: tuple(files) for key, files in by_partition.items() if len(files) >= MANY_FILES}

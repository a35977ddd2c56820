"""What lies on one level of a store, file or not, and what only a folder has: links, rights, writing that lasts."""

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SETTLED_AFTER_S = 3600
"""An upload that has not gone on for so long has ended, whole or not."""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under a name: a file, or what is in its place, and in words why it cannot be read.

    Of a file `size` is in bytes; `modified_ns` is the date that it bears and `changed_ns` when the storage last wrote
    it (ns since 1970, UTC); `tag` is the storage's own, the inode in a folder and the ETag in a bucket.
    """

    name: str
    is_file: bool = False
    problem: str = ""
    size: int = 0
    modified_ns: int = 0
    changed_ns: int = 0
    tag: str = ""


class FileChanged(OSError):
    """A file was replaced or written to while it was read."""


def look_around(folder: Path) -> list[Found]:
    """All that lies in a folder, in no order, nothing where it is not there; raises OSError where it cannot be told."""
    try:
        with os.scandir(folder) as listed:
            places = list(listed)
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_symlink() or folder.exists():
            raise
        return []
    root = folder.resolve()
    # A file may be withdrawn between the listing and the look at it; then it is not there.
    return [found for found in (_examined(place, root) for place in places) if found is not None]


def look_at(path: Path) -> Found | None:
    """What lies there, None where nothing does."""
    return _examined(path, path.parent.resolve())


def _examined(place: "Path | os.DirEntry[str]", root: Path) -> Found | None:
    try:
        known = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Found(place.name, problem="is a link to nowhere") if place.is_symlink() else None
    except OSError as error:
        return Found(place.name, problem=f"cannot be looked at ({error.strerror})")
    if place.is_symlink() and not Path(place).resolve().is_relative_to(root):
        return Found(place.name, problem="is a link that leads out of the landing zone")
    if stat.S_ISDIR(known.st_mode):
        return Found(place.name, problem="is a folder")
    if not stat.S_ISREG(known.st_mode):
        return Found(place.name, problem="is no regular file")
    return _described(place, known)


def _described(place: "Path | os.DirEntry[str]", known: os.stat_result) -> Found:
    readable = os.access(place, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
    problem = "" if readable else "cannot be read"
    return Found(place.name, True, problem, known.st_size, known.st_mtime_ns, known.st_ctime_ns, str(known.st_ino))


def read_in_pieces(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file in a folder, so many at a time, all at once for -1.

    Raises FileChanged, after the last of them, where it changed meanwhile; OSError for what is no file, or leads out
    of the folder.
    """
    real = path.resolve(strict=True)
    if not real.is_relative_to(path.parent.resolve()):
        raise OSError(f"{path} is a link that leads out of its folder")
    # What is no file could be waited for without end, and a link could have been put there since.
    with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb", buffering=0) as file:  # noqa: PTH123
        before, length = os.fstat(file.fileno()), 0
        if not stat.S_ISREG(before.st_mode):
            raise OSError(f"{path} is no regular file")
        while piece := file.read(size):
            length += len(piece)
            yield piece
        after = path.stat()
    if _identity(before) != _identity(after) or length != after.st_size:
        raise FileChanged(f"{path} changed while it was read")


def _identity(known: os.stat_result) -> tuple[int, int, int, int, int]:
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns


def write_to_last(path: Path, data: bytes) -> None:
    """Put a file into a folder, which is made, in one step; it is on the disk when this ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_leftovers(path: Path) -> None:
    """Remove what killed writers of this file left behind; younger ones may still be in progress."""
    for leftover in path.parent.glob(f".{path.name}.????????"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > SETTLED_AFTER_S:
                leftover.unlink()

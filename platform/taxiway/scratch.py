"""Scratch folders that live as long as the session that claims them, and the traces of sessions that were cut short."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from taxiway.errors import LakeError

_LOCK = ".in-use"
_STARTED = ".started"


class Scratch:
    """Folders below one root. Every session holds the root's lock shared; the operating system drops it however
    the session's process ends, so whoever gets the lock alone knows that the folders left belong to nobody.
    """

    @staticmethod
    @contextmanager
    def claim(root: Path) -> Iterator[Path]:
        """A new folder below `root`, removed at the end of the block; one that fails leaves its trace there.

        Waits while a clean-up runs. Raises LakeError where the folder cannot be made.
        """
        folder = root / uuid4().hex
        try:
            root.mkdir(parents=True, exist_ok=True)
            lock = (root / _LOCK).open("a")
        except OSError as error:
            raise LakeError(
                f"{root}: no scratch folder can be made there ({error}); make room, or make it writable"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            _begin(folder)
            yield folder
            # Not reached where the block fails: what it wrote to the lake may never have been committed.
            shutil.rmtree(folder)

    @staticmethod
    @contextmanager
    def abandoned(root: Path) -> Iterator[float | None]:
        """When the earliest session that was cut short began (seconds since 1970), None where there was none or where
        another session is at work. No session can begin during the block, whose end removes the traces.
        """
        if not _folders(root):
            yield None
            return
        with (root / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            folders = _folders(root)
            started = [folder / _STARTED for folder in folders]
            # A folder without the mark is of a session that had not begun to write.
            yield min((mark.stat().st_mtime for mark in started if mark.is_file()), default=None)
            for folder in folders:
                shutil.rmtree(folder)


def _begin(folder: Path) -> None:
    try:
        folder.mkdir()
        (folder / _STARTED).touch()
    except OSError as error:
        raise LakeError(f"{folder}: cannot be made ({error}); make room there, or make it writable") from error


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []

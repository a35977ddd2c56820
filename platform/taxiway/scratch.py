"""Scratch folders that live as long as the session that claims them; those of sessions that were cut short go with the
next one."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from taxiway.errors import LakeError

_LOCK = ".in-use"


class Scratch:
    """Folders below one root. Every session holds the root's lock shared; the operating system drops it however
    the session's process ends, so whoever gets the lock alone knows that the folders left belong to nobody.
    """

    @staticmethod
    @contextmanager
    def claim(root: Path) -> Iterator[Path]:
        """A new folder below `root`, removed at the end of the block, however it ends.

        Raises LakeError where the folder cannot be made.
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
            _remove_abandoned(root, lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
            try:
                folder.mkdir()
            except OSError as error:
                raise LakeError(f"{folder}: cannot be made ({error}); make room there, or make it writable") from error
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(root: Path, lock: TextIO) -> None:
    """Remove the folders of sessions that were cut short, unless another session is at work: then a later one does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)

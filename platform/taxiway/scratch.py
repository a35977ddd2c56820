"""Scratch folders that live as long as the process that claims them, and what a killed process left behind."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


class Scratch:
    """Folders below one root, each locked by the process that uses it.

    The operating system drops the lock of a process however it ends, so a folder that can be locked
    belongs to nobody.
    """

    @staticmethod
    @contextmanager
    def claim(root: Path) -> Iterator[Path]:
        """A new folder below `root`, removed at the end of the block."""
        folder = root / uuid4().hex
        folder.mkdir(parents=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield folder
            finally:
                shutil.rmtree(folder)

    @staticmethod
    def remove_abandoned(root: Path) -> tuple[int, int]:
        """Remove the folders of processes that are gone; returns how many were removed and how many are in use."""
        removed = in_use = 0
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            lock_file = folder / ".lock"
            if not lock_file.is_file():
                # Its owner stands between making the folder and locking it, or was killed there.
                continue
            with lock_file.open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    in_use += 1
                    continue
                shutil.rmtree(folder)
                removed += 1
        return removed, in_use

"""Working without root's right to do anything, so that permissions mean something wherever the tests run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """For the block nothing is permitted but to the owner, who owns `folder` and what is in it."""
    if os.geteuid() != 0:
        yield
        return
    opened = [parent for parent in folder.parents if parent.stat().st_mode & 0o011 != 0o011]
    modes = {parent: parent.stat().st_mode for parent in opened}
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    for parent in opened:
        parent.chmod(modes[parent] | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes.items():
            parent.chmod(mode)

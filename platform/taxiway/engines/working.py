"""The frame of every engine's session: it begins with cleaning up and ends with its scratch folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taxiway.lake.upkeep import remove_uncommitted
from taxiway.scratch import Scratch


@contextmanager
def working(lake: Path, scratch: Path) -> Iterator[Path]:
    """A scratch folder for a session on the lake, removed at its end.

    What sessions that were cut short left in the lake and in scratch is removed first, unless another
    session is at work; then a later one does it. Raises LakeError where the storage refuses.
    """
    with Scratch.abandoned(scratch) as since:
        if since is not None:
            remove_uncommitted(lake, since)
    with Scratch.claim(scratch) as folder:
        yield folder

"""Loading a project: what its imports make stays as long as the process, so nobody looks for garbage among it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nothing is collected during the block, and what the first one in a process leaves is never searched again.

    Importing Dagster, Ibis, pandera and dbt makes a million objects; going through them over and over costs more
    than the work of a small run.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        if enabled:
            gc.enable()

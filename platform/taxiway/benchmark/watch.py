"""Memory and CPU time of a process and all its children together, watched while they run."""

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.25


class Watch:
    """Watches a process and its children, a few times a second, until the block ends.

    `peak_bytes` is the most resident memory that they were seen to hold together, and never less than the kernel's own
    peak of any one of them (VmHWM) at the last look at it. A process adds to it from the second look at it on: one
    that starts a program is there twice for a moment, with all its memory, and a JVM that writes files starts many.
    Pages that several of them share count once for each.
    `cpu_seconds` is the time that they had, to the last look at each. Only Linux tells the kernel's peak.
    """

    def __init__(self, pid: int) -> None:
        """Looks at nothing before the block begins."""
        self.peak_bytes = 0
        self._pid = pid
        self._cpu_seconds: dict[psutil.Process, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Self:
        """The watch, begun."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the watch; errors pass."""
        self._done.set()
        self._thread.join()

    @property
    def cpu_seconds(self) -> float:
        """User and system seconds of all processes that were seen."""
        return sum(self._cpu_seconds.values())

    def _watch(self) -> None:
        while True:
            self.look()
            if self._done.wait(_EVERY_S):
                return

    def look(self) -> None:
        """Look once; the block does so a few times a second."""
        together = most = 0
        for process in _tree(self._pid):
            # One may end at any time.
            with contextlib.suppress(psutil.Error), process.oneshot():
                now, used = process.memory_info().rss, process.cpu_times()
                together, most = together + (now if process in self._cpu_seconds else 0), max(most, _peak(process.pid))
                self._cpu_seconds[process] = used.user + used.system
        self.peak_bytes = max(self.peak_bytes, together, most)


def _tree(pid: int) -> list[psutil.Process]:
    """A process and its children, and theirs; none where it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _peak(pid: int) -> int:
    """Resident bytes of one process at most so far, which psutil does not tell; 0 where the kernel does not either."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    # In kB, as proc(5) says of it.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)

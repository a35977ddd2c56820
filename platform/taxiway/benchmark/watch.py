"""Memory and CPU time of a process and all its children together, watched while they run."""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_PROC = Path("/proc")
_EVERY_S = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Watches a process and its children, a few times a second, until the block ends.

    `peak_bytes` is the most resident memory that they were seen to hold together, and never less than the kernel's own
    peak of any one of them (VmHWM) at the last look at it. A process adds to it from the second look at it on: one
    that starts a program is there twice for a moment, with all its memory, and a JVM that writes files starts many.
    Pages that several of them share count once for each.
    `cpu_seconds` is the time that they had, to the last look at each. Both are 0 on systems without /proc.
    """

    def __init__(self, pid: int) -> None:
        """Looks at nothing before the block begins."""
        self.peak_bytes = 0
        self._pid = pid
        self._cpu_seconds: dict[int, float] = {}
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
        seen = _processes()
        together = most = 0
        for pid in _tree(self._pid, {pid: parent for pid, (parent, _) in seen.items()}):
            now, highest = _memory(pid)
            was_seen = pid in self._cpu_seconds
            together, most = together + (now if was_seen else 0), max(most, highest)
            if pid in seen:
                self._cpu_seconds[pid] = seen[pid][1]
        self.peak_bytes = max(self.peak_bytes, together, most)


def _processes() -> dict[int, tuple[int, float]]:
    """All processes: which one started each, and the CPU seconds that it had."""
    found = {}
    for name in os.listdir(_PROC) if _PROC.is_dir() else ():  # noqa: PTH208 - several times a second
        if name.isdecimal():
            # One may end at any time.
            with contextlib.suppress(OSError):
                # The name, in brackets, may hold anything; after it, state and parent are fields 3 and 4 of proc(5).
                fields = (_PROC / name / "stat").read_text().rpartition(")")[2].split()
                found[int(name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def _tree(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    """A process and its children, and theirs."""
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += [child for child, parent in parents.items() if parent == each]


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes of one process now and at most so far; 0 where it is gone."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0, 0
    told = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    # In kB, as proc(5) says of them.
    now, most = (int(told.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most

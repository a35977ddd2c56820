"""One command as a whole process: what it said, its seconds and its peak memory."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

from taxiway.benchmark.watch import Watch
from taxiway.errors import TaxiwayError

_LAST_LINES = 5
_TO_END_S = 10
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class BenchmarkFailed(TaxiwayError):
    """A command that was to be measured failed, or its answer was not the one that its rivals gave."""


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and the variables that it sees beside those of this process."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    folder: Path | None = None


@dataclass(frozen=True)
class Finished:
    """A process that succeeded: what it and its children took together, and what it wrote to stdout.

    `cpu_seconds` and `peak_bytes` are what `Watch` saw; where it is more, what the kernel counts of the process and of
    the children that it waited for: their seconds, and the memory of the largest, which the kernel tells apart only
    above what this process has held itself. `user_seconds` are the kernel's alone.
    """

    wall_seconds: float
    user_seconds: float
    cpu_seconds: float
    peak_bytes: int
    out: str = ""


def execute(command: Command) -> Finished:
    """Run a command to its end; raises BenchmarkFailed, with the last lines it said, where it fails.

    Where this is interrupted, the command and its children are ended first.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        with _running(command, out, err) as process, Watch(process.pid) as watch:
            used = _await(process)
        wall, said = time.perf_counter() - began, _text(out)
        _see_that_it_succeeded(command, process, err, said)
        return _finished(wall, used, watch, said)


def follow(command: Command, hear: Callable[[str], None]) -> Finished:
    """As `execute`, and `hear` each line that the command writes to stdout as it comes."""
    with tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        with _running(command, subprocess.PIPE, err) as process, Watch(process.pid) as watch:
            assert process.stdout is not None
            with process.stdout as lines:
                for line in lines:
                    hear(line)
            used = _await(process)
        wall = time.perf_counter() - began
        _see_that_it_succeeded(command, process, err)
        return _finished(wall, used, watch)


@contextlib.contextmanager
def _running(command: Command, stdout: "IO[bytes] | int", stderr: IO[bytes]) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        command.words,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=command.folder,
        env={**os.environ, **command.variables},
        text=True,
        # A group of its own: Ctrl-C reaches this process, which ends the command and what it has started.
        start_new_session=True,
    )
    try:
        yield process
    except BaseException:
        _end_group(process)
        raise


def _await(process: "subprocess.Popen[str]") -> resource.struct_rusage:
    """What the process used. Popen's own wait would leave nothing for wait4, which alone tells it of this one."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


def _end_group(process: "subprocess.Popen[str]") -> None:
    """End a process and its children: politely, so that they clean up, and after some seconds for good."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        end = time.monotonic() + _TO_END_S
        while time.monotonic() < end:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _see_that_it_succeeded(command: Command, process: "subprocess.Popen[str]", err: IO[bytes], out: str = "") -> None:
    if process.returncode:
        told = (_text(err).strip() or out.strip()).splitlines()[-_LAST_LINES:]
        words = " ".join(command.words)
        raise BenchmarkFailed(f"{words} ended with {process.returncode}: {' / '.join(told) or 'it said nothing'}")


def _finished(wall: float, used: resource.struct_rusage, watch: Watch, out: str = "") -> Finished:
    # Until its program is loaded, the kernel counts of a process what the one holds that starts it.
    is_its_own = used.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss or not watch.peak_bytes
    return Finished(
        wall_seconds=wall,
        user_seconds=used.ru_utime,
        cpu_seconds=max(used.ru_utime + used.ru_stime, watch.cpu_seconds),
        peak_bytes=max(used.ru_maxrss * _MAXRSS_UNIT if is_its_own else 0, watch.peak_bytes),
        out=out,
    )


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")

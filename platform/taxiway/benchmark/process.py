"""One command as a whole process: what it said, its seconds and its peak memory as the operating system counts them."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
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
    """A process that succeeded: wall, user and system seconds with those of its children, what it wrote to stdout.

    `peak_bytes` is the resident memory of the largest one of the process and its children. It is never less than
    that of the process that started it, which the kernel counts until the program is loaded.
    """

    wall_seconds: float
    user_seconds: float
    system_seconds: float
    peak_bytes: int
    out: str = ""


@dataclass(frozen=True)
class Followed:
    """A process that succeeded: wall seconds, and what it and its children had together.

    `cpu_seconds` and `peak_bytes` are what `Watch` saw, and never less than what the kernel counts of the process and
    the children that it waited for: their seconds, and the resident memory of the largest.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def execute(command: Command) -> Finished:
    """Run a command to its end; raises BenchmarkFailed, with the last lines it said, where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=command.folder,
            env={**os.environ, **command.variables},
        )
        # Popen's own wait would leave nothing for wait4, which alone tells what this one process used.
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        return _finished(command, process.returncode, used, wall, err, _text(out))


def follow(command: Command, hear: Callable[[str], None]) -> Followed:
    """Run a command to its end and `hear` each line that it writes to stdout as it comes.

    Raises BenchmarkFailed as `execute`. Where this is interrupted, the command and its children are ended first.
    """
    with tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            cwd=command.folder,
            env={**os.environ, **command.variables},
            text=True,
            # A group of its own: Ctrl-C reaches this process, which ends the command and what it has started.
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            with Watch(process.pid) as watch, process.stdout as lines:
                for line in lines:
                    hear(line)
                _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            _end_group(process)
            raise
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        found = _finished(command, process.returncode, used, wall, err)
        return Followed(
            wall_seconds=found.wall_seconds,
            cpu_seconds=max(found.user_seconds + found.system_seconds, watch.cpu_seconds),
            peak_bytes=max(found.peak_bytes, watch.peak_bytes),
        )


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


def _finished(
    command: Command, code: int, used: resource.struct_rusage, wall: float, err: IO[bytes], out: str = ""
) -> Finished:
    if code:
        told = (_text(err).strip() or out.strip()).splitlines()[-_LAST_LINES:]
        raise BenchmarkFailed(f"{' '.join(command.words)} ended with {code}: {' / '.join(told) or 'it said nothing'}")
    return Finished(wall, used.ru_utime, used.ru_stime, used.ru_maxrss * _MAXRSS_UNIT, out)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")

"""One command as a whole process: what it said, its seconds and its peak memory as the operating system counts them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

from taxiway.errors import TaxiwayError

_LAST_LINES = 5
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
        if process.returncode:
            told = (_text(err).strip() or _text(out).strip()).splitlines()[-_LAST_LINES:]
            raise BenchmarkFailed(
                f"{' '.join(command.words)} ended with {process.returncode}: {' / '.join(told) or 'it said nothing'}"
            )
        return Finished(wall, used.ru_utime, used.ru_stime, used.ru_maxrss * _MAXRSS_UNIT, _text(out))


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")

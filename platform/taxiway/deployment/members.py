"""The processes that belong to a deployment: those below its supervisor, and those that have lost their parent."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_KILL_S = 10


def session(pid_file: Path) -> int | None:
    """The session of a deployment, which is its supervisor's process id; None where nothing of it can be left.

    The session of a supervisor that was killed lives on as long as one of its processes does, and until then the
    system gives its number to no other.
    """
    if not pid_file.is_file() or pid_file.stat().st_mtime < psutil.boot_time():
        return None
    number = int(pid_file.read_text())
    # Another deployment's supervisor may have been given the number.
    own = pid_file.with_name("supervisord.conf")
    return None if psutil.pid_exists(number) and not _is_supervisor(number, own) else number


def members(number: int | None) -> Sequence[psutil.Process]:
    """All processes of a session and all below them; none for None."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter() if number is not None else ():
        if _session(process.pid) == number:
            found |= {each.pid: each for each in (process, *_children(process))}
    return list(found.values())


def end(found: Iterable[psutil.Process], *, wait_s: float, told: bool = False) -> list[int]:
    """Wait so long for processes to end, first `told` to, kill those that have not; returns the ids that live on."""
    for process in found if told else ():
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=wait_s)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    _, left = psutil.wait_procs(alive, timeout=_KILL_S)
    return [process.pid for process in left]


def _is_supervisor(number: int, configuration: Path) -> bool:
    """Whether a process is the supervisor that was started with this configuration, by whatever path to it."""
    try:
        words = [word for word in psutil.Process(number).cmdline() if word.endswith(configuration.name)]
        return any(Path(word).resolve() == configuration.resolve() for word in words)
    except psutil.Error:
        return False


def _session(number: int) -> int | None:
    try:
        return os.getsid(number)
    except OSError:
        return None


def _children(process: psutil.Process) -> Sequence[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []

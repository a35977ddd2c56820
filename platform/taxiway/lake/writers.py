"""Who is writing data files into a table just now: each registers before the first, so that its files can be told
from those of others."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from taxiway.storage import Store

# Delta's readers and vacuum pass over names that begin with an underscore.
_FOLDER = "_writers"


@dataclass(frozen=True)
class Registered:
    """A writer that registered: the commit that it was to make, which is also the folder of its files; the machine and
    process, and when (UTC, by the clock of the storage)."""

    id: str
    host: str
    process: str
    at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether it was a process of this machine that has surely ended."""
        return bool(self.host) and self.host == _host() and self.process != _started(self.process.partition(" ")[0])


def register(table: Store, commit: str) -> None:
    """Say that this process is about to write files into the folder `commit`; raises OSError where that cannot be."""
    note = {"host": _host(), "process": _started(str(os.getpid()))}
    table.write(_path(commit), json.dumps(note).encode())


def deregister(table: Store, commit: str) -> None:
    """Say that none of the files that lie there is still to be committed."""
    table.remove([_path(commit)])


def discard(table: Store, commit: str) -> int:
    """Remove the files of a writer of which none is, or ever will be, committed; returns how many."""
    paths = [file.path for file in table.files(commit)]
    table.remove(paths)
    deregister(table, commit)
    return len(paths)


def registered(table: Store) -> Iterator[Registered]:
    """The writers of a table that have not ended as they should; one that cannot be read may be anybody's."""
    for file in table.files(_FOLDER):
        if not file.path.endswith(".json"):
            continue
        try:
            note = json.loads(table.read(file.path))
            host, process = str(note["host"]), str(note["process"])
        except FileNotFoundError:
            continue
        except (ValueError, TypeError, KeyError):
            host = process = ""
        yield Registered(Path(file.path).stem, host, process, file.modified)


def clock(table: Store) -> datetime:
    """What time it is by the clock of the storage, which said too when each writer registered."""
    path = f"{_FOLDER}/clock"
    table.write(path, b"")
    found = table.find(path)
    table.remove([path])
    return found.modified if found is not None else datetime.now(UTC)


def _path(commit: str) -> str:
    return f"{_FOLDER}/{commit}.json"


def _host() -> str:
    """This machine since it was started, and the container: in another one the same process has another number."""
    try:
        boot, container = (
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            Path("/proc/self/ns/pid").readlink(),
        )
    except OSError:
        return ""
    return f"{socket.gethostname()} {boot} {container}"


def _started(pid: str) -> str:
    """A process by its number and when it was started, so that a later one of the same number is another."""
    try:
        started = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{pid} {started}"

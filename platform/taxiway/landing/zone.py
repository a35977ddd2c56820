"""The folder into which publishers deliver: safe names, atomic deliveries, a listing, a digest."""

import contextlib
import hashlib
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from taxiway.errors import DeliveryRefused, UsageError

SETTLED_AFTER_S = 3600
"""An upload that has not gone on for so long has ended, whole or not."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_LONGEST_NAME = 200


@dataclass(frozen=True, order=True)
class Delivery:
    """One file of the landing zone: its name, its size in bytes, and by what else a change is seen.

    `modified_ns` is the date that the file bears (ns since 1970, UTC), which who delivers it may set; `changed_ns`
    is when this machine last wrote it, and `inode` is another number once it is replaced.
    """

    name: str
    size: int
    modified_ns: int
    changed_ns: int = 0
    inode: int = 0

    @classmethod
    def of(cls, name: str, known: os.stat_result) -> "Delivery":
        """The file as the file system describes it."""
        return cls(name, known.st_size, known.st_mtime_ns, known.st_ctime_ns, known.st_ino)


@dataclass(frozen=True)
class Entry:
    """What lies under a name: a file, or, where it is none or cannot be read, what is wrong and what to do."""

    name: str
    file: Delivery | None
    problem: str = ""

    @property
    def shown(self) -> str:
        """The name as it can be printed."""
        return self.name if _FILE_NAME.fullmatch(self.name) else repr(self.name)


def not_delivered(path: Path) -> DeliveryRefused:
    """The error for a file that is not in the landing zone."""
    return DeliveryRefused(f"{path.name} has not been delivered: put it into {path.parent}")


def check_is_file(path: Path) -> None:
    """Raise DeliveryRefused where a folder, or what else is no file, lies in a file's place; opening it could wait
    for ever."""
    found = _examine(path)
    if found is not None and found.file is None:
        raise DeliveryRefused(f"{found.shown} {found.problem}")


def _examine(path: Path) -> Entry | None:
    """What lies there; None where nothing does."""
    name, folder = path.name, path.parent
    instead = f"remove it from {folder}, and deliver a file of that name"
    try:
        known = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Entry(name, None, f"is a link to nowhere: {instead}") if path.is_symlink() else None
    except OSError as error:
        return Entry(name, None, f"cannot be looked at ({error.strerror}): {instead}")
    if stat.S_ISDIR(known.st_mode):
        return Entry(name, None, f"is a folder: {instead}")
    if not stat.S_ISREG(known.st_mode):
        return Entry(name, None, f"is no regular file: {instead}")
    readable = os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
    return Entry(
        name, Delivery.of(name, known), "" if readable else f"cannot be read: give rights to read it, in {folder}"
    )


@dataclass(frozen=True)
class LandingZone:
    """The landing zone in the folder `root`, which the first delivery creates."""

    root: Path

    def path(self, file_name: str) -> Path:
        """Where the file lies, delivered or not; raises UsageError for a name outside the allow-list."""
        if not _FILE_NAME.fullmatch(file_name) or len(file_name) > _LONGEST_NAME:
            raise UsageError(
                f"{file_name!r} cannot be the name of a delivered file: use letters, digits, '-', '_' and "
                f"single dots, no folders, at most {_LONGEST_NAME} characters, e.g. flights-2013-01.csv"
            )
        return self.root / file_name

    def entries(self) -> tuple[Entry, ...]:
        """All that lies in the folder, by name; raises DeliveryRefused where that cannot be told."""
        try:
            paths = sorted(self.root.iterdir()) if self.root.exists() or self.root.is_symlink() else []
        except OSError as error:
            raise DeliveryRefused(
                f"the landing zone {self.root} cannot be listed ({error.strerror}): make it a folder that can be read"
            ) from error
        # A file may be withdrawn between the listing and the look at it; then it is not delivered.
        return tuple(entry for entry in map(_examine, paths) if entry is not None)

    def find(self, name: str) -> Delivery | None:
        """The file of that name as it is now, None where there is none that can be read."""
        entry = _examine(self.path(name))
        return entry.file if entry is not None and not entry.problem else None

    def files(self) -> tuple[Delivery, ...]:
        """The delivered files by name; files in progress and names outside the allow-list are not listed."""
        return tuple(
            entry.file
            for entry in self.entries()
            if entry.file is not None and not entry.problem and _FILE_NAME.fullmatch(entry.name)
        )

    def blocked(self) -> dict[str, str]:
        """By name, why what lies in the place of a file cannot be read: it is no file, or may not be read."""
        return {
            entry.name: f"{entry.name} {entry.problem}"
            for entry in self.entries()
            if entry.problem and _FILE_NAME.fullmatch(entry.name)
        }

    def deliver(self, name: str, data: bytes) -> bool:
        """Put the file in place in one step, so that a reader sees the old or the new content, never a part.

        Returns whether anything changed: equal content is left alone, its time of change too. Raises
        DeliveryRefused where the folder cannot be written, or another folder lies in the file's place.
        """
        target = self.path(name)
        try:
            return self._put(target, data)
        except OSError as error:
            check_is_file(target)
            reason = error.strerror or error
            raise DeliveryRefused(
                f"{name} cannot be put into {self.root} ({reason}): make the folder writable, or make room there"
            ) from error

    def _put(self, target: Path, data: bytes) -> bool:
        name = target.name
        self.root.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers(name)
        if target.is_file() and target.read_bytes() == data:
            return False
        temporary = self.root / f".{name}.{secrets.token_hex(4)}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        self._sync_folder()
        return True

    def digest(self, name: str) -> str:
        """The SHA-256 of the file's content in hexadecimal; raises DeliveryRefused where it cannot be read."""
        path = self.path(name)
        check_is_file(path)
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise not_delivered(path) from None
        except OSError as error:
            raise DeliveryRefused(f"{name} cannot be read ({error}): check the file and its permissions") from error

    def _remove_leftovers(self, name: str) -> None:
        """Remove what a killed delivery of this file left behind; younger ones may still be in progress."""
        for leftover in self.root.glob(f".{name}.????????"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > SETTLED_AFTER_S:
                    leftover.unlink()

    def _sync_folder(self) -> None:
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

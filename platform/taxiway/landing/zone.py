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

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_LONGEST_NAME = 200
_LEFTOVER_AFTER_S = 3600


@dataclass(frozen=True, order=True)
class Delivery:
    """One file of the landing zone: its name, its size in bytes, when it last changed (ns since 1970, UTC)."""

    name: str
    size: int
    modified_ns: int


def not_delivered(path: Path) -> DeliveryRefused:
    """The error for a file that is not in the landing zone."""
    return DeliveryRefused(f"{path.name} has not been delivered: put it into {path.parent}")


def check_is_file(path: Path) -> None:
    """Raise DeliveryRefused where a folder, or what else is no file, lies in a file's place; opening it could wait
    for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise DeliveryRefused(f"{path.name} is {kind}: remove it from {path.parent}, and deliver a file of that name")


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

    def files(self) -> tuple[Delivery, ...]:
        """The delivered files by name; files in progress and names outside the allow-list are not listed."""
        found = []
        for path in self.root.iterdir() if self.root.is_dir() else ():
            # A file may be withdrawn between the listing and the look at it; then it is not delivered.
            with contextlib.suppress(FileNotFoundError):
                if _FILE_NAME.fullmatch(path.name) and path.is_file():
                    known = path.stat()
                    found.append(Delivery(path.name, known.st_size, known.st_mtime_ns))
        return tuple(sorted(found))

    def blocked(self) -> dict[str, str]:
        """By name, why what lies in the place of a file cannot be read: it is a folder, or no file either."""
        found = {}
        for path in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if _FILE_NAME.fullmatch(path.name):
                try:
                    check_is_file(path)
                except DeliveryRefused as error:
                    found[path.name] = str(error)
        return found

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
                if time.time() - leftover.stat().st_mtime > _LEFTOVER_AFTER_S:
                    leftover.unlink()

    def _sync_folder(self) -> None:
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

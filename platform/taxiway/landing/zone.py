"""Where publishers deliver, a folder or a bucket: safe names, atomic deliveries, a listing, contents and digests."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from taxiway.errors import DeliveryRefused, UsageError
from taxiway.storage import FileChanged, Found, Store

# An hour that is shown twice has its offset from UTC in its name, which may have a plus sign.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(\.[A-Za-z0-9_+-]+)*")
_LONGEST_NAME = 200

NAMES = (
    f"letters from A to Z or a to z, digits, '-', '+', '_' and single dots, at most {_LONGEST_NAME} characters, the "
    "first a letter or a digit"
)
"""What the name of a delivered file may have, in words."""


def is_file_name(name: str) -> bool:
    """Whether a delivered file may have this name; others are never read."""
    return len(name) <= _LONGEST_NAME and _FILE_NAME.fullmatch(name) is not None


@dataclass(frozen=True, order=True)
class Delivery:
    """One file of the landing zone: its name, its size in bytes, and by what else a change is seen.

    `modified_ns` is the date that the file bears (ns since 1970, UTC), which who delivers it may set in a folder;
    `changed_ns` is when the storage last wrote it, and `tag` is another once it is replaced.
    """

    name: str
    size: int
    modified_ns: int
    changed_ns: int = 0
    tag: str = ""

    @classmethod
    def of(cls, found: Found) -> "Delivery":
        """The file as the storage describes it."""
        return cls(found.name, found.size, found.modified_ns, found.changed_ns, found.tag)


@dataclass(frozen=True)
class Entry:
    """What lies under a name: a file, or, where it is none or cannot be read, what is wrong and what to do."""

    name: str
    file: Delivery | None
    problem: str = ""

    @classmethod
    def of(cls, store: Store, found: Found) -> "Entry":
        """What the storage found, with what to do."""
        file = Delivery.of(found) if found.is_file else None
        if not found.problem:
            return cls(found.name, file)
        advice = (
            f"remove it from {store}, and deliver a file of that name"
            if file is None
            else f"give rights to read it, in {store}"
        )
        return cls(found.name, file, f"{found.problem}: {advice}")

    @property
    def shown(self) -> str:
        """The name as it can be printed."""
        return self.name if _FILE_NAME.fullmatch(self.name) else repr(self.name)

    @property
    def message(self) -> str:
        """Name and problem in one line."""
        return f"{self.shown} {self.problem}"


@dataclass(frozen=True)
class Listing:
    """All that lay in the landing zone at one moment, in the order of the names."""

    store: Store
    found: Mapping[str, Found]

    @cached_property
    def readable(self) -> dict[str, Found]:
        """The files that can be read; files in progress and names outside the allow-list are not among them."""
        return {
            name: found
            for name, found in self.found.items()
            if found.is_file and not found.problem and is_file_name(name)
        }

    @cached_property
    def files(self) -> tuple[Delivery, ...]:
        """The same, as deliveries."""
        return tuple(map(Delivery.of, self.readable.values()))

    @cached_property
    def blocked(self) -> dict[str, str]:
        """By name, why what lies in the place of a file cannot be read: it is no file, or may not be read."""
        names = (name for name, found in self.found.items() if found.problem and is_file_name(name))
        return {name: self.entry(name).message for name in names}

    def without(self, names: Collection[str]) -> "Listing":
        """The same but for these names."""
        return Listing(self.store, {name: found for name, found in self.found.items() if name not in names})

    def entry(self, name: str) -> Entry:
        """What lay under a name; raises KeyError where nothing did."""
        return Entry.of(self.store, self.found[name])


@dataclass(frozen=True)
class LandingZone:
    """The landing zone in a store, of which nothing need be there before the first delivery."""

    store: Store

    def address(self, name: str) -> str:
        """Where the file lies, delivered or not; raises UsageError for a name outside the allow-list."""
        if not is_file_name(name):
            raise UsageError(
                f"{name!r} cannot be the name of a delivered file: use {NAMES}, no folders, e.g. flights-2013-01.csv"
            )
        return self.store.address(name)

    @property
    def tells_each_change(self) -> bool:
        """Whether a file that looks as before is as before; not every file system tells of every change."""
        return not self.store.is_folder

    def listing(self) -> Listing:
        """All that lies there now; raises DeliveryRefused where that cannot be told."""
        try:
            found = self.store.entries()
        except OSError as error:
            advice = self._advice("make it a folder that can be read")
            raise DeliveryRefused(
                f"the landing zone {self.store} cannot be listed ({error.strerror or error}): {advice}"
            ) from error
        return Listing(self.store, {each.name: each for each in sorted(found, key=lambda each: each.name)})

    def find(self, name: str) -> Delivery | None:
        """The file of that name as it is now, None where there is none that can be read.

        Raises DeliveryRefused where the storage does not say.
        """
        self.address(name)
        try:
            found = self.store.entry(name)
        except OSError as error:
            raise DeliveryRefused(f"{name} cannot be looked at ({error}): {self._advice('try it again')}") from error
        return Delivery.of(found) if found is not None and found.is_file and not found.problem else None

    def read(self, name: str) -> bytes:
        """The file's content, all of one delivery.

        Raises DeliveryRefused where it is missing, no file, cannot be read, or changed while it was read.
        """
        # Given a single piece, this copies nothing.
        return b"".join(self._pieces(name, -1))

    def digest(self, name: str) -> str:
        """The SHA-256 of the file's content in hexadecimal; raises DeliveryRefused as `read` does."""
        digest = hashlib.sha256()
        for piece in self._pieces(name, 1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def deliver(self, name: str, data: bytes) -> bool:
        """Put the file in place in one step, so that a reader sees the old or the new content, never a part.

        Returns whether anything changed: equal content is left alone, its time of change too. Raises
        DeliveryRefused where the storage refuses, or another folder lies in the file's place.
        """
        self.address(name)
        try:
            if self._holds(name, data):
                return False
            self.store.write_to_last(name, data)
        except OSError as error:
            self._check_is_file(name)
            advice = self._advice("make the folder writable, or make room there")
            raise DeliveryRefused(
                f"{name} cannot be put into {self.store} ({error.strerror or error}): {advice}"
            ) from error
        return True

    def _holds(self, name: str, data: bytes) -> bool:
        """Whether just this lies there already."""
        found = self.store.entry(name)
        if found is None or found.problem or found.size != len(data):
            return False
        try:
            return b"".join(self.store.pieces(name, -1)) == data
        except (FileChanged, FileNotFoundError):
            return False

    def _pieces(self, name: str, size: int) -> Iterator[bytes]:
        self.address(name)
        try:
            yield from self.store.pieces(name, size)
        except FileChanged as error:
            raise DeliveryRefused(
                f"{name} changed while it was read: read it again once its delivery is complete"
            ) from error
        except OSError as error:
            self._check_is_file(name)
            if isinstance(error, FileNotFoundError):
                raise DeliveryRefused(f"{name} has not been delivered: put it into {self.store}") from None
            raise DeliveryRefused(f"{name} cannot be read ({error}): check the file and its permissions") from error

    def _check_is_file(self, name: str) -> None:
        """Raise DeliveryRefused where a folder, or what else is no file, lies in a file's place."""
        found = None
        # What was wrong in the first place is told then.
        with suppress(OSError):
            found = self.store.entry(name)
        if found is not None and not found.is_file:
            raise DeliveryRefused(Entry.of(self.store, found).message)

    def _advice(self, for_folder: str) -> str:
        return for_folder if self.store.is_folder else "see that its bucket, endpoint and keys are right"

"""One folder, or one prefix of a bucket: whoever uses it need not know which."""

import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, S3Store

from taxiway.storage.level import Found, look_around, look_at, read_in_pieces, write_to_last
from taxiway.storage.s3 import S3

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]+[a-z0-9])(?:/(.*))?")
_NO_BUCKET = re.compile(r"NoSuchBucket")
_DENIED = re.compile(r"403 Forbidden|AccessDenied|Permission denied")
_NO_ANSWER = re.compile(r"retry_timeout.*- HTTP error|error sending request|error decoding response body")
_AT_ONCE = 12
_BUNCH = 1000
"""So many files a server of S3 removes at once."""

_FOLDER = "is a folder"

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def is_bucket(uri: str) -> bool:
    """Whether it names a place in a bucket."""
    return _BUCKET.fullmatch(uri) is not None


@dataclass(frozen=True)
class StoredFile:
    """A file: its path below the store, its size in bytes, when it was last written (UTC), and the tag of its content
    or, in a folder, of its place on the disk."""

    path: str
    size: int
    modified: datetime
    tag: str


@dataclass(frozen=True)
class Store:
    """The files below `uri`, a whole path or `s3://bucket/prefix`, by paths that are relative to it.

    Nothing need be there yet. All methods raise OSError, in one line and without any key, where the storage refuses;
    what is absent is a FileNotFoundError, and a server that does not answer a ConnectionError.
    """

    uri: str
    s3: S3 | None = None

    def __str__(self) -> str:
        return self.uri

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return not self.uri.startswith("s3://")

    @property
    def delta_options(self) -> dict[str, str] | None:
        """What deltalake is given to reach it."""
        return None if self.is_folder else (self.s3 or S3()).delta_options

    def below(self, path: str) -> "Store":
        """The store of a folder in this one."""
        return Store(f"{self.uri}/{path}", self.s3)

    def address(self, path: str) -> str:
        """Where a file lies, as other programs call it."""
        return f"{self.uri}/{path}"

    def find(self, path: str) -> StoredFile | None:
        """The file, None where there is none."""
        try:
            with _told(self.address(path)):
                return self._described(obstore.head(self._root, self._key(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        with _told(self.address(path)):
            return bytes(obstore.get(self._root, self._key(path)).bytes())

    def pieces(self, path: str, size: int = 1 << 20) -> Iterator[bytes]:
        """The bytes of a file, about so many at a time, all at once for -1, and all of one content.

        Raises FileChanged, in a folder, where it changed while it was read.
        """
        if self.is_folder:
            yield from read_in_pieces(Path(self.address(path)), size)
            return
        with _told(self.address(path)):
            found = obstore.get(self._root, self._key(path))
            for piece in [found.bytes()] if size < 0 else found.stream(min_chunk_size=size):
                yield bytes(piece)

    def read_part(self, path: str, start: int, end: int) -> bytes:
        """The bytes of a file from `start` up to `end`."""
        with _told(self.address(path)):
            return bytes(obstore.get_range(self._root, self._key(path), start=start, end=end))

    def files(self, path: str = "") -> Iterator[StoredFile]:
        """All files below a folder, in no order."""
        with _told(self.address(path)):
            for bunch in obstore.list(self._root, self._key(path) + "/", chunk_size=_BUNCH):
                yield from map(self._described, bunch)

    def entries(self) -> list[Found]:
        """All that lies in the store itself, file or not, in no order; in a bucket a common prefix is a folder."""
        if self.is_folder:
            return look_around(Path(self.uri))
        with _told(self.uri):
            listed = obstore.list_with_delimiter(self._root, self._key("") + "/")
        # Some programs mark a folder by an empty file of its own name.
        files = [_in_bucket(file) for file in map(self._described, listed["objects"]) if file.path]
        names = {file.name for file in files}
        folders = (prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in listed["common_prefixes"])
        # A bucket, unlike a folder, can have both under one name.
        return [*files, *(Found(f"{name}/" if name in names else name, problem=_FOLDER) for name in folders)]

    def entry(self, name: str) -> Found | None:
        """What lies under a name in the store itself, None where nothing does."""
        if self.is_folder:
            return look_at(Path(self.address(name)))
        file = self.find(name)
        if file is not None:
            return _in_bucket(file)
        return Found(name, problem=_FOLDER) if next(self.files(name), None) is not None else None

    def folders(self, path: str = "") -> list[str]:
        """The names of the folders in a folder, sorted."""
        with _told(self.address(path)):
            found = obstore.list_with_delimiter(self._root, self._key(path) + "/")
        return sorted(prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in found["common_prefixes"])

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        """Put a file in place in one step; raises FileExistsError where it is to be `new` and is there already."""
        with _told(self.address(path)):
            obstore.put(self._root, self._key(path), data, mode="create" if new else "overwrite")

    def write_to_last(self, path: str, data: bytes) -> None:
        """Put a file in place in one step; it stays there also where the machine fails right after."""
        if self.is_folder:
            write_to_last(Path(self.address(path)), data)
        else:
            self.write(path, data)

    def check_writable(self) -> None:
        """Write a file that is gone again at once; a folder is made first."""
        if self.is_folder:
            Path(self.uri).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.uri):
                return
        tried = f".{secrets.token_hex(8)}"
        self.write(tried, b"")
        self.remove([tried])

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, in this order; those that are gone already are as good."""
        keys = [self._key(path) for path in paths]
        # A folder, unlike a bucket, tells of a file that is gone, and then does not remove those after it.
        bunch = 1 if self.is_folder else _BUNCH
        for first in range(0, len(keys), bunch):
            with _told(self.uri), suppress(FileNotFoundError, NotADirectoryError):
                obstore.delete(self._root, keys[first : first + bunch])

    def each(self, function: Callable[[_Item], _Answer], items: Iterable[_Item]) -> Iterator[_Answer]:
        """What the function, which asks the store, says of each item, in their order; where an answer takes its time
        many are asked for at once."""
        if self.is_folder:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(function, items)

    @property
    def _root(self) -> "LocalStore | S3Store":
        return _folders() if self.is_folder else _bucket(self._place[0], self.s3 or S3())

    @property
    def _place(self) -> tuple[str, str]:
        """The bucket, empty for a folder, and the prefix in it."""
        found = _BUCKET.fullmatch(self.uri)
        return (found[1], (found[2] or "").strip("/")) if found else ("", self.uri.strip("/"))

    def _key(self, path: str) -> str:
        return "/".join(filter(None, [self._place[1], path.strip("/")]))

    def _described(self, found: "obstore.ObjectMeta") -> StoredFile:
        path = found["path"].removeprefix(self._place[1]).lstrip("/")
        return StoredFile(path, found["size"], found["last_modified"], found["e_tag"] or "")


def _in_bucket(file: StoredFile) -> Found:
    # A server that lists parts of seconds tells whole ones of a single file.
    at = int(file.modified.timestamp()) * 10**9
    return Found(file.path, True, "", file.size, at, at, file.tag)


@cache
def _folders() -> LocalStore:
    # Nobody makes a folder, so nobody looks after empty ones.
    return LocalStore(automatic_cleanup=True)


@cache
def _bucket(name: str, s3: S3) -> S3Store:
    given = {**s3.keys, "region": s3.region, **({"endpoint": s3.endpoint} if s3.endpoint else {})}
    config: Any = given | {"virtual_hosted_style_request": s3.endpoint is None}
    return S3Store(name, config=config, client_options=s3.client, retry_config=s3.retries)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Errors of the library as those of an operating system, in one line."""
    try:
        yield
    except AlreadyExistsError as error:
        raise FileExistsError(f"{place} is there already") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{place} is not there") from error
    except (BaseError, OSError) as error:
        if _NO_BUCKET.search(str(error)):
            raise OSError(f"{place}: there is no such bucket") from error
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or _DENIED.search(str(error)):
            raise PermissionError(f"{place}: permission denied") from error
        if _NO_ANSWER.search(str(error)):
            raise ConnectionError(f"{place}: the server does not answer") from error
        raise OSError(f"{place}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

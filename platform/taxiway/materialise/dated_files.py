"""Which delivered files have rows of which partitions, where not their names tell that but each row's date.

A file is read for that once for each content. What was found is kept in the deployment's home, by the file's name with
the digest of its content, so that whoever plans, looks or tells need not read it again. Losing it costs that reading.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from taxiway.calendar import Calendar
from taxiway.errors import DeliveryRefused, SettingsError
from taxiway.lake import Lake
from taxiway.lake.inputs import LANDING
from taxiway.landing import Delivery, LandingZone, Listing
from taxiway.materialise.dated_rows import DatedFile, dated
from taxiway.materialise.reading import read_for
from taxiway.tables import Table
from taxiway.version import __version__
from taxiway.zones.data import python_version


class Content(NamedTuple):
    """What was found in a file: how it lay there, the digest of its content, the partitions of the calendar of which it
    has rows, how many rows are of none and why the first of these is, and why it cannot be read, empty where it can."""

    size: int
    modified_ns: int
    changed_ns: int
    tag: str
    digest: str
    partitions: tuple[str, ...] = ()
    astray: int = 0
    why: str = ""
    problem: str = ""

    def is_of(self, file: Delivery) -> bool:
        """Whether the file lies there as it did."""
        return self[:4] == (file.size, file.modified_ns, file.changed_ns, file.tag)


class DatedFiles:
    """What the delivered files of tables hold whose rows are dated, as far as they have been read, and by reading."""

    def __init__(self, calendar: Calendar, landing: LandingZone, home: Path) -> None:
        """Of a landing zone; what is found is kept below the home."""
        self._calendar, self._landing, self._folder = calendar, landing, home / "dated"
        self._known: dict[Table, dict[str, Content]] = {}
        self._changed: set[Table] = set()

    def known(self, table: Table, file: Delivery) -> Content | None:
        """What the file holds, as it lies there; None where it has not been read so."""
        content = self._of(table).get(file.name)
        return content if content is not None and content.is_of(file) else None

    def learn(self, table: Table, file: Delivery) -> Content:
        """What the file holds, read where it is not known; `keep` is to follow.

        Raises DeliveryRefused where it has no content of its own, as it is gone or changes while it is read.
        """
        return self.known(table, file) or self._read(table, file)[0]

    def learn_all(self, table: Table, files: Iterable[Delivery]) -> None:
        """Read those of the files that are not known, keep what they hold, and forget all others."""
        known = {file.name: self.learn(table, file) for file in files}
        if known != self._of(table):
            self._known[table] = known
            self._changed.add(table)
        self.keep()

    def read(self, table: Table, name: str) -> DatedFile:
        """The rows of a file, each with its partition; raises DeliveryRefused where it cannot be read."""
        file = self._landing.find(name)
        if file is None:
            self._landing.read(name)  # which says why
            raise DeliveryRefused(f"{name} changed while it was read: read it again once its delivery is complete")
        content, rows = self._read(table, file, again=True)
        self.keep()
        if rows is None:
            raise DeliveryRefused(content.problem)
        return rows

    def forget_others(self, table: Table, digests: Mapping[str, str | None]) -> bool:
        """Forget files whose content is not what it was, though they lie there as they did; whether there were any."""
        known = self._of(table)
        others = [name for name, digest in digests.items() if name in known and known[name].digest != digest]
        for name in others:
            del known[name]
            self._changed.add(table)
        return bool(others)

    def keep(self) -> None:
        """Keep what was found since; raises SettingsError where the home cannot be written."""
        for table in tuple(self._changed):
            text = json.dumps({"way": self._way(table), "files": self._known[table]}, separators=(",", ":"))
            path = self._path(table)
            staged = path.with_name(f".{path.name}.{os.getpid()}")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                staged.write_text(text)
                staged.replace(path)
            except OSError as error:
                raise SettingsError(f"{path} cannot be written ({error}); make its folder one that can be") from error
            self._changed.discard(table)

    def _read(self, table: Table, file: Delivery, *, again: bool = False) -> tuple[Content, DatedFile | None]:
        """What a file holds, and its rows, which are read `again` where the same content was read before."""
        before = self._of(table).get(file.name)
        lying = (file.size, file.modified_ns, file.changed_ns, file.tag)
        rows = None
        data = self._landing.read(file.name)
        digest = sha256(data).hexdigest()
        if before is not None and before.digest == digest and not again:
            content = before._replace(**dict(zip(Content._fields, lying, strict=False)))
        else:
            try:
                rows = dated(table, self._calendar, read_for(table, file.name, data))
                content = Content(*lying, digest, rows.partitions, rows.astray, rows.why)
            except DeliveryRefused as error:
                content = Content(*lying, digest, problem=str(error))
        if content != before:
            self._of(table)[file.name] = content
            self._changed.add(table)
        return content, rows

    def _of(self, table: Table) -> dict[str, Content]:
        if table not in self._known:
            self._known[table] = self._kept(table)
        return self._known[table]

    def _kept(self, table: Table) -> dict[str, Content]:
        path = self._path(table)
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(f"{path} cannot be read ({error}); remove it, it is made anew") from error
        except ValueError:
            # It was cut short; the files are read again.
            return {}
        if not isinstance(kept, dict) or kept.get("way") != self._way(table):
            return {}
        return {
            name: Content._make([*values[:5], tuple(values[5]), *values[6:]]) for name, values in kept["files"].items()
        }

    def _path(self, table: Table) -> Path:
        return self._folder / f"{table.address.relation}.json"

    def _way(self, table: Table) -> str:
        """By what a content is told to hold what it does, in a few digits."""
        assert table.files is not None
        read = f"{__version__} {table.at} {dict(table.file_columns)} {table.files!r} {table.files.dated} {table.grain}"
        clock = f"{self._calendar!r} {python_version()}"
        return sha256(f"{self._landing.store} {read} {clock}".encode()).hexdigest()[:16]


class DatedNow:
    """Which partitions are made from which dated files at one moment: of those that lie there, and were published.

    A partition that was made from a file stays one of its own while another content of it has no such rows: so it is
    made anew, without them, when the file changes, and is refused while the file cannot be read.
    """

    def __init__(self, files: DatedFiles, lake: Lake, listing: Callable[[], Listing], *, reads: bool) -> None:
        """`listing` says once what lies there; `reads` is whether files are read whose content is not known."""
        self._files, self._lake, self._list, self._reads = files, lake, listing, reads
        self._published: dict[Table, dict[str, set[str]]] = {}
        self._learnt: set[Table] = set()

    def partitions(self, table: Table, name: str) -> frozenset[str] | None:
        """The partitions that a file of that name is for, some perhaps not over yet; None where nobody knows."""
        found = self._listing.readable.get(name)
        own = frozenset(self._of_published(table).get(name, ()))
        if found is None:
            return own
        if self._reads and table not in self._learnt:
            self._learnt.add(table)
            files = (file for file in self._listing.files if table.is_named(file.name))
            self._files.learn_all(table, files)
        content = self._files.known(table, Delivery.of(found))
        if content is None:
            return own or None
        return own.union(content.partitions)

    @cached_property
    def _listing(self) -> Listing:
        return self._list()

    def _of_published(self, table: Table) -> dict[str, set[str]]:
        if table not in self._published:
            made: dict[str, set[str]] = {}
            snapshot = self._lake.find(table.address)
            for key, state in snapshot.partitions.items() if snapshot is not None else ():
                for name in state.inputs.get(LANDING, ()):
                    made.setdefault(name, set()).add(key)
            self._published[table] = made
        return self._published[table]

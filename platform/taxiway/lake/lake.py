"""Tables of the lake: open at a version, publish in one Delta commit that replaces exactly what it names."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from taxiway.addresses import Address, is_address
from taxiway.errors import CommitFailed, LakeError, TableNotFound
from taxiway.lake.commit import commit, restore
from taxiway.lake.files import written
from taxiway.lake.log import FOLDER, Log
from taxiway.lake.messages import reason, refused
from taxiway.lake.owner import project_of, release, see_that_it_is_of, see_that_table_is_of
from taxiway.lake.publication import Publication
from taxiway.lake.replay import latest, of_delta
from taxiway.lake.snapshot import Snapshot
from taxiway.lake.writers import deregister, discard, register
from taxiway.storage import Store

_LOG_ENTRY = re.compile(r"[0-9]{20}\.(json|checkpoint.*\.parquet)")

Write = Callable[[str], None]
"""Writes the rows of a publication as Parquet files into a folder, given as DuckDB and Spark name it, which does not
exist yet; where the table has a partition column each into a folder `column=key` in it."""


@dataclass(frozen=True)
class Lake:
    """The tables in one place, each at `<layer>/<name>` there; whoever changes one does so for a `deployment`, to
    which the lake then belongs, and a `project`, to which the table does."""

    store: Store
    deployment: str | None = None
    project: str | None = None

    def see_that_it_is_ours(self, address: Address | None = None) -> None:
        """Raise LakeError where the lake is of another deployment, or the table of another project; what is nobody's
        becomes ours."""
        if self.deployment is not None:
            see_that_it_is_of(self.store, self.deployment)
        if self.project is not None and address is not None:
            see_that_table_is_of(self.store, address.owner, self.project)

    def own_tables(self) -> tuple[Address, ...]:
        """The tables that are of no other project; raises LakeError where the lake cannot be read."""
        try:
            return tuple(
                each
                for each in self.tables()
                if self.project is None or project_of(self.store, each.owner) in (None, self.project)
            )
        except OSError as error:
            raise LakeError(f"the lake {self.store.uri} cannot be read ({reason(error)})") from error

    def table(self, address: Address) -> Store:
        """The folder of a table."""
        return self.store.below(f"{address.layer}/{address.name}")

    def uri(self, address: Address) -> str:
        """Where the table lives."""
        return self.table(address).uri

    def tables(self) -> tuple[Address, ...]:
        """The addresses of all tables, sorted; a folder that is no Delta table is none, nor one with another name.

        Raises LakeError where the lake cannot be listed.
        """
        try:
            found = [
                Address(layer, name)
                for layer in self.store.folders()
                for name in self.store.folders(layer)
                if is_address(layer, name)
            ]
        except OSError as error:
            raise LakeError(
                f"the lake {self.store.uri} cannot be listed ({reason(error)}); make it readable"
            ) from error
        # A writer that was killed before its table's first commit leaves a log without an entry.
        return tuple(address for address in found if self._log_entries(address))

    def find(self, address: Address, version: int | None = None) -> Snapshot | None:
        """The table at a version (the latest by default), None where it does not exist yet.

        Raises TableNotFound for a version that it does not have, LakeError for a log that cannot be read.
        """
        table = self.table(address)
        if version is not None and version < 0:
            raise TableNotFound(f"{address} has no version {version}; see: taxiway history {address}")
        entries: frozenset[str] = frozenset()
        try:
            state = latest(table) if version is None else None
            if state is None:
                # Looked for before it is opened: another writer may make its first commit at any moment.
                entries = self._log_entries(address)
                if not entries:
                    return None
                state = of_delta(DeltaTable(table.uri, version=version, storage_options=table.delta_options))
            return Snapshot(address, table, state)
        except (DeltaError, OSError, ValueError) as error:
            if version is not None and f"{version:020d}.json" not in entries:
                first = min(int(name[:20]) for name in entries)
                there = f": its log begins at {first}, what was before has been cleaned up" if version < first else ""
                raise TableNotFound(
                    f"{address} has no version {version}{there}; see: taxiway history {address}"
                ) from None
            raise self._unreadable(address, error) from error

    def open(self, address: Address, version: int | None = None) -> Snapshot:
        """The table at a version, the latest by default; raises TableNotFound where there is none."""
        snapshot = self.find(address, version)
        if snapshot is None:
            raise TableNotFound(f"{address} has not been published yet; make it with: taxiway run {address} --upstream")
        return snapshot

    def publish(self, publication: Publication, schema: pa.Schema, write: Write) -> int:
        """Replace exactly the partitions that the publication names by the rows that `write` writes, in one commit;
        returns its version.

        Where another writer has changed what the publication rests on since its base, raises PublishConflict and
        publishes nothing. Raises LakeError where the storage refuses.
        """
        self.see_that_it_is_ours(publication.address)
        table, own = self.table(publication.address), publication.provenance.id
        if publication.base is None:
            # A log that cannot be read is no absent one.
            self.find(publication.address)
        try:
            register(table, own)
        except OSError as error:
            raise refused(publication, error) from error
        try:
            write(table.address(own))
            files = written(table, own, publication.partition_column)
        except OSError as error:
            _discard(table, own)
            raise refused(publication, error) from error
        except BaseException:
            _discard(table, own)
            raise
        try:
            version = commit(publication, table, schema, files, partial(self.find, publication.address))
        except CommitFailed:
            # It may yet come to be: upkeep sees to it that it cannot before it removes the files.
            raise
        except LakeError:
            _discard(table, own)
            raise
        # Whoever finds it registered sees that it is committed.
        with suppress(OSError):
            deregister(table, own)
        return version

    def note(self, publication: Publication) -> int:
        """Make a commit that changes no rows, but what is known of the publication's partitions; returns its version.

        Raises as `publish`.
        """
        self.see_that_it_is_ours(publication.address)
        table = self.table(publication.address)
        assert publication.base is not None
        schema = publication.base.schema
        return commit(publication, table, schema, [], partial(self.find, publication.address))

    def restore(self, address: Address, version: int, *, run: str, user: str = "") -> int:
        """Make an earlier version of a table, with what was known of its partitions, its next one; returns that.

        Raises TableNotFound where there is none, PublishConflict where another writer is quicker, LakeError where its
        files are gone or the storage refuses.
        """
        self.see_that_it_is_ours(address)
        return restore(self.open(address), self.open(address, version), run, user)

    def drop(self, address: Address) -> None:
        """Remove a table with all its versions; nothing where there is none. Any project may have its name then.

        Raises LakeError where the storage refuses.
        """
        self.see_that_it_is_ours(address)
        table = self.table(address)
        try:
            # Without its first entry a log is none. Until then it is whole: checkpoints only shorten the reading.
            log = sorted(file.path for file in table.files(FOLDER))
            table.remove(sorted(log, key=lambda path: path.endswith(".json")))
            table.remove([file.path for file in table.files()])
            if address.owner == str(address):
                release(self.store, address.owner)
        except OSError as error:
            raise LakeError(f"{address}: {table.uri} cannot be removed ({error}); make it writable") from error

    def _log_entries(self, address: Address) -> frozenset[str]:
        table = self.table(address)
        try:
            return frozenset(name for name in Log(table).entries() if _LOG_ENTRY.fullmatch(name))
        except OSError as error:
            raise self._unreadable(address, error) from error

    def _unreadable(self, address: Address, error: Exception) -> LakeError:
        table = self.table(address)
        if isinstance(error, ConnectionError):
            return LakeError(f"{address}: its Delta log cannot be read ({reason(error)}); try again once it does")
        return LakeError(
            f"{address}: its Delta log {table.address(FOLDER)} cannot be read ({reason(error)}{_damaged(table)}); "
            f"restore it from a copy, or move {table.uri} away and make the table anew with: taxiway run {address}"
        )


def _discard(table: Store, own: str) -> None:
    """Remove what was written; what cannot be removed now is left to upkeep, as what went wrong is to be told."""
    with suppress(OSError):
        discard(table, own)


def _damaged(table: Store) -> str:
    """The entries of a log that are not JSON, in words; empty where they cannot be listed."""
    try:
        paths = sorted(file.path for file in table.files(FOLDER) if file.path.endswith(".json"))
        damaged = [path.rsplit("/", 1)[-1] for path in paths if not _is_json(table.read(path))]
    except OSError:
        return ""
    return f"; damaged: {', '.join(damaged)}" if damaged else ""


def _is_json(entry: bytes) -> bool:
    try:
        for line in entry.splitlines():
            json.loads(line)
    except ValueError:
        return False
    return True

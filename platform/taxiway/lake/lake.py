"""Tables of the lake: open at a version, publish in one Delta commit that replaces exactly what it names."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from taxiway.addresses import Address, is_address
from taxiway.errors import LakeError, TableNotFound
from taxiway.lake.provenance import WHOLE, PartitionState
from taxiway.lake.publication import Publication, partition_key
from taxiway.lake.schema import new_columns
from taxiway.lake.snapshot import Snapshot
from taxiway.lake.writer import Writer, conflict, reason, refused

_LOG_ENTRY = re.compile(r"[0-9]{20}\.(json|checkpoint.*\.parquet)")


@dataclass(frozen=True)
class Lake:
    """The tables below one folder, each at `<root>/<layer>/<name>`."""

    root: Path

    def uri(self, address: Address) -> str:
        """Where the table lives."""
        return str(self.root / address.layer / address.name)

    def tables(self) -> tuple[Address, ...]:
        """The addresses of all tables, sorted; a folder that is no Delta table is none, nor one with another name."""
        folders = [log.parent for log in self.root.glob("*/*/_delta_log")]
        found = (Address(f.parent.name, f.name) for f in folders if is_address(f.parent.name, f.name))
        # A writer that was killed before its table's first commit leaves a log without an entry.
        return tuple(sorted(address for address in found if self._log_entries(address)))

    def find(self, address: Address, version: int | None = None) -> Snapshot | None:
        """The table at a version (the latest by default), None where it does not exist yet.

        Raises TableNotFound for a version that it does not have, LakeError for a log that cannot be read.
        """
        uri = self.uri(address)
        if version is not None and version < 0:
            raise TableNotFound(f"{address} has no version {version}; see: taxiway history {address}")
        try:
            return Snapshot(address, uri, DeltaTable(uri, version=version))
        except TableNotFoundError as error:
            if not self._log_entries(address):
                return None
            raise self._unreadable(address, error) from error
        except (DeltaError, OSError, ValueError) as error:
            entries = self._log_entries(address)
            if version is not None and f"{version:020d}.json" not in entries:
                known = [int(name[:20]) for name in entries]
                was = f": its log begins at {min(known)}, what was before has been cleaned up" if known else ""
                there = was if known and version < min(known) else ""
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

    def publish(self, publication: Publication, writer: Writer) -> int:
        """Replace exactly the partitions that the publication names by the writer's rows, in one commit; returns its
        version.

        Where another writer has changed one of the same partitions since the publication's base, or any that its rows
        were held against, raises PublishConflict and publishes nothing. Raises LakeError where the storage refuses.
        """
        base = publication.base
        if base is None:
            if self._created(publication, writer):
                return 0
            # Another writer created the table meanwhile; of its partitions none was there for us to compare with.
            base = self.open(publication.address)
            if (
                publication.rebuild
                or publication.against_all
                or set(base.partitions) & set(publication.provenance.partitions)
            ):
                raise conflict(publication)
        widens = not publication.rebuild and bool(new_columns(publication.address, base.schema, writer.schema))
        return writer.replace(publication, base, widens=widens)

    def _created(self, publication: Publication, writer: Writer) -> bool:
        """Create the table with its first commit; false where another writer has created it."""
        uri = self.uri(publication.address)
        try:
            Path(uri).mkdir(parents=True, exist_ok=True)
            writer.create(publication, uri)
        except OSError as error:
            raise refused(publication, reason(error)) from error
        except LakeError:
            if self.find(publication.address) is None:
                raise
            return False
        return True

    def drop(self, address: Address) -> None:
        """Remove a table with all its versions, at once for whoever reads; nothing where there is none.

        Raises LakeError where the storage refuses.
        """
        folder = Path(self.uri(address))
        # A name that no address has: what is left of a removal that was cut short is no table.
        aside = folder.with_name(f".dropped-{address.name}-{uuid4().hex}")
        try:
            if folder.is_dir():
                folder.rename(aside)
                shutil.rmtree(aside)
        except OSError as error:
            raise LakeError(f"{address}: {folder} cannot be removed ({error}); make it writable") from error

    def confirm(self, address: Address, partition: str, state: PartitionState) -> None:
        """Remember that recomputing a partition gave the rows it has, so that it need not be compared again.

        Raises LakeError where the storage refuses.
        """
        file = self._confirmed(address, partition)
        note = json.dumps(state.as_data())
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            staged = file.with_name(f".{file.name}.{uuid4().hex}")
            staged.write_text(note)
            staged.replace(file)
        except OSError as error:
            raise LakeError(
                f"{address}: {partition} has not changed, but that cannot be noted in {file.parent} ({error}); "
                "make room there, or make it writable"
            ) from error

    def confirmed(self, address: Address, partition: str, state: PartitionState | None) -> PartitionState | None:
        """What last gave the partition the rows it has: the later of its commit and what was confirmed since."""
        file = self._confirmed(address, partition)
        if state is None or not file.is_file():
            return state
        try:
            noted = json.loads(file.read_text())
            return PartitionState.from_data(noted) if noted["data_version"] == state.data_version else state
        except (OSError, ValueError, KeyError, TypeError):
            # Without a note that can be read the partition is compared again.
            return state

    def known(self, snapshot: Snapshot) -> dict[str, PartitionState]:
        """What is known of each published partition, with what was confirmed since."""
        noted = {WHOLE, *(file.stem for file in self._notes(snapshot.address).glob("*.json"))}
        states: dict[str, PartitionState] = {}
        for key, state in snapshot.partitions.items():
            later = self.confirmed(snapshot.address, key, state) if key in noted else None
            states[key] = later or state
        return states

    def _confirmed(self, address: Address, partition: str) -> Path:
        name = "whole" if partition == WHOLE else partition_key(address, partition)
        return self._notes(address) / f"{name}.json"

    def _notes(self, address: Address) -> Path:
        # Delta's readers and vacuum pass over names that begin with an underscore.
        return Path(self.uri(address)) / "_confirmed"

    def _log(self, address: Address) -> Path:
        return Path(self.uri(address)) / "_delta_log"

    def _log_entries(self, address: Address) -> frozenset[str]:
        try:
            return frozenset(f.name for f in self._log(address).iterdir() if _LOG_ENTRY.fullmatch(f.name))
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            raise self._unreadable(address, error) from error

    def _unreadable(self, address: Address, error: Exception) -> LakeError:
        log = self._log(address)
        return LakeError(
            f"{address}: its Delta log {log} cannot be read ({reason(error)}{_damaged(log)}); restore it from a copy, "
            f"or move the folder {log.parent} away and make the table anew with: taxiway run {address}"
        )


def _damaged(log: Path) -> str:
    """The entries of a log that are not JSON, in words; empty where they cannot be listed."""
    try:
        damaged = [entry.name for entry in sorted(log.glob("*.json")) if not _is_json(entry)]
    except OSError:
        return ""
    return f"; damaged: {', '.join(damaged)}" if damaged else ""


def _is_json(entry: Path) -> bool:
    try:
        for line in entry.read_text().splitlines():
            json.loads(line)
    except ValueError:
        return False
    return True

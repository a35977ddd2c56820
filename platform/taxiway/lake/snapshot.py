"""One version of a table, pinned: its schema, its live files, and what is known of its partitions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
from deltalake import DeltaTable

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.log import Commit, Log
from taxiway.lake.provenance import PartitionState
from taxiway.lake.replay import State
from taxiway.lake.states import States, states_at
from taxiway.storage import Store


@dataclass(frozen=True)
class DataFile:
    """A live Parquet file: its path below the table, its partition key, rows and bytes.

    Whoever wrote it need not have said how many rows it has.
    """

    path: str
    partition: str
    rows: int | None
    bytes: int


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A table at a version, in the folder `store`. It reads the log when asked, and never a later version."""

    address: Address
    store: Store
    state: State
    _found: list[tuple[States, int]] = field(default_factory=list, init=False, repr=False)

    @property
    def uri(self) -> str:
        """Where the table lives."""
        return self.store.uri

    @property
    def version(self) -> int:
        """The version that is pinned."""
        return self.state.version

    @property
    def identity(self) -> str:
        """What tells the table from another one that was made at the same address."""
        return str(self.state.metadata["id"])

    @property
    def schema(self) -> pa.Schema:
        """The columns in the table's order."""
        return self.state.schema

    @property
    def delta(self) -> DeltaTable:
        """The table as deltalake has it."""
        return self.delta_at(self.version)

    def delta_at(self, version: int) -> DeltaTable:
        """The table at another version as deltalake has it."""
        return DeltaTable(self.uri, version=version, storage_options=self.store.delta_options)

    @property
    def partition_column(self) -> str | None:
        """The column the table is partitioned by, None where it is not."""
        columns = self.state.metadata["partitionColumns"]
        if len(columns) > 1:
            raise LakeError(f"{self.address}: partitioned by {columns}; Taxiway's tables have at most one such column")
        return columns[0] if columns else None

    @cached_property
    def files(self) -> tuple[DataFile, ...]:
        """The live files, in the order of their partitions; raises LakeError where several columns divide them."""
        _ = self.partition_column
        found = (
            DataFile(file.path, file.partition, file.statistics.get("numRecords"), file.bytes)
            for file in self.state.files
        )
        return tuple(sorted(found, key=lambda file: (file.partition, file.path)))

    @cached_property
    def bytes_by_partition(self) -> Mapping[str, int]:
        """The bytes of the live files of each partition."""
        found: dict[str, int] = {}
        for file in self.files:
            found[file.partition] = found.get(file.partition, 0) + file.bytes
        return found

    @property
    def partitions(self) -> Mapping[str, PartitionState]:
        """What is known of each partition that was ever published."""
        return self._known()[0]

    @property
    def told_ago(self) -> int:
        """How many commits had to be read to know it."""
        return self._known()[1]

    def _known(self) -> tuple[States, int]:
        # Not a cached property, which would make all threads of a process wait for the storage one after the other.
        if not self._found:
            live: dict[str, list[str]] = {}
            for file in self.state.files:
                live.setdefault(file.partition, []).append(file.path)
            self._found.append(states_at(self.log, self.version, live, self.state.recent))
        return self._found[0]

    @property
    def log(self) -> Log:
        """The log of the table, which may know later versions."""
        return Log(self.store)

    def streamed_to(self, stream: str) -> int | None:
        """The end of the last stretch of a stream that was appended, None where none was."""
        known = self.state.transactions
        return known.get(stream) if known is not None else self.delta.transaction_version(stream)

    def commits(self, oldest: int = 0) -> Iterator[Commit]:
        """The commits from this version back to `oldest`, newest first, as far back as the log goes."""
        recent = self.state.recent
        yield from (commit for commit in recent if commit.version >= oldest)
        yield from self.log.commits(self.version - len(recent), oldest)

    def check_files(self) -> None:
        """See that every live file is there with its size; raises LakeError with the first that is not."""
        for file, size in self._sizes():
            if size != file.bytes:
                raise LakeError(
                    f"{self.address} version {self.version}: {self.store.address(file.path)} is gone or damaged; make "
                    f"the table anew with: taxiway run {self.address} --rebuild"
                )

    def check_not_vacuumed(self) -> None:
        """See that the files of an earlier version are still there; raises LakeError where they are not."""
        gone = [file for file, size in self._sizes() if size is None]
        if gone:
            raise LakeError(
                f"{self.address} version {self.version} can no longer be read: {len(gone)} of its {len(self.files)} "
                "files have been removed, as a vacuum does with those that later versions have replaced; see the "
                f"later ones with: taxiway history {self.address}"
            )

    def _sizes(self) -> Iterator[tuple[DataFile, int | None]]:
        """Each live file with the bytes that it has, None where it is not there."""
        try:
            found = self.store.each(self.store.find, [file.path for file in self.files])
            yield from ((file, at.size if at else None) for file, at in zip(self.files, found, strict=True))
        except OSError as error:
            raise LakeError(
                f"{self.address} version {self.version}: its files cannot be looked at ({error})"
            ) from error

    def plain_files(self) -> bool:
        """Whether the live files can be read as they are: no deletion vectors, no column mapping."""
        return self.state.is_plain

    def rows(self, partitions: Sequence[str] | None = None) -> int | None:
        """How many rows these partitions have, all by default; None where the log does not say."""
        counted = [file.rows for file in self.selected(partitions)]
        return sum(filter(None, counted)) if self.plain_files() and None not in counted else None

    def selected(self, partitions: Sequence[str] | None = None) -> tuple[DataFile, ...]:
        """The live files of these partitions, all by default."""
        if partitions is None:
            return self.files
        wanted = frozenset(partitions)
        return tuple(file for file in self.files if file.partition in wanted)

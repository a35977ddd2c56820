"""Tables of the lake: open at a version, publish in one Delta commit that replaces exactly what it names."""

import json
import os
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from taxiway.addresses import Address
from taxiway.errors import LakeError, PublishConflict, TableNotFound
from taxiway.lake.provenance import KEY, WHOLE, PartitionState
from taxiway.lake.publication import Publication
from taxiway.lake.schema import new_columns
from taxiway.lake.snapshot import Snapshot

_COMPRESSED = WriterProperties(compression="ZSTD", compression_level=1)
# The log is what says how a partition came to be, so it is never cut short behind our back.
_KEEP_LOG = PostCommitHookProperties(cleanup_expired_logs=False)


class Lake:
    """The tables below one folder, each at `<root>/<layer>/<name>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def uri(self, address: Address) -> str:
        """Where the table lives."""
        return str(self.root / address.layer / address.name)

    def tables(self) -> tuple[Address, ...]:
        """The addresses of all tables, sorted; a folder that is no Delta table is none."""
        logs = self.root.glob("*/*/_delta_log")
        return tuple(sorted(Address(log.parent.parent.name, log.parent.name) for log in logs))

    def find(self, address: Address, version: int | None = None) -> Snapshot | None:
        """The table at a version (the latest by default), None where it does not exist yet.

        Raises TableNotFound for a version that it does not have, LakeError for a log that cannot be read.
        """
        uri = self.uri(address)
        try:
            return Snapshot(address, uri, DeltaTable(uri, version=version))
        except TableNotFoundError:
            if not self._has_log(address):
                return None
            raise LakeError(f"{address}: {uri} holds a Delta log that cannot be read") from None
        except (DeltaError, OSError, ValueError) as error:
            if version is not None and "version" in str(error).lower():
                raise TableNotFound(f"{address} has no version {version}; see: taxiway history {address}") from None
            raise LakeError(f"{address}: its Delta log cannot be read ({_first_line(error)})") from error

    def open(self, address: Address, version: int | None = None) -> Snapshot:
        """The table at a version, the latest by default; raises TableNotFound where there is none."""
        snapshot = self.find(address, version)
        if snapshot is None:
            raise TableNotFound(f"{address} has not been published yet; make it with: taxiway run {address} --upstream")
        return snapshot

    def publish(self, publication: Publication, rows: pa.RecordBatchReader) -> int:
        """Replace exactly the partitions that the publication names by `rows`, in one commit; returns its version.

        Where another writer has changed one of the same partitions since the publication's base, raises
        PublishConflict and publishes nothing. Raises LakeError where the storage refuses.
        """
        address, base = publication.address, publication.base
        options = {
            "commit_properties": CommitProperties(custom_metadata={KEY: publication.provenance.dump()}),
            "writer_properties": _COMPRESSED,
            "post_commithook_properties": _KEEP_LOG,
        }
        try:
            if base is None:
                Path(self.uri(address)).mkdir(parents=True, exist_ok=True)
                column = publication.partition_column
                write_deltalake(self.uri(address), rows, mode="error", partition_by=[column] if column else None, **options)
                return self.open(address).version
            target = DeltaTable(base.uri, version=base.version)
            added = () if publication.rebuild else new_columns(address, base.schema, rows.schema)
            schema_mode = "overwrite" if publication.rebuild else "merge" if added else None
            write_deltalake(
                target, rows, mode="overwrite", predicate=publication.predicate, schema_mode=schema_mode, **options
            )
            return target.version()
        except CommitFailedError as error:
            raise PublishConflict(
                f"{address}: another run published {publication.named} while this one computed; "
                "nothing of this run was published there, run it again"
            ) from error
        except (DeltaError, OSError) as error:
            if base is None and "already exists" in str(error):
                raise PublishConflict(f"{address}: another run created the table first; run it again") from error
            raise LakeError(f"{address}: publishing failed, the table is as it was ({_first_line(error)})") from error

    def confirm(self, address: Address, partition: str, state: PartitionState) -> None:
        """Remember that recomputing a partition gave the rows it has, so that it need not be compared again."""
        file = self._confirmed(address, partition)
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = file.with_name(f".{file.name}.{os.getpid()}")
        staged.write_text(json.dumps({"v": state.data_version, "f": state.fingerprint, "i": state.inputs}))
        staged.replace(file)

    def confirmed(self, address: Address, partition: str, state: PartitionState | None) -> PartitionState | None:
        """What last gave the partition the rows it has: the later of its commit and what was confirmed since."""
        file = self._confirmed(address, partition)
        if state is None or not file.is_file():
            return state
        noted = json.loads(file.read_text())
        if noted["v"] != state.data_version:
            return state
        return PartitionState(state.data_version, noted["f"], noted["i"], state.rows, state.rejected)

    def _confirmed(self, address: Address, partition: str) -> Path:
        # Delta's readers and vacuum pass over names that begin with an underscore.
        name = "whole" if partition == WHOLE else partition
        return Path(self.uri(address)) / "_confirmed" / f"{name}.json"

    def _has_log(self, address: Address) -> bool:
        log = Path(self.uri(address)) / "_delta_log"
        return log.is_dir() and any(log.iterdir())


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

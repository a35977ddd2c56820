"""One version of a table, pinned: its schema, its live files, and what is known of its partitions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.provenance import WHOLE, PartitionState, partition_states

NO_KEY = "__HIVE_DEFAULT_PARTITION__"
"""What Delta calls the partition of rows that have no value in the partition column; only other programs write them."""


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
    """A table at a version. It reads the log when asked, and never a later version."""

    address: Address
    uri: str
    delta: DeltaTable

    @property
    def version(self) -> int:
        """The version that is pinned."""
        return self.delta.version()

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns in the table's order."""
        return pa.schema(self.delta.schema().to_arrow())

    @cached_property
    def partition_column(self) -> str | None:
        """The column the table is partitioned by, None where it is not."""
        columns = self.delta.metadata().partition_columns
        if len(columns) > 1:
            raise LakeError(f"{self.address}: partitioned by {columns}; Taxiway's tables have at most one such column")
        return columns[0] if columns else None

    @cached_property
    def add_actions(self) -> pa.Table:
        """What the log says of each live file, its statistics by column included."""
        return pa.table(self.delta.get_add_actions(flatten=True))

    @cached_property
    def files(self) -> tuple[DataFile, ...]:
        """The live files, in the order of their partitions."""
        actions = self.add_actions
        column = f"partition.{self.partition_column}"
        found_keys = actions[column].to_pylist() if self.partition_column else [WHOLE] * actions.num_rows
        keys = [NO_KEY if key is None else str(key) for key in found_keys]
        columns = (actions[name].to_pylist() for name in ("path", "num_records", "size_bytes"))
        found = (DataFile(unquote(path), key, rows, size) for key, path, rows, size in zip(keys, *columns, strict=True))
        return tuple(sorted(found, key=lambda file: (file.partition, file.path)))

    @cached_property
    def history(self) -> list[Mapping[str, object]]:
        """All that `commits` gives."""
        return list(self.commits())

    @cached_property
    def partitions(self) -> Mapping[str, PartitionState]:
        """What is known of each partition that was ever published."""
        return partition_states(self.history, frozenset(file.partition for file in self.files))

    def commits(self) -> Iterator[Mapping[str, object]]:
        """The commits up to this version, newest first, as far back as the log goes; `version` is that of the commit.

        Read from the log itself, one by one: deltalake's own history of an older version lists the later commits too,
        and counts their versions from the wrong end.
        """
        for version in range(self.version, -1, -1):
            entry = Path(self.uri) / "_delta_log" / f"{version:020d}.json"
            if not entry.is_file():
                return
            yield _commit_info(entry) | {"version": version}

    def check_files(self) -> None:
        """See that every live file is there with its size; raises LakeError with the first that is not."""
        for file in self.files:
            path = Path(self.uri) / file.path
            if not path.is_file() or path.stat().st_size != file.bytes:
                raise LakeError(
                    f"{self.address} version {self.version}: {path} is gone or damaged; make the table anew with: "
                    f"taxiway run {self.address} --rebuild"
                )

    def check_not_vacuumed(self) -> None:
        """See that the files of an earlier version are still there; raises LakeError where they are not."""
        gone = [file for file in self.files if not (Path(self.uri) / file.path).is_file()]
        if gone:
            raise LakeError(
                f"{self.address} version {self.version} can no longer be read: {len(gone)} of its {len(self.files)} "
                "files have been removed, as a vacuum does with those that later versions have replaced; see the "
                f"later ones with: taxiway history {self.address}"
            )

    def plain_files(self) -> bool:
        """Whether the live files can be read as they are: no deletion vectors, no column mapping."""
        features = set(self.delta.protocol().reader_features or ())
        mode = self.delta.metadata().configuration.get("delta.columnMapping.mode", "none")
        return "deletionVectors" not in features and mode in (None, "none")

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


def _commit_info(entry: Path) -> dict[str, object]:
    """What a log entry says of its commit; nothing where it says nothing that can be read."""
    try:
        lines = entry.read_text().splitlines()
        found = [json.loads(line).get("commitInfo") for line in lines if '"commitInfo"' in line]
        return dict(next(filter(None, found), {}))
    except (OSError, ValueError, AttributeError, TypeError):
        return {}

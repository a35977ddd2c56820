"""What a table is at a version: its log replayed.

The latest version is found from the last checkpoint on, without listing the log, where the table is plain: a classic
checkpoint, JSON entries, no features but those that a list of files shows. It follows
https://github.com/delta-io/delta/blob/master/PROTOCOL.md. Of all others, and of earlier versions, deltalake tells the
same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema

from taxiway.lake.files import as_statistic
from taxiway.lake.log import AT_ONCE, FOLDER, Commit, Log, partition_of
from taxiway.storage import Store

# Of writers, which change nothing for readers, any may be there.
_READER_FEATURES = frozenset({"timestampNtz"})
_CHECKPOINT = ["add", "metaData", "protocol", "txn"]

Actions: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class LiveFile:
    """A file that is part of a version: its path below the table as the log spells it, its values of the partition
    columns, its bytes, and what the log says of its rows, as text as long as nobody asks."""

    raw: str
    values: Mapping[str, str | None]
    bytes: int
    told: str | Mapping[str, Any] = field(repr=False)

    @property
    def path(self) -> str:
        """Its path below the table."""
        return unquote(self.raw)

    @property
    def partition(self) -> str:
        """The key of its partition."""
        return partition_of({"partitionValues": self.values})

    @cached_property
    def statistics(self) -> Mapping[str, Any]:
        """What the log says of its rows: `numRecords`, `minValues`, `maxValues`, `nullCount`."""
        return self.told if isinstance(self.told, Mapping) else json.loads(self.told or "{}")

    @property
    def statistics_text(self) -> str:
        """The same as the log has it."""
        return self.told if isinstance(self.told, str) else json.dumps(self.told, default=as_statistic)


@dataclass(frozen=True)
class State:
    """A table at a version, with Delta's own words for its protocol and its metadata; `recent` are its latest commits,
    the newest first, as far as they were read. Without `transactions`
    deltalake has to be asked for them."""

    version: int
    protocol: Mapping[str, Any]
    metadata: Mapping[str, Any]
    transactions: Mapping[str, int] | None
    files: tuple[LiveFile, ...] = field(repr=False)
    recent: tuple[Commit, ...] = field(default=(), repr=False)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns in the table's order."""
        return pa.schema(Schema.from_json(self.metadata["schemaString"]).to_arrow())

    @property
    def is_plain(self) -> bool:
        """Whether the files can be read as they are: no deletion vectors, no column mapping."""
        mapping = self.metadata["configuration"].get("delta.columnMapping.mode") or "none"
        return "deletionVectors" not in (self.protocol.get("readerFeatures") or ()) and mapping == "none"


def latest(store: Store) -> State | None:
    """The latest version of the table in a folder; None where that has to be asked of deltalake: there may be none, it
    may not be plain, or its log is damaged. Raises OSError where it cannot be read."""
    try:
        return _replayed(*_read(store))
    except (_NotPlain, ValueError, KeyError, TypeError, IndexError, pa.ArrowException):
        return None


class _NotPlain(Exception):
    """What the log says is not for this reader."""


def _read(store: Store) -> tuple[Actions, list[Commit]]:
    """The actions of the last checkpoint, none where there is none, and the commits from its version on."""
    try:
        hint = json.loads(store.read(f"{FOLDER}/_last_checkpoint"))
    except FileNotFoundError:
        hint = {"version": -1}
    if hint.get("parts") or hint.get("v2Checkpoint"):
        raise _NotPlain
    start = int(hint["version"])
    return _checkpoint(store, start) if start >= 0 else {}, _commits_from(Log(store), max(start, 0))


def _checkpoint(store: Store, version: int) -> Actions:
    try:
        found = pq.ParquetFile(pa.BufferReader(store.read(f"{FOLDER}/{version:020d}.checkpoint.parquet")))
    except FileNotFoundError:
        raise _NotPlain from None
    names = set(found.schema_arrow.names)
    if "sidecar" in names and found.read(["sidecar"])["sidecar"].null_count < found.metadata.num_rows:
        raise _NotPlain
    table = found.read([name for name in _CHECKPOINT if name in names])
    return {name: table[name].drop_null().to_pylist(maps_as_pydicts="strict") for name in table.column_names}


def _commits_from(log: Log, start: int) -> list[Commit]:
    """All commits from a version on, the oldest first; that of a checkpoint may be gone."""
    commits: list[Commit] = []
    first = start
    while True:
        found = list(log.read(range(first, first + AT_ONCE)))
        if first == start > 0 and found[0] is None:
            found.pop(0)
        there = [commit for commit in found if commit is not None]
        # An entry after one that is missing: the log has a gap.
        if any(commit is not None for commit in found[len(there) :]):
            raise _NotPlain
        commits += there
        if len(there) < len(found):
            return commits
        first += AT_ONCE


def _replayed(checkpoint: Actions, commits: Sequence[Commit]) -> State:
    """The state after these commits, of which the first may be that of the checkpoint."""
    given = [checkpoint, *(commit.actions for commit in commits)]
    live: dict[str, LiveFile] = {}
    transactions: dict[str, int] = {}
    for actions in given:
        for removed in actions.get("remove", ()):
            live.pop(removed["path"], None)
        for added in actions.get("add", ()):
            path, values = added["path"], added["partitionValues"]
            live[path] = LiveFile(path, values, added["size"], added.get("stats") or "")
        transactions |= {done["appId"]: done["version"] for done in actions.get("txn", ())}
    protocol, metadata = _last("protocol", given), _last("metaData", given)
    state = State(commits[-1].version, protocol, metadata, transactions, (*live.values(),), (*reversed(commits),))
    known = set(protocol.get("readerFeatures") or ()) <= _READER_FEATURES
    if not known or not state.is_plain or (protocol["minReaderVersion"] > 1 and not protocol.get("readerFeatures")):
        raise _NotPlain
    return state


def _last(name: str, given: Iterable[Actions]) -> Mapping[str, Any]:
    return [action for actions in given for action in actions.get(name, ())][-1]


def of_delta(table: DeltaTable) -> State:
    """The state that deltalake tells."""
    metadata, protocol = table.metadata(), table.protocol()
    return State(
        table.version(),
        {
            "minReaderVersion": protocol.min_reader_version,
            "minWriterVersion": protocol.min_writer_version,
            **({"readerFeatures": protocol.reader_features} if protocol.reader_features else {}),
            **({"writerFeatures": protocol.writer_features} if protocol.writer_features else {}),
        },
        {
            "id": str(metadata.id),
            "name": metadata.name,
            "description": metadata.description,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": table.schema().to_json(),
            "partitionColumns": list(metadata.partition_columns),
            "configuration": dict(metadata.configuration),
            "createdTime": metadata.created_time,
        },
        None,
        tuple(_files_of(pa.table(table.get_add_actions(flatten=True)), metadata.partition_columns)),
    )


def _files_of(actions: pa.Table, partition_columns: Sequence[str]) -> Iterable[LiveFile]:
    for row in actions.to_pylist():
        values = {column: row[f"partition.{column}"] for column in partition_columns}
        told = {
            "numRecords": row["num_records"],
            **{name: _of(row, prefix) for name, prefix in (("minValues", "min."), ("maxValues", "max."))},
            "nullCount": _of(row, "null_count."),
        }
        yield LiveFile(row["path"], values, row["size_bytes"], told)


def _of(row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}

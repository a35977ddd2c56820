"""The one place that makes commits: data files that are in place become a version of a table, or nothing does.

A commit is one new file in the table's log, which only one writer can create. It is made on the version that its rows
were compared with. Where another writer was quicker, what that did decides: if it touched nothing that this commit
rests on, it is made on top, otherwise it is a conflict. What the file says is Delta's:
https://github.com/delta-io/delta/blob/master/PROTOCOL.md.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
from deltalake import Schema
from deltalake.exceptions import DeltaError

from taxiway.errors import LakeError
from taxiway.lake.files import Written
from taxiway.lake.log import FOLDER, NO_KEY, Commit
from taxiway.lake.messages import conflict, failed, reason, refused, revoked
from taxiway.lake.provenance import KEY, Provenance
from taxiway.lake.publication import Publication
from taxiway.lake.replay import LiveFile
from taxiway.lake.schema import new_columns
from taxiway.lake.snapshot import Snapshot
from taxiway.lake.states import TELL_ALL_AFTER
from taxiway.storage import Store
from taxiway.version import __version__

Find: TypeAlias = Callable[[], Snapshot | None]
"""The table as it is now."""

Action: TypeAlias = dict[str, Mapping[str, Any]]

GONE = "taxiway_gone"
"""The key under which upkeep's commit names the writers that can make no commit any more."""

REMOVED = "taxiway_removed"
"""The key under which it names the files of earlier versions that it removes."""

# Spark too makes checkpoints so often, and does not cut short the log, which says how a partition came to be.
_PROPERTIES = {"delta.enableExpiredLogCleanup": "false", "delta.checkpointInterval": str(TELL_ALL_AFTER)}
# What a writer of these need do no more for than is done here; `invariants` and `appendOnly` are looked for.
_WRITER_FEATURES = frozenset({"timestampNtz", "appendOnly", "invariants"})

_logger = logging.getLogger(__name__)


def commit(publication: Publication, store: Store, schema: pa.Schema, files: Sequence[Written], find: Find) -> int:
    """Commit the rows of these files, which lie below the table's `store`, and return the version.

    Raises PublishConflict where another writer has changed what the publication rests on, CommitFailed where the
    storage fails, LakeError where the files are not the publication's rows or the table cannot have them; then nothing
    is published.
    """
    _see_that_rows_are_those(publication, files)
    base = publication.base
    while True:
        actions = [*_header(publication, base, schema), *_moves(publication, base, files)]
        try:
            return _put(publication, base, store, actions)
        except FileExistsError as error:
            latest, own = _what_became(publication, base, find, error)
            if latest is not None and base is not None and latest.version == base.version:
                raise refused(publication, f"{error} and is no entry of a log: remove it") from error
        except OSError as error:
            _, own = _what_became(publication, base, find, error)
            if own is not None:
                return own
            if store.is_folder:
                raise refused(publication, error) from error
            # A request may be answered late, and done all the same.
            raise failed(publication, error, is_known=True) from error
        if own is not None:
            return own
        base = _fit_to_go_on(publication, latest)


def restore(snapshot: Snapshot, earlier: Snapshot, run: str, user: str = "") -> int:
    """Make an earlier version, with what was known of it, the table's next; returns that.

    Raises LakeError where files of it are gone or the storage refuses, PublishConflict where another writer has changed
    the table since `snapshot`.
    """
    _see_that_none_are_going(snapshot, earlier)
    earlier.check_not_vacuumed()
    restored = Provenance.of(run=run, user=user, engine="none", libraries={}, partitions={})
    provenance = replace(restored, known=earlier.partitions)
    publication = Publication(snapshot.address, provenance, snapshot, snapshot.partition_column, rebuild=True)
    _see_that_it_can_be_written(publication, snapshot)
    now, then = ({file.raw: file for file in each.state.files} for each in (snapshot, earlier))
    actions = [
        {"protocol": snapshot.state.protocol},
        {"metaData": earlier.state.metadata},
        *(_added(then[raw]) for raw in sorted(then.keys() - now.keys())),
        *(_removed(now[raw]) for raw in sorted(now.keys() - then.keys())),
    ]
    said = {"operation": "RESTORE", "operationParameters": {"version": str(earlier.version)}}
    try:
        return _create(snapshot, [_info(said, {KEY: provenance.dump()}), *actions], checkpoint=True)
    except FileExistsError as error:
        raise conflict(publication) from error
    except OSError as error:
        raise failed(publication, error, is_known=False) from error


def announce(snapshot: Snapshot, what: str, names: Sequence[str]) -> None:
    """Make a commit without rows that says, as `GONE` or `REMOVED`, what there is no more from now on: whoever
    would rest on it makes no commit on an earlier version, and reads this one before a later.

    Raises FileExistsError where another writer was quicker, OSError where the storage refuses.
    """
    _create(
        snapshot, [_info({"operation": "VACUUM START", "operationParameters": {}}, {what: json.dumps(list(names))})]
    )


def _put(publication: Publication, base: Snapshot | None, store: Store, actions: Sequence[Action]) -> int:
    column, provenance = publication.partition_column, publication.provenance
    said = {
        "operation": "OPTIMIZE" if publication.compacts else "WRITE" if base is not None else "CREATE TABLE",
        "operationParameters": {
            "mode": "Append" if publication.appends or not publication.changed else "Overwrite",
            "partitionBy": json.dumps([column] if column else []),
            "partitions": publication.named,
        },
    }
    if base is None:
        store.write(f"{FOLDER}/{0:020d}.json", _text([_info(said, {KEY: provenance.dump()}), *actions]), new=True)
        return 0
    tells_all = base.told_ago >= TELL_ALL_AFTER
    if tells_all:
        provenance = replace(provenance, known={**base.partitions, **provenance.partitions})
    return _create(base, [_info(said, {KEY: provenance.dump()}), *actions], checkpoint=tells_all)


def _create(base: Snapshot, actions: Sequence[Action], *, checkpoint: bool = False) -> int:
    """Make the version after `base`, which nobody else can have made."""
    version = base.version + 1
    base.store.write(f"{FOLDER}/{version:020d}.json", _text(actions), new=True)
    if checkpoint:
        _write_checkpoint(base, version)
    return version


def _text(actions: Sequence[Action]) -> bytes:
    return "\n".join(json.dumps(action, separators=(",", ":")) for action in actions).encode()


def _info(said: Mapping[str, Any], ours: Mapping[str, str]) -> Action:
    stamp = {"timestamp": _now_ms(), "engineInfo": f"taxiway {__version__}", "txnId": str(uuid4())}
    return {"commitInfo": {**stamp, **said, **ours}}


def _now_ms() -> int:
    return round(time.time() * 1000)


def _write_checkpoint(base: Snapshot, version: int) -> None:
    """Write a checkpoint, from which the table is opened."""
    try:
        base.delta_at(version).create_checkpoint()
    except (DeltaError, OSError) as error:
        _logger.warning(
            "%s: version %d is published, but no checkpoint of its log could be written (%s); make room in the lake, "
            "or make it writable: without checkpoints the table opens ever more slowly",
            base.address,
            version,
            reason(error),
        )


def _what_became(
    publication: Publication, base: Snapshot | None, find: Find, error: Exception
) -> tuple[Snapshot | None, int | None]:
    """The table as it is now, and the version that this commit became though the storage said otherwise, or said
    nothing, None where it did not. Raises CommitFailed where that cannot be told: it may be there."""
    try:
        latest = find()
        return latest, _own_version(publication, base, latest)
    except (LakeError, OSError) as again:
        raise failed(publication, error, is_known=False) from again


def _own_version(publication: Publication, base: Snapshot | None, latest: Snapshot | None) -> int | None:
    for made in _since(base, latest):
        if made.provenance is not None and made.provenance.id == publication.provenance.id:
            return made.version
    return None


def _since(base: Snapshot | None, latest: Snapshot | None) -> Iterator[Commit]:
    if latest is not None:
        yield from latest.commits(0 if base is None else base.version + 1)


def _fit_to_go_on(publication: Publication, latest: Snapshot | None) -> Snapshot:
    """The latest version, where all that the publication rests on is there as it was; raises PublishConflict where it
    is not."""
    base = publication.base
    if latest is None or (base is not None and latest.identity != base.identity):
        raise conflict(publication)
    made = list(_since(base, latest))
    if publication.provenance.id in {writer for each in made for writer in _named(each, GONE)}:
        raise revoked(publication)
    changed = {
        key for each in made for key in (*each.changed, *(each.provenance.partitions if each.provenance else ()))
    }
    is_whole = len(made) == latest.version - (-1 if base is None else base.version)
    if not is_whole or changed & publication.rests_on or (changed and publication.rebuild):
        raise conflict(publication)
    if base is not None and latest.schema != base.schema:
        raise conflict(publication)
    if changed and publication.holds is not None and not publication.holds(latest):
        raise conflict(publication)
    if publication.appends is not None:
        raise conflict(publication)
    return latest


def _see_that_none_are_going(snapshot: Snapshot, earlier: Snapshot) -> None:
    """Refuse a version of which upkeep has begun to remove files: some may be there still."""
    needed = {file.path for file in earlier.files}
    for made in snapshot.commits(earlier.version + 1):
        if needed & set(_named(made, REMOVED)):
            raise LakeError(
                f"{snapshot.address} version {earlier.version} can no longer be restored: upkeep has removed files of "
                f"it after version {made.version - 1}; see the later ones with: taxiway history {snapshot.address}"
            )


def _named(made: Commit, what: str) -> list[str]:
    named = made.info.get(what)
    return json.loads(named) if isinstance(named, str) else []


def _see_that_rows_are_those(publication: Publication, files: Sequence[Written]) -> None:
    """Refuse files of other partitions than are published, and those that lack rows or have too many."""
    expected = _expected_rows(publication)
    rows = dict.fromkeys(expected, 0)
    for file in files:
        if file.partition not in rows:
            raise refused(publication, f"there are rows of {file.partition}, which is not among those")
        rows[file.partition] += file.rows
    for key, found in rows.items():
        if expected[key] not in (None, found):
            raise refused(publication, f"{found:,} rows of {key} are there and not {expected[key]:,}")


def _expected_rows(publication: Publication) -> dict[str, int | None]:
    """By partition how many rows there must be, None where that is not known."""
    if publication.pins:
        return dict.fromkeys(publication.provenance.partitions, 0)
    if publication.compacts:
        keys = {file.partition for file in publication.compacts}
        return {key: _sum(file.rows for file in publication.compacts if file.partition == key) for key in keys}
    states = publication.provenance.partitions
    return {key: None if publication.appends else states[key].rows for key in publication.changed}


def _sum(rows: Iterable[int | None]) -> int | None:
    known = list(rows)
    return None if None in known else sum(filter(None, known))


def _header(publication: Publication, base: Snapshot | None, schema: pa.Schema) -> Iterator[Action]:
    """What the commit says of the table: its protocol and its columns, where they are new, and the stretch of a
    stream."""
    if base is None:
        column = publication.partition_column
        columns = Schema.from_arrow(schema).to_json()
        yield _protocol({}, columns)
        yield {
            "metaData": {
                "id": str(uuid4()),
                "format": {"provider": "parquet", "options": {}},
                "schemaString": columns,
                "partitionColumns": [column] if column else [],
                "configuration": _PROPERTIES,
                "createdTime": _now_ms(),
            }
        }
    else:
        _see_that_it_can_be_written(publication, base)
        columns = _columns(publication, base, schema)
        if columns != base.state.metadata["schemaString"]:
            yield _protocol(base.state.protocol, columns)
            yield {"metaData": {**base.state.metadata, "schemaString": columns}}
    batch = publication.appends
    if batch is not None:
        if (base.streamed_to(batch.stream) if base is not None else None) != batch.begin:
            raise conflict(publication)
        yield {"txn": {"appId": batch.stream, "version": batch.end, "lastUpdated": _now_ms()}}


def _see_that_it_can_be_written(publication: Publication, base: Snapshot) -> None:
    """Refuse a table that another program gave what Taxiway does not write, or that has other partitions."""
    protocol, configuration = base.state.protocol, base.state.metadata["configuration"]
    foreign: list[str] = sorted({*(protocol.get("writerFeatures") or ())} - _WRITER_FEATURES)
    if protocol["minWriterVersion"] not in (1, 2, 7):
        foreign.append(f"writer version {protocol['minWriterVersion']}")
    if "delta.invariants" in base.state.metadata["schemaString"]:
        foreign.append("invariants")
    if configuration.get("delta.appendOnly") == "true" and publication.appends is None:
        foreign.append("delta.appendOnly")
    if foreign or not base.plain_files():
        told = ", ".join(foreign) or "deletion vectors or column mapping"
        raise LakeError(
            f"{publication.address}: another program gave the table {told}, which Taxiway does not write; {_anew(base)}"
        )
    if base.partition_column != publication.partition_column:
        raise LakeError(
            f"{publication.address}: it is partitioned by {base.partition_column or 'nothing'} and not by "
            f"{publication.partition_column or 'nothing'}; {_anew(base)}"
        )


def _anew(base: Snapshot) -> str:
    return f"make it anew with: taxiway drop {base.address} --force; taxiway run {base.address}"


def _protocol(present: Mapping[str, Any], columns: str) -> Action:
    """What readers and writers of a table with these columns must know."""
    features = set(present.get("writerFeatures") or ())
    if '"timestamp_ntz"' not in columns and not features:
        return {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
    readers = {*(present.get("readerFeatures") or ()), "timestampNtz"}
    # A table of version 2 has these two, which have to be named from version 7 on.
    writers = features or ({"appendOnly", "invariants"} if present else set())
    return {
        "protocol": {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": sorted(readers),
            "writerFeatures": sorted(writers | {"timestampNtz"}),
        }
    }


def _columns(publication: Publication, base: Snapshot, schema: pa.Schema) -> str:
    """The columns of the table after the commit, as Delta has them."""
    if publication.rebuild:
        return Schema.from_arrow(schema).to_json()
    present = base.state.metadata["schemaString"]
    added = new_columns(publication.address, base.schema, schema)
    if not added:
        return present
    new = json.loads(Schema.from_arrow(pa.schema([schema.field(name) for name in added])).to_json())
    whole = json.loads(present)
    return json.dumps({**whole, "fields": [*whole["fields"], *new["fields"]]}, separators=(",", ":"))


def _moves(publication: Publication, base: Snapshot | None, files: Sequence[Written]) -> Iterator[Action]:
    """The files that the commit adds, and those in whose place they are."""
    column, is_moved = publication.partition_column, bool(publication.compacts)
    for file in files:
        values = {} if column is None else {column: None if file.partition == NO_KEY else file.partition}
        live = LiveFile(quote(file.path, safe="/="), values, file.bytes, file.statistics)
        yield _added(live, data_change=not is_moved)
    if base is not None and publication.appends is None:
        compacted = {file.path for file in publication.compacts}
        for live in base.state.files:
            if live.path in compacted if is_moved else publication.rebuild or live.partition in publication.changed:
                yield _removed(live, data_change=not is_moved)


def _added(file: LiveFile, *, data_change: bool = True) -> Action:
    return {
        "add": {
            "path": file.raw,
            "partitionValues": file.values,
            "size": file.bytes,
            "modificationTime": _now_ms(),
            "dataChange": data_change,
            "stats": file.statistics_text,
        }
    }


def _removed(file: LiveFile, *, data_change: bool = True) -> Action:
    return {
        "remove": {
            "path": file.raw,
            "deletionTimestamp": _now_ms(),
            "dataChange": data_change,
            "extendedFileMetadata": True,
            "partitionValues": file.values,
            "size": file.bytes,
        }
    }

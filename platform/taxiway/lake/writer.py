"""How a commit is written: the protocol, and the writer of Arrow rows that deltalake executes in this process."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from taxiway.errors import LakeError, PublishConflict
from taxiway.lake.provenance import KEY
from taxiway.lake.publication import Publication
from taxiway.lake.snapshot import Snapshot

_CHECKPOINT_EVERY = 10
PROPERTIES = {"delta.enableExpiredLogCleanup": "false", "delta.checkpointInterval": str(_CHECKPOINT_EVERY)}
"""The log is what says how a partition came to be, so no engine cuts it short behind our back; and a table that is
opened reads few entries, as by Spark's default, where deltalake's is 100."""

_logger = logging.getLogger(__name__)
_COMPRESSED = WriterProperties(compression="ZSTD", compression_level=1)
# All that could fail after the commit; a publication either fails or is published.
_NOTHING_AFTER = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
# What a library adds to its messages for its own developers: colours, arrows, the frames of a stack.
_NOISE = re.compile(r"\x1b\[[0-9;]*m|↳|^\s*[0-9]+: <unknown>$", re.MULTILINE)


class Writer(Protocol):
    """Writes the rows of one publication, as one commit that carries its provenance."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        ...

    def create(self, publication: Publication, uri: str) -> None:
        """Create the table with its first commit; raises LakeError where that cannot be, as there is one already."""
        ...

    def replace(self, publication: Publication, base: Snapshot, *, widens: bool) -> int:
        """Replace what the publication's predicate names, in the table whose rows were compared at `base`; returns the
        version. `widens` adds the columns that are new.

        Raises PublishConflict where another writer has changed one of the same partitions since, LakeError where the
        storage refuses or the writer cannot write such a table.
        """
        ...


@dataclass(frozen=True)
class ArrowWriter:
    """Writes Arrow rows; `rows` is called anew for each attempt."""

    schema: pa.Schema
    rows: Callable[[], pa.RecordBatchReader]

    def create(self, publication: Publication, uri: str) -> None:
        """See `Writer.create`."""
        column = publication.partition_column
        try:
            write_deltalake(
                uri,
                self.rows(),
                mode="error",
                partition_by=[column] if column else None,
                configuration=PROPERTIES,
                # With retries, two writers that both find no table would both append to it.
                commit_properties=CommitProperties(
                    custom_metadata={KEY: publication.provenance.dump()}, max_commit_retries=0
                ),
                writer_properties=_COMPRESSED,
                post_commithook_properties=_NOTHING_AFTER,
            )
        except (DeltaError, OSError) as error:
            raise refused(publication, reason(error)) from error

    def replace(self, publication: Publication, base: Snapshot, *, widens: bool) -> int:
        """See `Writer.replace`."""
        if not base.plain_files():
            raise LakeError(
                f"{publication.address}: another program gave the table deletion vectors or column mapping, and only "
                "Spark writes such a table; publish it with --engine spark"
            )
        try:
            target = DeltaTable(base.uri, version=base.version)
            write_deltalake(
                target,
                self.rows(),
                mode="overwrite",
                predicate=publication.predicate,
                schema_mode="overwrite" if publication.rebuild else "merge" if widens else None,
                # Without retries the commit is refused where there has been any other since the base.
                commit_properties=CommitProperties(
                    custom_metadata={KEY: publication.provenance.dump()},
                    max_commit_retries=0 if publication.against_all else None,
                ),
                writer_properties=_COMPRESSED,
                post_commithook_properties=_NOTHING_AFTER,
            )
        except CommitFailedError as error:
            raise conflict(publication) from error
        except (DeltaError, OSError) as error:
            raise refused(publication, reason(error)) from error
        _write_checkpoint_where_due(publication, target)
        return target.version()


def _write_checkpoint_where_due(publication: Publication, published: DeltaTable) -> None:
    if published.version() % _CHECKPOINT_EVERY:
        return
    try:
        published.create_checkpoint()
    except (DeltaError, OSError) as error:
        _logger.warning(
            "%s: version %d is published, but no checkpoint of its log could be written (%s); make room in the lake, "
            "or make it writable: without checkpoints the table opens ever more slowly",
            publication.address,
            published.version(),
            reason(error),
        )


def conflict(publication: Publication) -> PublishConflict:
    """The error for a publication that another one was quicker than."""
    done = f"published {publication.named} or changed the table's columns"
    if publication.against_all:
        done = "changed the table, whose keys were looked at before,"
    return PublishConflict(
        f"{publication.address}: another run {done} while this one computed; nothing of this run was published there, "
        "run it again"
    )


def overtaken(publication: Publication) -> LakeError:
    """The error for a publication that replaced, or stands beside, another one which it could not know."""
    if publication.against_all:
        return LakeError(
            f"{publication.address}: another run changed the table at the same moment as this one published "
            f"{publication.named}, so that their keys were not held against each other; run it again with --force"
        )
    return PublishConflict(
        f"{publication.address}: another run published {publication.named} at the same moment, and this one has "
        "replaced it; run it again, so that it rests on what there is now"
    )


def refused(publication: Publication, why: str) -> LakeError:
    """The error for a publication that the storage did not take."""
    return LakeError(
        f"{publication.address}: publishing failed, the table is as it was ({why}); "
        "make room in the lake, or make it writable, and run again"
    )


def reason(error: Exception) -> str:
    """An error's message in one line."""
    words = _NOISE.sub(" ", str(error)).split()
    return " ".join(words)[:400] or type(error).__name__

"""Upkeep of a lake: few large files, no more versions than are kept, nothing that killed writers left."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

from taxiway.addresses import Address
from taxiway.engines import Engine, Reading, Session
from taxiway.errors import LakeError, PublishConflict
from taxiway.lake import Lake, Provenance, Publication, Snapshot
from taxiway.lake.upkeep import Chore, remove_leftovers, remove_old_versions, small_files


def upkeep(
    lake: Lake, engine: Engine, tables: Sequence[Address], *, run: str, keep: timedelta, dry_run: bool = False
) -> Iterator[Chore]:
    """Do what there is to do for these tables, one after the other, and tell each thing that was done, or, with
    `dry_run`, would be.

    Versions from before `keep` can be read no more afterwards. A table that cannot be read or written is told, as a
    chore without files, and the others go on. Raises LakeError where the lake is of another deployment.
    """
    if not dry_run:
        lake.see_that_it_is_ours()
    for address in tables:
        try:
            yield from remove_leftovers(lake, address, dry_run=dry_run)
            yield from compact(lake, engine, address, run=run, dry_run=dry_run)
            yield from remove_old_versions(lake, address, keep, dry_run=dry_run)
        except LakeError as error:
            yield Chore(address, "left as it is", str(error), 0)


def compact(lake: Lake, engine: Engine, address: Address, *, run: str, dry_run: bool = False) -> Iterator[Chore]:
    """Write the rows of many small files anew as few, in one commit that changes nothing else.

    Raises LakeError where the storage refuses.
    """
    snapshot = lake.find(address)
    found = small_files(snapshot) if snapshot is not None else {}
    if snapshot is None or not found:
        return
    files = tuple(file for key in sorted(found) for file in found[key])
    if not dry_run:
        provenance = Provenance(uuid4().hex, run, f"{engine.name} {engine.version}", {}, {})
        publication = Publication(address, provenance, snapshot, snapshot.partition_column, compacts=files)
        with engine.session() as session:
            try:
                lake.publish(
                    publication, snapshot.schema, lambda folder: _write(session, snapshot, publication, folder)
                )
            except PublishConflict:
                yield Chore(address, "left as it is", "other writers publish just now; run upkeep again", 0)
                return
    yield Chore(address, "small files written anew as few", f"{len(found)} partitions have many", len(files))


def _write(session: Session, snapshot: Snapshot, publication: Publication, folder: str) -> None:
    session.read("rows", Reading(snapshot, snapshot.schema, only=publication.compacts))
    session.write(folder, "SELECT * FROM rows", snapshot.schema, snapshot.partition_column)

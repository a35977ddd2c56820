"""Checking a table that somebody else writes, and pinning the version that is as its contract says."""

from collections.abc import Mapping
from typing import Any

from taxiway.engines import Reading, Session
from taxiway.errors import LakeError
from taxiway.lake import WHOLE, PartitionState, Provenance, Publication
from taxiway.lake.elsewhere import EXTERNAL, Elsewhere, pin
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table


def version_now(workspace: Workspace, table: Table) -> Mapping[str, Mapping[str, str | None]]:
    """What a check of the table would read, as a plan has it; the version is None where nothing can be read."""
    assert table.external is not None
    try:
        version = _latest(workspace, table).version
    except LakeError:
        # Reading it tells why.
        version = None
    return {EXTERNAL: {table.external.place: version}}


def read(workspace: Workspace, table: Table, version: str | None, session: Session, relation: str) -> str:
    """Give the rows of the table at a version, the latest for None, the name `relation`; returns which it is.

    Raises LakeError where they cannot be read, ContractBroken where the columns are not those of the contract.
    """
    found = _latest(workspace, table)
    if version is not None:
        found = Elsewhere(found.address, found.store, found.format, version)
    session.read(relation, Reading(None, table.rules.schema, elsewhere=found))
    return found.version


def publish_pin(workspace: Workspace, table: Table, state: PartitionState, origin: Mapping[str, Any]) -> PartitionState:
    """Pin the version that was checked, in one commit without rows; returns what is known of it then."""
    base = workspace.lake.find(table.address)
    provenance = Provenance.of(partitions={WHOLE: state}, **origin)
    publication = Publication(table.address, provenance, base, rebuild=base is not None, pins=True)
    workspace.lake.publish(publication, pin(table.rules.schema), _no_rows)
    return provenance.partitions[WHOLE]


def _latest(workspace: Workspace, table: Table) -> Elsewhere:
    assert table.external is not None
    store = workspace.settings.place_of(table.external.connection or "", table.external.at)
    return Elsewhere.latest(table.address, store, table.external.format)


def _no_rows(folder: str) -> None:
    """What there is to write of no rows."""

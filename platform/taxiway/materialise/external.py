"""Checking a table that somebody else writes, and pinning the version that is as its contract says."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from taxiway.engines import Reading, Session
from taxiway.errors import ContractBroken, LakeError
from taxiway.lake import WHOLE, PartitionState, Provenance, Publication
from taxiway.lake.elsewhere import EXTERNAL, Elsewhere, pin
from taxiway.lake.schema import same_type
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
    # Each file by itself: what one lacks, or has in another type, is nothing that the others can say.
    for path, schema in found.schemas.items():
        problems = _problems(schema, table.rules.schema)
        if problems:
            where = f"{path} in {found.store}" if path else f"what is in {found.store}"
            raise ContractBroken(f"{table.at}: {where} breaks its contract: {'; '.join(problems)}")
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


def _problems(found: pa.Schema, wanted: pa.Schema) -> list[str]:
    """How the columns differ from those of a contract; others beside them do not matter."""
    problems = []
    for field in wanted:
        if field.name not in found.names:
            problems.append(f"column {field.name} is missing")
        elif not _holds(found.field(field.name).type, field.type):
            problems.append(f"column {field.name} is {found.field(field.name).type} and must be {field.type}")
    return problems


def _holds(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether each value of a type is one of the other."""
    narrower = pa.types.is_signed_integer(found) and pa.types.is_signed_integer(wanted)
    return same_type(found, wanted) or (narrower and found.bit_width <= wanted.bit_width)


def _no_rows(folder: str) -> None:
    """What there is to write of no rows."""

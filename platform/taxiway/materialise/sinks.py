"""Publishing a table of the lake into a sink: the version that is the latest, and no earlier one in the end."""

from collections.abc import Iterator
from hashlib import sha256

import pyarrow as pa

from taxiway.connectors import Outgoing, Sink, Written
from taxiway.engines import Reading
from taxiway.engines.duckdb import DuckDB, identifier
from taxiway.errors import LakeError
from taxiway.lake import Snapshot
from taxiway.lake.elsewhere import contract_of
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table


def publish_to_sink(workspace: Workspace, table: Table, sink: Sink) -> Written:
    """Make a sink hold the latest version of a table; nothing is read or written where it does already.

    Raises TableNotFound where the table has not been made, LakeError where it cannot be read or another program wrote
    it, ConnectorError where the sink refuses.
    """
    while True:
        outgoing = _outgoing(workspace, table)
        done = sink.publish(workspace.settings, outgoing)
        # Another one may have published a later version before this one did the earlier.
        if _outgoing(workspace, table).version == outgoing.version:
            return done


def _outgoing(workspace: Workspace, table: Table) -> Outgoing:
    snapshot = workspace.lake.open(table.address)
    schema = contract_of(snapshot)
    key = table.rules.key if set(table.rules.key) <= set(snapshot.schema.names) else ()

    def batches() -> Iterator[pa.RecordBatch]:
        settings = workspace.settings
        order = f" ORDER BY {', '.join(map(identifier, key))}" if key else ""
        with DuckDB(settings.threads, settings.memory_limit, settings.scratch, settings.lake).session() as session:
            session.read("published", Reading(snapshot, schema, elsewhere=workspace.elsewhere(snapshot)))
            for batch in session.batches(f"FROM published{order}"):
                yield batch.cast(schema)

    return Outgoing(table.address, schema, key, _version(snapshot), batches)


def _version(snapshot: Snapshot) -> str:
    """The data version of a table, of one with partitions that of all of them."""
    states = snapshot.partitions
    foreign = sorted(key for key, state in states.items() if not state.is_ours)
    if foreign:
        raise LakeError(
            f"{snapshot.address} holds rows that another program wrote, which passed no guard; make them anew with: "
            f"taxiway run {snapshot.address}"
        )
    versions = [f"{key} {state.data_version}" for key, state in sorted(states.items())]
    return states[next(iter(states))].data_version if len(states) == 1 else sha256(repr(versions).encode()).hexdigest()

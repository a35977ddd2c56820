"""A Parquet file for others, replaced in one step, with the version that it holds in its metadata."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.addresses import Address
from taxiway.connectors.base import Outgoing, Written
from taxiway.errors import ConnectorError
from taxiway.storage import Store, StoredFile

if TYPE_CHECKING:
    from taxiway.settings import Settings

_SOURCE, _VERSION = b"taxiway.source", b"taxiway.version"
# The length of what is said at the end of a file, and the mark after it.
_END = 8


@dataclass(frozen=True, kw_only=True)
class ParquetSink:
    """The file `layer/name.parquet` in the folder or bucket that a connection names. It is made in memory.

    `name` tells it from other sinks of the same table.
    """

    connection: str
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.connection)

    @property
    def kind(self) -> str:
        """What it is, as Dagster shows it."""
        return "parquet"

    def target(self, table: Address) -> str:
        """The file that a table goes to."""
        return f"{self.connection}: {_path(table)}"

    def publish(self, settings: "Settings", table: Outgoing) -> Written:
        """Replace the file in one step; nothing where it holds this version already."""
        store = settings.store_of(self.connection)
        path, source = _path(table.table), table.made_by(settings.deployment)
        place = store.address(path)
        try:
            held = self._held(store, path, table, source)
            if held is not None:
                return Written(place, table.version, held, changed=False)
            data, rows = _as_file(table, source)
            store.write_to_last(path, data)
        except OSError as error:
            raise ConnectorError(
                f"{place} cannot be written ({error}): check the place, its rights and keys"
            ) from error
        return Written(place, table.version, rows, changed=True)

    def _held(self, store: Store, path: str, table: Outgoing, source: str) -> int | None:
        """How many rows the file has where it holds just this; None where it has to be written."""
        file = store.find(path)
        if file is None:
            return None
        known = _footer(store, file)
        if known is None and store.find(path) != file:
            # Another publisher replaced it meanwhile.
            return self._held(store, path, table, source)
        said = (known.metadata or {}) if known is not None else {}
        if known is None or said.get(_SOURCE) != source.encode():
            made = f"was made from {said[_SOURCE].decode()}" if _SOURCE in said else "is there"
            raise ConnectorError(
                f"{store.address(path)} {made} and was not made from {source}: remove it, or name another place"
            )
        is_same = said.get(_VERSION) == table.version.encode() and known.schema.to_arrow_schema().equals(table.schema)
        return known.num_rows if is_same else None


def _footer(store: Store, file: StoredFile) -> pq.FileMetaData | None:
    """What a file says of itself, None where it is no Parquet file."""
    length = int.from_bytes(store.read_part(file.path, max(0, file.size - _END), file.size)[:4], "little")
    if length + _END > file.size:
        return None
    try:
        return pq.read_metadata(BytesIO(store.read_part(file.path, file.size - _END - length, file.size)))
    except pa.ArrowException:
        return None


def _path(table: Address) -> str:
    return f"{table.layer}/{table.name}.parquet"


def _as_file(table: Outgoing, source: str) -> tuple[bytes, int]:
    written, rows = pa.BufferOutputStream(), 0
    said = {_SOURCE: source.encode(), _VERSION: table.version.encode()}
    with pq.ParquetWriter(written, table.schema.with_metadata(said), compression="zstd") as file:
        for batch in table.batches():
            file.write_batch(batch.replace_schema_metadata(said))
            rows += batch.num_rows
    return written.getvalue().to_pybytes(), rows

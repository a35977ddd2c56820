"""Tables that somebody else writes, elsewhere: found at a version, read at that version, never written.

What the lake keeps at the address of such a table is a pin: which version was last found to be as the contract says.
All that reads the table reads that one, until another is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.log import Log
from taxiway.lake.messages import reason
from taxiway.lake.provenance import WHOLE
from taxiway.lake.replay import of_delta
from taxiway.lake.snapshot import Snapshot
from taxiway.storage import Store, StoredFile

EXTERNAL = "external"
"""In the place of an address in a provenance: a table elsewhere, by `format connection place`, and its version."""

# A column of a pin, which no contract can have: what reads it as a table is told apart by it.
_MARK = "_external"

StoreOf = Callable[[str, str], Store]
"""The place that is called so below a connection; a connection of an empty name is none."""


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """A table at one version: of Delta its number and the id of the table, of Parquet files a digest of their names,
    sizes and tags."""

    address: Address
    store: Store
    format: str
    version: str

    @classmethod
    def latest(cls, address: Address, store: Store, form: str) -> "Elsewhere":
        """The version that is there now; raises LakeError where none can be read."""
        if form == "parquet":
            return cls(address, store, form, _digest(_files(address, store)))
        try:
            if not any(True for _ in Log(store).entries()):
                raise LakeError(f"{address}: there is no Delta table in {store}")
            table = DeltaTable(store.uri, storage_options=store.delta_options)
            return cls(address, store, form, f"{table.version()} of {table.metadata().id}")
        except (DeltaError, OSError) as error:
            raise LakeError(f"{address}: {store} cannot be read ({reason(error)})") from error

    @property
    def schema(self) -> pa.Schema:
        """Its columns, texts and lists in their usual types; of numbers the widest that a file has."""
        return self._read(lambda: pa.unify_schemas([*self.schemas.values()], promote_options="permissive"))

    @cached_property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each of its files, by path, or of the table where that says them for all."""
        if self.format == "delta":
            return {"": self._read(lambda: self._snapshot.schema)}
        return self._read(lambda: {path: _plain(pq.read_schema(source)) for path, source in self._sources().items()})

    def tables(self) -> Iterator[pa.Table]:
        """Its rows in pieces, at least one; raises LakeError where that version is not there any more."""
        if self.format == "delta" and not self._read(lambda: self._snapshot).plain_files():
            raise LakeError(
                f"{self.address} version {self.version}: {self.store} has Delta features that are not read from "
                "elsewhere, as deletion vectors; ask its owner for a table without them"
            )
        schema = self.schema
        yield schema.empty_table()
        batches = iter(self._read(lambda: self._dataset.to_batches(columns=schema.names)))
        while (batch := self._read(lambda: next(batches, None))) is not None:
            yield pa.Table.from_batches([batch]).cast(schema)

    @cached_property
    def _snapshot(self) -> Snapshot:
        number, _, identity = self.version.partition(" of ")
        table = DeltaTable(self.store.uri, version=int(number), storage_options=self.store.delta_options)
        if table.metadata().id != identity:
            raise LakeError(
                f"{self.address}: the table in {self.store} was made anew since it was checked; check it with: "
                f"taxiway run {self.address}"
            )
        return Snapshot(self.address, self.store, of_delta(table))

    @property
    def _dataset(self) -> Any:
        if self.format == "delta":
            return self._snapshot.delta.to_pyarrow_dataset()
        sources, schema = self._sources(), self.schema
        if self.store.is_folder:
            return pyarrow.dataset.dataset([*sources.values()], schema=schema, format="parquet")
        found = [pq.read_table(source) for source in sources.values()]
        return pyarrow.dataset.dataset(pa.concat_tables(found, promote_options="permissive").cast(schema))

    def _sources(self) -> Mapping[str, Any]:
        """What Parquet files are read from, by path; raises LakeError where they are others than those of the version."""
        files = _files(self.address, self.store)
        if _digest(files) != self.version:
            raise LakeError(
                f"{self.address}: the files in {self.store} are others than those that were checked; check them with: "
                f"taxiway run {self.address}"
            )
        if self.store.is_folder:
            return {file.path: self.store.address(file.path) for file in files}
        return {file.path: pa.BufferReader(self.store.read(file.path)) for file in files}

    def _read(self, how: Callable[[], Any]) -> Any:
        try:
            return how()
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise LakeError(
                f"{self.address} version {self.version}: {self.store} cannot be read ({reason(error)}); check what is "
                f"there now with: taxiway run {self.address}"
            ) from error


def pin(schema: pa.Schema) -> pa.Schema:
    """The columns of the pin of a table: it has no rows."""
    return schema.append(pa.field(_MARK, pa.string()))


def is_pin(snapshot: Snapshot) -> bool:
    """Whether the rows of a table of the lake are elsewhere."""
    return _MARK in snapshot.schema.names


def contract_of(snapshot: Snapshot) -> pa.Schema:
    """The columns that a table has, wherever its rows are."""
    return pa.schema([field for field in snapshot.schema if field.name != _MARK])


def pinned(snapshot: Snapshot, store_of: StoreOf) -> Elsewhere | None:
    """What a pin pins; None for a table whose rows are in the lake."""
    if not is_pin(snapshot):
        return None
    ((place, version),) = snapshot.partitions[WHOLE].inputs[EXTERNAL].items()
    form, connection, at = place.split(" ", 2)
    assert version is not None
    return Elsewhere(snapshot.address, store_of(connection, at), form, version)


def _files(address: Address, store: Store) -> list[StoredFile]:
    try:
        found = sorted((file for file in store.files() if _is_data(file.path)), key=lambda file: file.path)
    except OSError as error:
        raise LakeError(f"{address}: {store} cannot be listed ({reason(error)})") from error
    if not found:
        raise LakeError(f"{address}: there is no Parquet file in {store}")
    return found


def _is_data(path: str) -> bool:
    """Whether a file holds rows; programs hide others beside them by their first character."""
    return path.endswith(".parquet") and not any(name.startswith(("_", ".")) for name in path.split("/"))


def _digest(files: list[StoredFile]) -> str:
    told = [f"{file.path} {file.size} {file.modified.isoformat()} {file.tag}" for file in files]
    return sha256("\n".join(told).encode()).hexdigest()[:32]


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, _usual(field.type)) for field in schema])


_USUAL: Mapping[pa.DataType, pa.DataType] = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}


def _usual(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(dtype):
        return _usual(dtype.value_type)
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return pa.list_(_usual(dtype.value_type))
    return _USUAL.get(dtype, dtype)

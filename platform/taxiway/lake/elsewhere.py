"""Tables that somebody else writes, elsewhere: found at a version, read at that version, never written.

What the lake keeps at the address of such a table is a pin: which version was last found to be as the contract says.
All that reads the table reads that one, until another is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from taxiway.addresses import Address
from taxiway.errors import ContractBroken, LakeError
from taxiway.lake.log import Log
from taxiway.lake.messages import reason
from taxiway.lake.provenance import WHOLE
from taxiway.lake.replay import of_delta
from taxiway.lake.schema import same_type
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
    """A table at one version: of Delta `number of id`, of Parquet files a digest of their names, sizes and tags.

    A Delta table that is made anew in the same place counts from zero again: only its id tells it from the old one.
    """

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

    def tables(self, wanted: pa.Schema) -> Iterator[pa.Table]:
        """Its rows in pieces, at least one, with the columns of a contract; it may have others beside them.

        Raises LakeError where that version is not there any more, and ContractBroken where the columns are others; of
        Parquet files each one is looked at, as nothing says that they are alike.
        """
        try:
            yield wanted.empty_table()
            for place, part in self._parts():
                problems = _problems(_plain(part.schema), wanted)
                if problems:
                    raise ContractBroken(
                        f"{self.address}: what is in {place} breaks its contract: {'; '.join(problems)}"
                    )
                for batch in part.to_batches(columns=wanted.names):
                    yield pa.Table.from_batches([batch]).cast(wanted)
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise LakeError(
                f"{self.address} version {self.version}: {self.store} cannot be read ({reason(error)}); check what is "
                f"there now with: taxiway run {self.address}"
            ) from error

    def _parts(self) -> Iterator[tuple[str, Any]]:
        """The datasets that make it up, each of one schema, and where they are."""
        if self.format == "delta":
            yield self.store.uri, self._delta().to_pyarrow_dataset()
            return
        files = _files(self.address, self.store)
        if _digest(files) != self.version:
            raise LakeError(
                f"{self.address}: the files in {self.store} are others than those that were checked; check them with: "
                f"taxiway run {self.address}"
            )
        for place, path in ((self.store.address(file.path), file.path) for file in files):
            if self.store.is_folder:
                yield place, pyarrow.dataset.dataset([place], format="parquet")
            else:
                yield place, pyarrow.dataset.dataset(pq.read_table(pa.BufferReader(self.store.read(path))))

    def _delta(self) -> DeltaTable:
        number, _, identity = self.version.partition(" of ")
        table = DeltaTable(self.store.uri, version=int(number), storage_options=self.store.delta_options)
        if str(table.metadata().id) != identity:
            raise LakeError(
                f"{self.address}: the table in {self.store} is another one than was checked; check it with: "
                f"taxiway run {self.address}"
            )
        if not of_delta(table).is_plain:
            raise LakeError(
                f"{self.address} version {self.version}: {self.store} has Delta features that are not read from "
                "elsewhere, as deletion vectors; ask its owner for a table without them"
            )
        return table


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


def _plain(schema: pa.Schema) -> pa.Schema:
    """The columns with texts and lists in their usual types."""
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

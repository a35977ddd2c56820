"""Delivering the files of raw tables that come from a source: what changed there, and what was delivered last."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from taxiway.connectors import Extraction
from taxiway.errors import DeliveryRefused
from taxiway.materialise.workspace import Workspace
from taxiway.storage import Store
from taxiway.tables import Table


@dataclass(frozen=True)
class Extracted:
    """A file that a source delivered: its name, bytes and rows, and whether its content is new."""

    file: str
    bytes: int
    rows: int
    changed: bool


def extract(workspace: Workspace, table: Table, only: Collection[str] | None = None) -> Iterator[Extracted]:
    """Deliver the files of a raw table, of these partitions or all, of which the source says that they have changed.

    Each is forgotten before it is put in its place and remembered once it is there. So whoever is killed in between
    leaves whole files, and the next one delivers again what is not remembered, also where the source is by then as it
    was before. Raises ConnectorError where the source, DeliveryRefused where the landing zone refuses.
    """
    assert table.files is not None
    assert table.source is not None
    memory = _Memory(workspace, table)
    wanted = Extraction(
        table=table.address,
        columns=table.file_columns,
        key=table.rules.key,
        grain=table.grain,
        calendar=workspace.calendar,
        partitions=workspace.partitions(table),
        known=memory.known,
        only=only,
    )
    for found in table.source.changes(workspace.settings, wanted):
        name = table.file_name(found.partition)
        memory.forget(found.partition)
        changed = workspace.landing.deliver(name, found.data)
        memory.remember(found.partition, found.fingerprint)
        yield Extracted(name, len(found.data), found.rows, changed)


class _Memory:
    """With which fingerprint each partition was delivered last, in a hidden folder of the landing zone."""

    def __init__(self, workspace: Workspace, table: Table) -> None:
        self._workspace, self._table = workspace, table
        self._path = f".sources/{table.address.relation}.json"
        self._known: dict[str, str] = {}

    def known(self) -> Mapping[str, str]:
        """The fingerprint of each partition whose file lies there, empty where it is not remembered."""
        there = self._workspace.landing.listing().readable
        partitions = self._workspace.partitions(self._table)
        self._known = self._read()
        return {key: self._known.get(key, "") for key in partitions if self._table.file_name(key) in there}

    def remember(self, partition: str, fingerprint: str) -> None:
        """Remember a partition that has been delivered."""
        self._known[partition] = fingerprint
        self._write()

    def forget(self, partition: str) -> None:
        """Forget a partition, as its file is about to be another."""
        if self._known.pop(partition, ""):
            self._write()

    def _write(self) -> None:
        try:
            self._store.write_to_last(self._path, json.dumps(self._known, indent=1, sort_keys=True).encode())
        except OSError as error:
            raise DeliveryRefused(f"{self._path} cannot be put into {self._store} ({error})") from error

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._store.read(self._path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise DeliveryRefused(f"{self._path} in {self._store} cannot be read ({error})") from error
        except ValueError:
            # What was forgotten is delivered again.
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    @property
    def _store(self) -> Store:
        return self._workspace.landing.store

"""What a commit replaces: which partitions of which table, compared with which version, and why."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.provenance import WHOLE, Provenance
from taxiway.lake.snapshot import DataFile, Snapshot

# An hour that is shown twice has its offset from UTC, which may have a plus sign.
_KEY = re.compile(r"[A-Za-z0-9]+([-+][A-Za-z0-9]+)*")

StillHolds: TypeAlias = Callable[[Snapshot], bool]
"""Whether what was found of rows holds at a later version too."""


def partition_key(address: Address, key: str) -> str:
    """The key, which is safe in SQL and a path; raises LakeError where it is not."""
    if key != WHOLE and not _KEY.fullmatch(key):
        raise LakeError(
            f"{address}: {key!r} is not a partition key; use letters, digits and single hyphens, e.g. 2013-01"
        )
    return key


@dataclass(frozen=True)
class Batch:
    """A stretch of a stream: it ends at `end`, an offset that only grows, and follows on what ended at `begin`, None
    for the first. `stream` is the name of the stream, of which no stretch is published twice."""

    stream: str
    begin: int | None
    end: int


@dataclass(frozen=True)
class Publication:
    """One commit to be: it replaces exactly the partitions that `provenance` gives a new data version.

    `base` is the version that the rows were compared with, None where the table does not exist yet.
    `rebuild` replaces the whole table and its schema. Rows that were held against those of all other partitions of
    `base` come with the question `holds`, which is asked where another writer has changed any of those meanwhile. With
    `appends` the rows are added to what the partitions have, as the next stretch of a stream. With `compacts` the rows
    of these files are in other files from now on; nothing else changes. What it `pins` has its rows elsewhere.
    """

    address: Address
    provenance: Provenance
    base: Snapshot | None
    partition_column: str | None = None
    rebuild: bool = False
    holds: StillHolds | None = None
    appends: Batch | None = None
    compacts: tuple[DataFile, ...] = ()
    pins: bool = False

    def __post_init__(self) -> None:
        for key in self.provenance.partitions:
            partition_key(self.address, key)

    @property
    def changed(self) -> frozenset[str]:
        """The partitions that get new rows."""
        return frozenset(self.provenance.partitions) - self.provenance.unchanged

    @property
    def rests_on(self) -> frozenset[str]:
        """The partitions that no other writer may change meanwhile."""
        return frozenset(self.provenance.partitions) | {file.partition for file in self.compacts}

    @property
    def named(self) -> str:
        """The partitions in words."""
        keys = sorted(self.rests_on)
        return "the table" if WHOLE in keys else ", ".join(keys)

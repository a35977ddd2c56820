"""What a commit replaces: which partitions of which table, compared with which version, and why."""

from dataclasses import dataclass

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.provenance import WHOLE, Provenance
from taxiway.lake.snapshot import Snapshot


@dataclass(frozen=True)
class Publication:
    """One commit to be: it replaces exactly the partitions that `provenance` names.

    `base` is the version that the rows were compared with, None where the table does not exist yet.
    `rebuild` replaces the whole table and its schema.
    """

    address: Address
    provenance: Provenance
    base: Snapshot | None
    partition_column: str | None = None
    rebuild: bool = False

    @property
    def predicate(self) -> str:
        """The rows that the commit replaces, always stated: `true` for all of them."""
        if self.partition_column is None or self.rebuild:
            return "true"
        keys = sorted(self.provenance.partitions)
        for key in keys:
            if not key.replace("-", "").isalnum() or not key.isascii():
                raise LakeError(f"{self.address}: {key!r} is not a partition key")
        return f"{self.partition_column} in ({', '.join(repr(key) for key in keys)})"

    @property
    def named(self) -> str:
        """The partitions in words."""
        keys = sorted(self.provenance.partitions)
        return "the table" if WHOLE in keys else ", ".join(keys)

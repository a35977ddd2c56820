"""What a commit replaces: which partitions of which table, compared with which version, and why."""

import re
from dataclasses import dataclass

from sqlglot.tokens import Tokenizer

from taxiway.addresses import Address
from taxiway.errors import LakeError
from taxiway.lake.provenance import WHOLE, Provenance
from taxiway.lake.snapshot import Snapshot

_KEY = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


def partition_key(address: Address, key: str) -> str:
    """The key, which is safe in a predicate and a path; raises LakeError where it is not."""
    if not _KEY.fullmatch(key):
        raise LakeError(
            f"{address}: {key!r} is not a partition key; use letters, digits and single hyphens, e.g. 2013-01"
        )
    return key


@dataclass(frozen=True)
class Publication:
    """One commit to be: it replaces exactly the partitions that `provenance` names.

    `base` is the version that the rows were compared with, None where the table does not exist yet.
    `rebuild` replaces the whole table and its schema. `against_all` is whether the rows were held against those of
    all other partitions of `base`, so that it is a conflict where another writer has changed any of them.
    """

    address: Address
    provenance: Provenance
    base: Snapshot | None
    partition_column: str | None = None
    rebuild: bool = False
    against_all: bool = False

    @property
    def predicate(self) -> str:
        """The rows that the commit replaces, always stated: `true` for all of them."""
        if self.partition_column is None or self.rebuild:
            return "true"
        keys = [partition_key(self.address, key) for key in sorted(self.provenance.partitions)]
        column = self.partition_column
        # Delta's own parsers, of deltalake and of Spark, both take backticks; plain words need none.
        named = column if column.islower() and column.upper() not in Tokenizer.KEYWORDS else f"`{column}`"
        return f"{named} in ({', '.join(repr(key) for key in keys)})"

    @property
    def named(self) -> str:
        """The partitions in words."""
        keys = sorted(self.provenance.partitions)
        return "the table" if WHOLE in keys else ", ".join(keys)

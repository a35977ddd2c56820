"""The lake: Delta tables by address, read at a version, published in one commit.

`Lake` opens and publishes, `Snapshot` is one version to read, `Publication` what a commit replaces, `Provenance` says
how a partition came to be, `Commit` is an entry of a table's log.
"""

from taxiway.lake.lake import Lake, Write
from taxiway.lake.log import Commit
from taxiway.lake.provenance import WHOLE, Finding, PartitionState, Provenance
from taxiway.lake.publication import Batch, Publication, StillHolds
from taxiway.lake.snapshot import DataFile, Snapshot

__all__ = [
    "WHOLE",
    "Batch",
    "Commit",
    "DataFile",
    "Finding",
    "Lake",
    "PartitionState",
    "Provenance",
    "Publication",
    "Snapshot",
    "StillHolds",
    "Write",
]

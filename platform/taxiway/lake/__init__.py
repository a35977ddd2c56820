"""The lake: Delta tables by address, read at a version, published in one commit.

`Lake` opens and publishes, `Snapshot` is one version to read,
`Publication` what a commit replaces, a `Writer` writes it, `Provenance` says how a partition came to be.
"""

from taxiway.lake.lake import Lake
from taxiway.lake.provenance import WHOLE, Finding, PartitionState, Provenance
from taxiway.lake.publication import Publication
from taxiway.lake.snapshot import DataFile, Snapshot
from taxiway.lake.writer import ArrowWriter, Writer

__all__ = [
    "WHOLE",
    "ArrowWriter",
    "DataFile",
    "Finding",
    "Lake",
    "PartitionState",
    "Provenance",
    "Publication",
    "Snapshot",
    "Writer",
]

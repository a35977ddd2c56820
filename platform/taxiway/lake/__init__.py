"""The lake: Delta tables by address, read at a version, published in one commit.

`Lake` opens and publishes, `Snapshot` is one version to read,
`Publication` what a commit replaces, `Provenance` says how a partition came to be.
"""

from taxiway.lake.lake import Lake
from taxiway.lake.provenance import WHOLE, PartitionState, Provenance
from taxiway.lake.publication import Publication
from taxiway.lake.snapshot import DataFile, Snapshot

__all__ = ["WHOLE", "DataFile", "Lake", "PartitionState", "Provenance", "Publication", "Snapshot"]

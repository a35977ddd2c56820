"""What a materialisation did, partition by partition. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from taxiway.contracts import Verdict
from taxiway.lake import Finding

Status = Literal["published", "unchanged", "skipped", "refused"]


@dataclass(frozen=True)
class PartitionResult:
    """What became of one partition.

    `published`: new rows are visible. `unchanged`: computed, and equal to what is published.
    `skipped`: not computed, because the same code has already computed it from the same inputs.
    `refused`: nothing of it was published, `message` says why. `data_version` is the commit that last
    changed it, `samples` holds up to five rows for each rule that broke. `malformed` counts the records of the
    delivered file with too many or too few fields, all of them among the rejected; None where no file was read.
    `findings` are what is wrong with it as it is published.
    """

    partition: str
    status: Status
    rows: int | None = None
    rejected: int = 0
    bytes: int = 0
    data_version: str | None = None
    inputs: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    verdict: Verdict | None = None
    samples: Mapping[str, pa.Table] = field(default_factory=dict)
    message: str = ""
    malformed: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the delivery."""
        return tuple(f.reason for f in self.findings if f.kind == "delivery" and f.severity == "warn")


@dataclass(frozen=True)
class Outcome:
    """What a materialisation did: its partitions, the version that is now current, seconds by phase."""

    address: str
    fingerprint: str
    engine: str
    version: int | None
    partitions: tuple[PartitionResult, ...]
    seconds: Mapping[str, float]
    rows_read: int = 0

    @property
    def refused(self) -> tuple[PartitionResult, ...]:
        """The partitions that were not published."""
        return tuple(result for result in self.partitions if result.status == "refused")

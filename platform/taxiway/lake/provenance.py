"""How a partition came to be: what a commit says of itself, and what is known of each partition from it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

WHOLE = "*"
"""The partition key of a table without partitions."""

KEY = "taxiway"
"""The key under which a commit carries its provenance."""

# Commits that move or drop files but leave the rows as they were.
_UPKEEP = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMN", "CREATE TABLE"}


@dataclass(frozen=True)
class Finding:
    """What was found wrong with a partition that is published all the same.

    A rule that `count` rows break, or the partition as a whole; a warning of its `delivery`; a dbt `test` that warns.
    Rows that break a rule of the severity `error` are in quarantine.
    """

    rule: str
    reason: str
    severity: Literal["error", "warn"] = "warn"
    count: int = 1
    kind: Literal["row", "table", "delivery", "test"] = "row"


@dataclass(frozen=True)
class PartitionState:
    """What is known of a published partition.

    `data_version` is the id of the commit that last changed its rows; `fingerprint` and `inputs`
    (data version by partition by address, None where it was absent) are what it was computed from.
    Both are empty where another program wrote it. `accepted_fewer` is whether it was published with fewer
    rows than its contract allows, because someone accepted that. `findings` are what was wrong with it when it was
    last computed.
    """

    data_version: str
    fingerprint: str = ""
    inputs: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    rows: int | None = None
    rejected: int = 0
    accepted_fewer: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether its rows passed the guard; those that another program wrote did not."""
        return bool(self.fingerprint)

    def made_by(self, fingerprint: str, inputs: Mapping[str, Mapping[str, str | None]]) -> bool:
        """Whether the same code computed it from the same inputs."""
        return self.fingerprint == fingerprint and self.inputs == inputs

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON; a clean partition says nothing of findings."""
        raw = asdict(self)
        return raw if self.findings else {name: value for name, value in raw.items() if name != "findings"}

    @classmethod
    def from_data(cls, raw: Mapping[str, Any]) -> "PartitionState":
        """The state that `as_data` gave, of an older version too; raises TypeError for anything else."""
        findings = tuple(Finding(**finding) for finding in raw.get("findings", ()))
        return cls(**{**raw, "findings": findings})


@dataclass(frozen=True)
class Provenance:
    """What a commit says of itself: which run, engine and libraries published which partitions from what."""

    run: str
    engine: str
    libraries: Mapping[str, str]
    partitions: Mapping[str, PartitionState]

    @classmethod
    def of(
        cls, *, run: str, engine: str, libraries: Mapping[str, str], partitions: Mapping[str, PartitionState]
    ) -> "Provenance":
        """A provenance whose partitions all carry one new commit id."""
        commit = uuid4().hex
        stamped = {key: replace(state, data_version=commit) for key, state in partitions.items()}
        return cls(run, engine, libraries, stamped)

    @property
    def data_version(self) -> str:
        """The id of the commit."""
        return next(iter(self.partitions.values())).data_version

    def dump(self) -> str:
        """The text that a commit carries."""
        states = {key: state.as_data() for key, state in self.partitions.items()}
        raw = {"run": self.run, "engine": self.engine, "libraries": dict(self.libraries), "partitions": states}
        return json.dumps(raw, sort_keys=True, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Provenance":
        """The provenance written by `dump`; raises ValueError or TypeError for anything else."""
        raw = json.loads(text)
        states = {key: PartitionState.from_data(state) for key, state in raw.pop("partitions").items()}
        return cls(**raw, partitions=states)


def of_commit(commit: Mapping[str, Any]) -> Provenance | None:
    """The provenance in a Delta commit's info, None where another program wrote the commit.

    deltalake keeps it under a key of its own, Delta on Spark as the text of `userMetadata`.
    """
    text = commit.get(KEY) or commit.get("userMetadata")
    if not isinstance(text, str):
        return None
    try:
        return Provenance.load(text)
    except (ValueError, TypeError, KeyError):
        return None


def partition_states(history: Iterable[Mapping[str, Any]], partitions: frozenset[str]) -> dict[str, PartitionState]:
    """What is known of each partition, from commits given newest first.

    A commit of another program may have changed any partition, so it counts as the last change of all
    that are still open, `partitions` among them; so does the end of a log that does not go back to the start.
    """
    states: dict[str, PartitionState] = {}
    version = 0
    for commit in history:
        version = commit["version"]
        provenance = of_commit(commit)
        if provenance is not None:
            for key, state in provenance.partitions.items():
                states.setdefault(key, state)
        elif commit.get("operation") not in _UPKEEP:
            break
    for key in partitions:
        states.setdefault(key, PartitionState(f"version-{version}"))
    return states

"""How a partition came to be: what a commit says of itself, and what is known of each partition from it."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

from taxiway.lake.inputs import Inputs, in_short

WHOLE = "*"
"""The partition key of a table without partitions."""

KEY = "taxiway"
"""The key under which a commit carries its provenance."""


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

    `data_version` is the id of the commit that last changed its rows; `fingerprint` and `inputs`, in short, are what it
    was computed from.
    Both are empty where another program wrote it. `accepted_fewer` is whether it was published with fewer
    rows than its contract allows, because someone accepted that. `findings` are what was wrong with it when it was
    last computed. `at_ms` is when its rows were published, in ms since 1970, by the clock of whoever did.
    """

    data_version: str
    fingerprint: str = ""
    inputs: Inputs = field(default_factory=dict)
    rows: int | None = None
    rejected: int = 0
    accepted_fewer: bool = False
    findings: tuple[Finding, ...] = ()
    at_ms: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether its rows passed the guard; those that another program wrote did not."""
        return bool(self.fingerprint)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", in_short(self.inputs))

    def made_by(self, fingerprint: str, inputs: Inputs) -> bool:
        """Whether the same code computed it from the same inputs."""
        return self.fingerprint == fingerprint and self.inputs == in_short(inputs)

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
    """What a commit says of itself: its id, which run, engine and libraries made it, and what it made of which
    partitions. `user` is who asked for the run, empty where nobody did or it is not known.

    `known` is what is known of all partitions of the table after it, where the commit tells that too; so nobody need
    read further back.
    """

    id: str
    run: str
    engine: str
    libraries: Mapping[str, str]
    partitions: Mapping[str, PartitionState]
    known: Mapping[str, PartitionState] | None = None
    user: str = ""

    @classmethod
    def of(
        cls,
        *,
        run: str,
        engine: str,
        libraries: Mapping[str, str],
        partitions: Mapping[str, PartitionState],
        user: str = "",
    ) -> "Provenance":
        """A provenance of new rows: its partitions all have a new data version, the id of the commit."""
        commit, now = uuid4().hex, round(time.time() * 1000)
        stamped = {key: replace(state, data_version=commit, at_ms=now) for key, state in partitions.items()}
        return cls(commit, run, engine, libraries, stamped, user=user)

    @property
    def unchanged(self) -> frozenset[str]:
        """The partitions that were computed again and came out with the rows that they have."""
        return frozenset(key for key, state in self.partitions.items() if state.data_version != self.id)

    def dump(self) -> str:
        """The text that a commit carries."""
        raw: dict[str, Any] = {"id": self.id, "run": self.run, "engine": self.engine, "libraries": dict(self.libraries)}
        raw |= {"user": self.user} if self.user else {}
        for name, states in (("partitions", self.partitions), ("known", self.known)):
            if states is not None:
                raw[name] = {key: state.as_data() for key, state in states.items()}
        return json.dumps(raw, sort_keys=True, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Provenance":
        """The provenance written by `dump`; raises ValueError or TypeError for anything else."""
        raw = json.loads(text)
        for name in {"partitions", "known"} & raw.keys():
            raw[name] = {key: PartitionState.from_data(state) for key, state in raw[name].items()}
        return cls(**raw)


def of_commit(commit: Mapping[str, Any]) -> Provenance | None:
    """The provenance in a Delta commit's info, None where another program made the commit."""
    text = commit.get(KEY)
    if not isinstance(text, str):
        return None
    try:
        return Provenance.load(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

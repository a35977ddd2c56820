"""What the landing sensor remembers from one look to the next, and how it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import dagster as dg

from taxiway.landing import Delivery
from taxiway.orchestration.sensor_memory import recall, remember
from taxiway.storage import Found


class Seen(NamedTuple):
    """A file at the last look: how it lay there, since when it has been so, when it was last read, the digest of what
    it last was as a whole, whether that asked for a run, and whether a run is still to be asked for; of one whose rows
    are dated, of how many partitions that are over it was.

    `since` and `read_at` (seconds since 1970) are by the clock of this machine, whatever date the file bears.
    """

    # There may be thousands, which are read and written as plain lists.
    size: int
    modified_ns: int
    changed_ns: int = 0
    tag: str = ""
    since: float = 0.0
    read_at: float = 0.0
    settled: bool = False
    digest: str = ""
    asked: bool = False
    waits: bool = False
    partitions: int = 0

    def is_of(self, file: Found) -> bool:
        """Whether a file lies there as it did."""
        return (
            self.tag == file.tag
            and self.changed_ns == file.changed_ns
            and self.modified_ns == file.modified_ns
            and self.size == file.size
        )

    def moved_to(self, file: Found, since: float) -> "Seen":
        """What is known of it, as it lies there now, unread."""
        return Seen(
            file.size,
            file.modified_ns,
            file.changed_ns,
            file.tag,
            since,
            self.read_at,
            digest=self.digest,
            asked=self.asked,
            waits=self.waits,
            partitions=self.partitions,
        )

    def file(self, name: str) -> Delivery:
        """The file as it lay there."""
        return Delivery(name, self.size, self.modified_ns, self.changed_ns, self.tag)


class PassedOver(NamedTuple):
    """What is said of all that lies there and is no file of a table that can be read: a digest of what lies there, one
    of all that is said, and the first lines of it."""

    lying: str = ""
    said: str = ""
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Memory:
    """What the sensor remembers: the files by name, what is wrong with contents that are not published, when it last
    reported (seconds since 1970), what it said of all else that lies there, and whether checks are due.

    Forgetting it costs another look: what has been handled is known from the lake and from Dagster's runs.
    """

    files: Mapping[str, Seen] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    reported: float = 0.0
    others: PassedOver = field(default_factory=PassedOver)
    is_unchecked: bool = False
    kept_as: str = field(default="", compare=False)

    def of(self, name: str) -> Seen:
        """A file as it was; one that was not there has no digest."""
        return self.files.get(name, _UNSEEN)


_UNSEEN = Seen(-1, 0)


def recalled(instance: dg.DagsterInstance, sensor: str, cursor: str | None) -> Memory:
    """What was remembered under a cursor; nothing where that is not kept any more."""
    short = json.loads(cursor) if cursor else {}
    text = recall(instance, sensor, short["kept"]) if "kept" in short else None
    if text is None:
        return Memory()
    files, problems, others, unchecked = json.loads(text)
    seen = {name: Seen(*values) for name, values in files.items()}
    return Memory(seen, problems, short.get("reported", 0.0), PassedOver(*others), unchecked, short["kept"])


def remembered(instance: dg.DagsterInstance, sensor: str, memory: Memory, before: Memory) -> str:
    """The cursor under which it is recalled, which fits a line however many the files are."""
    kept_as = before.kept_as
    if not kept_as or replace(memory, reported=before.reported) != before:
        text = json.dumps([memory.files, memory.problems, memory.others, memory.is_unchecked], separators=(",", ":"))
        kept_as = remember(instance, sensor, text)
    return json.dumps({"reported": memory.reported, "kept": kept_as}, separators=(",", ":"))

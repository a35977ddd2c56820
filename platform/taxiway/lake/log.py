"""The log of a table, entry by entry: what each commit changed, and what it says of itself."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from taxiway.lake.provenance import WHOLE, Provenance, of_commit
from taxiway.storage import Store

NO_KEY = "__HIVE_DEFAULT_PARTITION__"
"""What Delta calls the partition of rows that have no value in the partition column; only other programs write them."""

FOLDER = "_delta_log"
AT_ONCE = 12
"""So many entries are asked for at once; more than lie between two checkpoints."""


@dataclass(frozen=True)
class Commit:
    """One commit: its version, and what it did, as Delta's actions by their names."""

    version: int
    actions: Mapping[str, Sequence[Mapping[str, Any]]] = field(repr=False)

    @property
    def info(self) -> Mapping[str, Any]:
        """What it says of itself; nothing where it says nothing."""
        return next(iter(self.actions.get("commitInfo", ())), {})

    @cached_property
    def provenance(self) -> Provenance | None:
        """What a run of ours says of it, None where another program made it, or it is none of rows."""
        return of_commit(self.info)

    @property
    def changed(self) -> frozenset[str]:
        """The partitions whose rows it changed."""
        return frozenset(partition_of(action) for action in self._moved() if action.get("dataChange", True))

    @property
    def files(self) -> frozenset[str]:
        """The files that it names, below the table."""
        return frozenset(unquote(action["path"]) for action in self._moved())

    @property
    def at(self) -> datetime | None:
        """When it was made; None where another program does not say."""
        at = self.info.get("timestamp")
        return datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else None

    @property
    def restored(self) -> int | None:
        """The version that it restored, None where it did not."""
        if self.info.get("operation") != "RESTORE":
            return None
        found = str((self.info.get("operationParameters") or {}).get("version"))
        return int(found) if found.isdecimal() else None

    def _moved(self) -> Iterator[Mapping[str, Any]]:
        yield from self.actions.get("add", ())
        yield from self.actions.get("remove", ())


def partition_of(action: Mapping[str, Any]) -> str:
    """The key of the partition of a file that an action names."""
    values = list((action.get("partitionValues") or {}).values())
    return WHOLE if len(values) != 1 else NO_KEY if values[0] is None else str(values[0])


@dataclass(frozen=True)
class Log:
    """The log in `store`, the folder of a table."""

    store: Store

    def commit(self, version: int) -> Commit | None:
        """The commit that made a version, None where the log has not got it; raises ValueError where it is damaged,
        OSError where it cannot be read."""
        try:
            text = self.store.read(f"{FOLDER}/{version:020d}.json").decode()
        except FileNotFoundError:
            return None
        actions: dict[str, list[Mapping[str, Any]]] = {}
        for line in filter(str.strip, text.splitlines()):
            for name, action in _object(line).items():
                actions.setdefault(name, []).append(_object(action))
        if not actions:
            raise ValueError(f"{version} is empty")
        return Commit(version, actions)

    def read(self, versions: Sequence[int]) -> Iterator[Commit | None]:
        """These commits, in this order; raises as `commit`."""
        yield from self.store.each(self.commit, versions)

    def commits(self, newest: int, oldest: int = 0) -> Iterator[Commit]:
        """The commits from `newest` down to `oldest`, as far as the log has them without a gap.

        One that is damaged ends it too: of a table like that nothing can be read. Raises OSError.
        """
        for first in range(newest, oldest - 1, -AT_ONCE):
            try:
                for commit in self.read(range(first, max(first - AT_ONCE, oldest - 1), -1)):
                    if commit is None:
                        return
                    yield commit
            except ValueError:
                return

    def entries(self) -> frozenset[str]:
        """The names of all that lies there."""
        return frozenset(file.path.removeprefix(f"{FOLDER}/") for file in self.store.files(FOLDER))


def _object(found: Any) -> Mapping[str, Any]:
    given = json.loads(found) if isinstance(found, str) else found
    if not isinstance(given, dict):
        raise ValueError(f"{found!r} is no object")
    return given

"""What is known of each partition of a table at a version, from its latest commits."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import chain, islice

from taxiway.lake.log import Commit, Log
from taxiway.lake.provenance import PartitionState

States = dict[str, PartitionState]

MOST_READ = 200
"""So many commits of other programs are read at most before what was known earlier is given up."""

TELL_ALL_AFTER = 10
"""After so many commits one tells what is known of all partitions, so that no more need be read."""


def states_at(
    log: Log, version: int, live: Mapping[str, Iterable[str]], recent: Sequence[Commit] = ()
) -> tuple[States, int]:
    """What is known of every partition at a version, and the number of commits it was read from; of `live` ones, given
    with the paths of their files, at least their data version.

    `recent` are commits that were read before, from that version back. A partition whose rows another program changed,
    or of which the log no longer tells, has a data version of its own and nothing else is known of it. A version that
    was restored brings back what was known then.
    """
    later: list[Commit] = []
    states: States = {}
    read = 0
    older = log.commits(version - len(recent)) if len(recent) <= version else iter(())
    for commit in islice(chain(recent, older), MOST_READ):
        read += 1
        if commit.provenance is not None and commit.provenance.known is not None:
            states = dict(commit.provenance.known)
            break
        if commit.restored is not None and commit.restored < commit.version:
            states, _ = states_at(log, commit.restored, {})
            break
        later.append(commit)
    for commit in reversed(later):
        states |= _after(commit)
    for key in live.keys() - states.keys():
        files = "\n".join(sorted(live[key]))
        states[key] = PartitionState(f"files-{sha256(files.encode()).hexdigest()[:32]}")
    return states, read


def _after(commit: Commit) -> States:
    if commit.provenance is not None:
        return dict(commit.provenance.partitions)
    at_ms = round(commit.at.timestamp() * 1000) if commit.at is not None else 0
    return {key: PartitionState(f"version-{commit.version}", at_ms=at_ms) for key in commit.changed}

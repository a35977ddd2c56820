"""What partitions were read: each with its version where they are few, stretches of them where they are many, so that
what is known of a partition does not grow with the table that it was computed from."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import TypeAlias

MANY = 24
"""More partitions of one table than that are told in stretches."""

Versions: TypeAlias = Mapping[str, str | None]
"""Data version by partition, None where it was absent. `first..last` are all that were read between the two: a digest
of their versions, or None where all were absent."""

Inputs: TypeAlias = Mapping[str, Versions]
"""What was read, by address."""

LANDING = "landing"
"""In the place of an address, delivered files: their digests by name, each of them however many they are."""

_TO = ".."


def in_short(inputs: Inputs) -> Inputs:
    """The same, in stretches where they are many."""
    return {
        at: versions if at == LANDING or len(versions) <= MANY else dict(_stretches(versions))
        for at, versions in inputs.items()
    }


def covers(told: str, partition: str) -> bool:
    """Whether a key of `Versions` tells of a partition."""
    first, to, last = told.partition(_TO)
    return first <= partition <= last if to else told == partition


def told_of(versions: Versions, partition: str) -> str | None:
    """The key that tells of a partition, None where it was not read."""
    return partition if partition in versions else next((key for key in versions if covers(key, partition)), None)


def is_stretch(told: str) -> bool:
    """Whether a key of `Versions` tells of several partitions."""
    return _TO in told


def absent(versions: Versions, known: Sequence[str]) -> list[str]:
    """The partitions that were absent, and of stretches those of the `known` ones, in order, that lie in them."""
    found = []
    for told in (key for key, version in versions.items() if version is None):
        first, to, last = told.partition(_TO)
        found += known[bisect_left(known, first) : bisect_right(known, last)] if to else [told]
    return found


def _stretches(versions: Versions) -> Iterator[tuple[str, str | None]]:
    for is_there, group in groupby(sorted(versions), key=lambda key: versions[key] is not None):
        keys = list(group)
        if len(keys) == 1:
            yield keys[0], versions[keys[0]]
        else:
            told = "\n".join(f"{key} {versions[key]}" for key in keys)
            yield f"{keys[0]}{_TO}{keys[-1]}", sha256(told.encode()).hexdigest()[:32] if is_there else None

"""A key over the whole table: which partitions share one, and which of them are refused for it.

`staged` is the staged table of the guard; `published` is what is published of the columns in `key_columns`. Whether a
row breaks a rule is asked only where a partition shares a key, as mostly none does.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from taxiway.contracts.guard import accepted, free_name
from taxiway.contracts.rules import TableContract


@dataclass(frozen=True, order=True)
class SharedKeys:
    """How many keys of a staged partition another one has: as it is published, or as it is staged beside it."""

    partition: str
    is_published: bool
    keys: int


def key_columns(contract: TableContract) -> tuple[str, ...]:
    """The columns that say which key stands in which partition."""
    assert contract.partition is not None
    return (*contract.key, contract.partition)


def shares_a_key(contract: TableContract, staged: ir.Table, published: ir.Table) -> ir.Table:
    """A row where published rows have a key of a staged one, accepted or not; they are of other partitions."""
    return published.semi_join(staged, list(contract.key)).select(contract.key[0]).limit(1)


def shared_keys(contract: TableContract, staged: ir.Table, published: ir.Table) -> ir.Table:
    """By `partition` of accepted staged rows, `other` partition and `is_published`: how many `keys` they share."""
    pairs = _pairs(contract, staged, published)
    groups = {name: pairs[f"_{name}"] for name in ("partition", "other", "is_published")}
    return pairs.group_by(**groups).aggregate(keys=pairs.count())


def shared_rows(
    contract: TableContract,
    staged: ir.Table,
    published: ir.Table,
    shared: Mapping[str, Iterable[SharedKeys]],
    limit: int = 5,
) -> ir.Table:
    """Keys that these partitions share with those others, at most `limit` of a partition and always the same ones: the
    columns of the key, the partition, and as `also_in` the other."""
    *key, partition = key_columns(contract)
    pairs: Any = _pairs(contract, staged, published)
    wanted = [
        (pairs["_partition"] == name)
        & (pairs["_other"] == those.partition)
        & (pairs["_is_published"] == those.is_published)
        for name, others in shared.items()
        for those in others
    ]
    rank: Any = ibis.row_number().over(ibis.window(group_by="_partition", order_by=[*key, "_other"]))
    found = pairs.filter(ibis.or_(*wanted)).mutate(_rank=rank)
    found = found.filter(found["_rank"] < limit)
    named = {partition: found["_partition"], free_name("also_in", key_columns(contract)): found["_other"]}
    return found.select(*key, **named).order_by(*key, *named)


def _pairs(contract: TableContract, staged: ir.Table, published: ir.Table) -> ir.Table:
    """The keys of accepted staged rows that stand elsewhere, once for each `_partition` and `_other`.

    Columns of a contract do not start with an underscore.
    """
    *key, partition = key_columns(contract)
    rows = accepted(contract, staged)
    mine = rows.select(*key, _partition=rows[partition])
    beside = rows.select(*key, _other=rows[partition], _is_published=ibis.literal(False))
    before = published.select(*key, _other=published[partition], _is_published=ibis.literal(True))
    pairs: Any = mine.join(before.union(beside), key)
    apart = pairs.filter(pairs["_partition"] != pairs["_other"])
    return apart.select(*key, "_partition", "_other", "_is_published").distinct()


def sharing(passed: Collection[str], found: Iterable[tuple[str, SharedKeys]]) -> dict[str, tuple[SharedKeys, ...]]:
    """Which of the partitions that passed are refused, and for the keys of which others.

    `found` holds for staged partitions what they share. Of a partition that is replaced only the staged rows count, of
    any other the published ones. Of two staged partitions the one is refused whose keys the other has already
    published, else the later one.
    """
    by_partition: dict[str, list[SharedKeys]] = {}
    for partition, shared in found:
        by_partition.setdefault(partition, []).append(shared)
    left, refused = sorted(passed & by_partition.keys()), {}
    standing = set(passed)

    def held_by(partition: str) -> list[SharedKeys]:
        return [other for other in by_partition[partition] if other.is_published and other.partition not in standing]

    def has_published(holder: str, partition: str) -> bool:
        return any(other.is_published and other.partition == holder for other in by_partition[partition])

    def yields(partition: str) -> list[SharedKeys]:
        beside = [o for o in by_partition[partition] if not o.is_published and o.partition in standing]
        return [
            other
            for other in beside
            if (has_published(other.partition, partition), other.partition < partition)
            > (has_published(partition, other.partition), partition < other.partition)
        ]

    while True:
        first = next(((p, held) for told in (held_by, yields) for p in left if (held := told(p))), None)
        if first is None:
            return refused
        partition, others = first
        refused[partition] = tuple(sorted(others))
        left.remove(partition)
        standing.remove(partition)

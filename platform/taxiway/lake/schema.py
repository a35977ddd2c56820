"""How a table's schema may change: a new nullable column widens it, everything else is refused."""

from collections.abc import Collection

import pyarrow as pa

from taxiway.addresses import Address
from taxiway.errors import LakeError


def new_columns(
    address: Address, published: pa.Schema, declared: pa.Schema, mandatory: Collection[str] = ()
) -> tuple[str, ...]:
    """The declared columns that the published table does not have yet.

    Raises LakeError, with the command that rebuilds the table, where a column was removed, renamed or retyped, or
    where a new one is `mandatory`: published rows have no value there.
    """
    added = tuple(name for name in declared.names if name not in published.names)
    removed = [name for name in published.names if name not in declared.names]
    retyped = [
        f"{name} was {published.field(name).type} and is now {declared.field(name).type}"
        for name in declared.names
        if name in published.names and not same_type(published.field(name).type, declared.field(name).type)
    ]
    unfilled = [f"{name} is new and may not be null" for name in added if name in mandatory]
    if removed or retyped or unfilled:
        changes = retyped + [f"{name} is gone" for name in removed] + unfilled
        raise LakeError(
            f"{address}: its columns changed in a way that published partitions cannot follow ({'; '.join(changes)}); "
            f"rebuild the whole table in one commit with: taxiway run {address} --rebuild"
        )
    return added


def same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether two types hold the same values; names of list items do not matter, nor what may be null."""
    if pa.types.is_list(one) and pa.types.is_list(other):
        return same_type(one.value_type, other.value_type)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        members = [{field.name: field.type for field in each} for each in (one, other)]
        return list(members[0]) == list(members[1]) and all(map(same_type, members[0].values(), members[1].values()))
    return one == other

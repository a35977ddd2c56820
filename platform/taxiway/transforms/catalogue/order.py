"""Whether the rows of a window have one order: their keys, followed through an expression."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys

_SAME_ROWS = (ops.Filter, ops.Sort, ops.DropColumns, ops.SelfReference, ops.JoinReference, ops.DropNull, ops.FillNull)

Found = frozenset[frozenset[str]]


def is_ordered(window: Any, keys: Keys) -> bool:
    """Whether the order and the groups of a window name all columns of a key of its rows, so that nothing ties."""
    return _names_a_key([*window.group_by, *(key.arg for key in window.order_by)], keys)


def _names_a_key(named: Sequence[Any], keys: Keys) -> bool:
    fields = [value for value in named if isinstance(value, ops.Field)]
    if not fields:
        return False
    relation: Any = fields[0].rel
    columns = {value.name for value in fields if value.rel == relation}
    return any(key <= columns for key in _keys(relation, keys))


def is_determined(node: Any, keys: Keys) -> bool:
    """Whether an aggregate that takes its values in an order gets them in one: rows that tie have the same value, or
    the order names all columns of a key."""
    named = [key.arg for key in getattr(node, "order_by", ())]
    return node.arg in named or _names_a_key(named, keys)


def is_total(sort: Any, keys: Keys) -> bool:
    """Whether no two rows of a sorted table tie."""
    return isinstance(sort, ops.Sort) and _names_a_key([key.arg for key in sort.keys], keys)


def _keys(relation: Any, keys: Keys) -> Found:
    """The sets of columns of which each row has values of its own."""
    found: Found = frozenset()
    if isinstance(relation, ops.UnboundTable):
        found = frozenset({keys[relation.name]}) if relation.name in keys else found
    elif isinstance(relation, _SAME_ROWS):
        found = _through({name: name for name in relation.to_expr().columns}, _keys(relation.parent, keys))
    elif isinstance(relation, ops.Project) and not _makes_rows(relation):
        found = _through(_renamed(relation, relation.parent), _keys(relation.parent, keys))
    elif isinstance(relation, ops.Aggregate):
        found = frozenset({frozenset(relation.groups)})
    elif isinstance(relation, ops.Distinct):
        found = _keys(relation.parent, keys) | {frozenset(relation.to_expr().columns)}
    elif isinstance(relation, ops.JoinChain) and all(_keeps_alone(link, keys) for link in relation.rest):
        found = _through(_renamed(relation, relation.first), _keys(relation.first, keys))
    return found


def _makes_rows(relation: Any) -> bool:
    """Whether a selection makes several rows of one: items of a list as rows."""
    return any(value.find(ops.Unnest, filter=ops.Value) for value in relation.values.values())


def _renamed(relation: Any, parent: Any) -> dict[str, str]:
    """By column of the parent the name that it has in a selection of it."""
    kept = {name: value for name, value in relation.values.items() if isinstance(value, ops.Field)}
    return {value.name: name for name, value in kept.items() if value.rel == parent}


def _through(names: dict[str, str], found: Found) -> Found:
    return frozenset(frozenset(names[name] for name in key) for key in found if key <= names.keys())


def _keeps_alone(link: Any, keys: Keys) -> bool:
    """Whether a join leaves at most one row of each: it only selects, or it asks for a key of the other table."""
    if link.how in ("semi", "anti"):
        return True
    if link.how not in ("inner", "left") or not all(isinstance(one, ops.Equals) for one in link.predicates):
        return False
    sides: list[set[str]] = [
        {side.name for side in one.args if isinstance(side, ops.Field) and side.rel == link.table}
        for one in link.predicates
    ]
    asked: set[str] = reduce(set.union, sides, set())
    return any(key <= asked for key in _keys(link.table, keys))

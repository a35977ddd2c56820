"""Which input columns an output column is computed from, read off the expression."""

from functools import cache

import ibis.expr.operations as ops
import ibis.expr.types as ir

Source = tuple[str, str]


def column_sources(expression: ir.Table) -> dict[str, frozenset[Source]]:
    """For each column of the result the (relation, column) pairs that its value is made of.

    Columns that only choose rows (filters, join keys) are not among them.
    """

    # Nodes of an expression are hashable, though their types do not say so.
    @cache
    def trace(relation: ops.Relation, name: str) -> frozenset[Source]:
        if isinstance(relation, ops.UnboundTable):
            return frozenset({(relation.name, name)})
        if isinstance(relation, ops.Set):
            return trace(relation.left, name) | trace(relation.right, name)  # pyright: ignore[reportArgumentType]
        if name in relation.values:
            value = relation.values[name]
            fields = value.find(ops.Field, filter=ops.Value)
            return frozenset().union(*(trace(field.rel, field.name) for field in fields))  # pyright: ignore[reportArgumentType]
        parent = getattr(relation, "parent", None)
        return trace(parent, name) if parent is not None else frozenset()

    operation = expression.op()
    return {name: trace(operation, name) for name in expression.columns}  # pyright: ignore[reportArgumentType]

"""Which columns of its sources each column of a mart comes from, read from its compiled SQL."""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlglot import MappingSchema, exp, parse_one
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer import build_scope
from sqlglot.optimizer.qualify import qualify

_DIALECT = "duckdb"

Relation = tuple[str, str]
"""Schema and name of a relation as SQL knows it."""


def column_sources(
    sql: str, columns: Mapping[Relation, Sequence[str]]
) -> Mapping[str, frozenset[tuple[Relation, str]]]:
    """For each column that a query selects, the columns of base relations that it is computed from.

    `columns` holds the columns of every relation that the query reads. A count of rows comes from none.
    """
    schema = MappingSchema(dialect=_DIALECT)
    tree = parse_one(sql, dialect=_DIALECT)
    for table in tree.find_all(exp.Table):
        relation = (table.db, table.name)
        if relation in columns:
            schema.add_table(table, dict.fromkeys(columns[relation], "unknown"), dialect=_DIALECT)
    qualified = cast(exp.Query, qualify(tree, schema=schema, dialect=_DIALECT, validate_qualify_columns=False))
    scope = build_scope(qualified)
    return {
        name: frozenset(_leaves(lineage(name, qualified, scope=scope, dialect=_DIALECT), columns))
        for name in qualified.named_selects
    }


def _leaves(root: Node, columns: Mapping[Relation, Sequence[str]]) -> set[tuple[Relation, str]]:
    found = set()
    for node in root.walk():
        table = node.expression.find(exp.Table)
        if node.downstream or table is None:
            continue
        relation, column = (table.db, table.name), exp.to_column(node.name).name
        if column in columns.get(relation, ()):
            found.add((relation, column))
    return found

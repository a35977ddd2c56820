"""Tables: selections, joins, set operations, groups."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, is_plain, is_single, is_written, refused
from taxiway.transforms.catalogue.order import is_total

_KEYS = "whole numbers, text, dates or booleans in their place, e.g. of a smaller unit"


def _comparable(dtype: Any) -> bool:
    return is_plain(dtype) or (dtype.is_array() and _comparable(dtype.value_type))


def _distinct(node: Any, _: Keys) -> bool:
    return all(_comparable(dtype) for dtype in node.schema.types)


def _groups(node: Any, _: Keys) -> bool:
    return all(_comparable(group.dtype) for group in node.groups.values())


def _orders(node: Any, _: Keys) -> bool:
    return is_single(node.arg.dtype)


def _sets(node: Any, keys: Keys) -> bool:
    return not getattr(node, "distinct", True) or _distinct(node, keys)


def _complete(node: Any, _: Keys) -> bool:
    return not any(dtype.is_floating() for dtype in node.schema.types)


def _is_written(node: Any, _: Keys) -> bool:
    has_rows = node.data.to_pyarrow(node.schema).num_rows > 0
    return has_rows and all(is_written(dtype) or dtype.is_float64() for dtype in node.schema.types)


def _is_first(node: Any, keys: Keys) -> bool:
    ends = (node.n, node.offset)
    return all(isinstance(end, int) for end in ends) and is_total(node.parent, keys)


TABLES = (
    certified(
        "selection",
        "t.select('a', b=t.x), t.mutate(...), t.drop('a'), t.rename(...), t.filter(...)",
        ops.UnboundTable,
        ops.Project,
        ops.Filter,
        ops.DropColumns,
        ops.Field,
        ops.SelfReference,
    ),
    certified("order without effect", "t.order_by('a')", ops.Sort),
    certified("order", "order_by=['a', t.b.desc(nulls_first=True)]", ops.SortKey, when=_orders),
    bound(
        "order of lists",
        "order_by=t.v",
        ops.SortKey,
        when=lambda node, _: node.arg.dtype.is_array(),
        differs="a missing item is the greatest on DuckDB and the least on Spark",
        instead="an order by values, which are no lists",
    ),
    certified(
        "joins",
        "inner_join, left_join, right_join, outer_join, semi_join, anti_join, cross_join",
        ops.JoinChain,
        ops.JoinReference,
    ),
    certified(
        "join",
        "t.left_join(u, 'key')",
        ops.JoinLink,
        when=lambda node, _: node.how in ("inner", "left", "right", "outer", "semi", "anti", "cross"),
    ),
    bound(
        "join as of a time",
        "t.asof_join(u, on)",
        ops.JoinLink,
        when=lambda node, _: node.how == "asof",
        differs="Spark has none",
        instead="latest_as_of(...) of taxiway.transforms.library.as_of",
    ),
    certified(
        "rows put together",
        "ibis.union(t, u), t.intersect(u), t.difference(u)",
        ops.Union,
        ops.Intersection,
        ops.Difference,
        when=_sets,
    ),
    certified("different rows", "t.distinct()", ops.Distinct, when=_distinct),
    certified("groups", "t.group_by('a').aggregate(...), t.aggregate(...)", ops.Aggregate, when=_groups),
    bound(
        "groups of floats",
        "t.group_by('x'), t.distinct(), t.union(u, distinct=True)",
        ops.Aggregate,
        ops.Distinct,
        ops.Union,
        ops.Intersection,
        ops.Difference,
        differs="0.0 and -0.0 are one, and which of the two it is called differs",
        instead=_KEYS,
    ),
    certified("rows without missing values", "t.drop_null()", ops.DropNull, when=_complete),
    bound(
        "rows without missing floats",
        "t.drop_null()",
        ops.DropNull,
        differs="Ibis has Spark drop NaN too",
        instead="t.filter(t.x.notnull())",
    ),
    certified("filled table", "t.fill_null(0)", ops.FillNull),
    certified("items as rows", "x.unnest()", ops.Unnest),
    certified("value of a table", "t.x.max() beside columns of another", ops.ScalarSubquery),
    certified("table of constants", "ibis.memtable({'k': ['a']})", ops.InMemoryTable, when=_is_written),
    certified("one row", "ibis.range(0, 10).unnest().as_table()", ops.DummyTable),
    certified("first rows in an order", "t.order_by(['n', 'key']).limit(10)", ops.Limit, when=_is_first),
    refused(
        "first rows",
        "t.limit(10), t.head()",
        ops.Limit,
        differs="rows have no order, and of those that tie each engine takes others",
        instead="t.order_by([...]).limit(10) by an order that names a key",
    ),
    refused(
        "sample",
        "t.sample(0.1)",
        ops.Sample,
        differs="not reproducible: each engine chooses by its own random numbers",
        instead="a filter by x.hexdigest('sha256') of a key",
    ),
    refused(
        "place of a row",
        "t.rowid()",
        ops.RowID,
        differs="not reproducible: it is where the row happens to lie",
        instead="a key that the data has, or ibis.row_number() over an order that names one",
    ),
)

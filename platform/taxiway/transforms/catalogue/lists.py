"""Lists, records, and the functions that every engine's session defines."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, is_count, is_written, refused

FUNCTIONS = ("local_clock", "instant_of", "known_zone", "clock_of_known", "epoch_us")

# What engines and users call functions of the clock, of chance, and of who asks.
_NOT_REPRODUCIBLE = (
    *("now", "today", "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "curdate"),
    *("get_current_timestamp", "get_current_time", "transaction_timestamp", "clock_timestamp", "unix_timestamp"),
    *("random", "rand", "randn", "randstr", "uniform", "setseed", "shuffle", "uuid", "uuidv4", "uuidv7", "newid"),
    *("gen_random_uuid", "nextval", "currval", "txid_current", "monotonically_increasing_id", "spark_partition_id"),
    *("input_file_name", "current_user", "session_user", "getenv"),
)


def _name(node: Any) -> str:
    return getattr(node, "__func_name__", "")


def _shared(node: Any, _: Keys) -> bool:
    return _name(node) in FUNCTIONS


def _json_alike(dtype: Any) -> bool:
    if dtype.is_struct():
        return all(_json_alike(own) for own in dtype.types)
    if dtype.is_array():
        return _json_alike(dtype.value_type)
    return is_written(dtype) and not dtype.is_timestamp()


def _writes(node: Any, _: Keys) -> bool:
    return _name(node) == "to_json" and all(_json_alike(value.dtype) for value in node.args)


LISTS = (
    certified("list of values", "ibis.array([x, y])", ops.Array),
    certified("length of a list", "x.length()", ops.ArrayLength),
    certified("lists put together", "x + y, x.concat(y)", ops.ArrayConcat),
    certified(
        "items",
        "x.filter(lambda item: ...), x.map(lambda item: ...)",
        ops.ArrayFilter,
        ops.ArrayMap,
        ops.Argument,
        when=lambda node, _: getattr(node, "index", None) is None,
    ),
    certified("item of a list", "x[0]", ops.ArrayIndex, when=lambda node, _: is_count(node.index)),
    bound(
        "item of a list from its end",
        "x[-1], x[n]",
        ops.ArrayIndex,
        differs="Ibis cannot write it for Spark",
        instead="x[0], or columns of their own",
    ),
    certified("numbers of a range", "ibis.range(0, 10).unnest()", ops.IntegerRange),
    certified(
        "first items",
        "x[0:2]",
        ops.ArraySlice,
        when=lambda node, _: all(isinstance(end, ops.Literal) and end.value >= 0 for end in (node.start, node.stop)),
    ),
    bound(
        "list with a value",
        "x.contains(y)",
        ops.ArrayContains,
        differs="of a missing value DuckDB says null, Spark false",
        instead="x.filter(lambda item: item == y).length() > 0",
    ),
    bound(
        "list of different values",
        "x.unique(), x.union(y), x.intersect(y)",
        ops.ArrayDistinct,
        ops.ArrayUnion,
        ops.ArrayIntersect,
        differs="engines leave the items in another order",
        instead="x.unnest() and distinct()",
    ),
    bound(
        "total of a list",
        "x.sums(), x.means()",
        ops.ArraySum,
        ops.ArrayMean,
        differs="a missing item is left out on DuckDB and makes all null on Spark",
        instead="x.unnest() and an aggregate",
    ),
    bound(
        "joined list",
        "x.join('-')",
        ops.ArrayStringJoin,
        differs="of no items DuckDB makes an empty text, Spark null",
        instead="sep.join([x, y]) of columns",
    ),
    bound(
        "lists of lists",
        "x.flatten(), x.repeat(2)",
        ops.ArrayFlatten,
        ops.ArrayRepeat,
        differs="of a missing list DuckDB makes an empty one, Spark null",
        instead="x.concat(y)",
    ),
    certified("record", "ibis.struct({'a': x}), x['a']", ops.StructColumn, ops.StructField),
    certified(
        "functions of every session",
        "local_clock(x, zone), instant_of(x, zone), is_zone(x), epoch_us(x)",
        ops.ScalarUDF,
        when=_shared,
    ),
    certified("record as JSON", "to_json(record) of text, whole numbers, dates, booleans", ops.ScalarUDF, when=_writes),
    bound(
        "floats and times as JSON",
        "to_json(record)",
        ops.ScalarUDF,
        when=lambda node, _: _name(node) == "to_json",
        differs="engines write floats and times differently",
        instead="a record of text, whole numbers, dates and booleans; microseconds(x) for a time",
    ),
    refused(
        "functions that are not reproducible",
        "now(), random(), gen_random_uuid(), nextval(x), shuffle(x)",
        ops.ScalarUDF,
        when=lambda node, _: _name(node).lower() in _NOT_REPRODUCIBLE,
        differs="not reproducible: they give other values each time, so no result could be made again",
        instead="a moment or a key that the data has",
    ),
)

"""What a query of a mart may not do: depend on anything but the rows that it reads. DuckDB's own parser tells."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import duckdb

Relation = tuple[str, str]
"""Schema and name, in lower case."""

_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
_CLOCK_FUNCTIONS = frozenset(
    {"now", "today", "transaction_timestamp", "get_current_time", "get_current_timestamp"}
    | {"current_localtime", "current_localtimestamp", *_CLOCKS}
)
_ENVIRONMENT = frozenset({"getenv", "current_setting", "getvariable"})
_INSTEAD_OF_SAMPLED = {
    **dict.fromkeys(["approx_quantile", "reservoir_quantile"], "quantile_cont()"),
    "approx_top_k": "count(*) by value, with ORDER BY and LIMIT",
}
# They depend on the session alone, which is always the same, or end the query.
_SAME_EVERYWHERE = frozenset({"error", "current_database", "current_schema", "current_schemas", "in_search_path"})
# Functions in FROM that make rows of their arguments alone.
_OF_ARGUMENTS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
    | {"histogram", "histogram_values"}
)
_IN_ORDER = frozenset(
    {"first", "last", "any_value", "arbitrary"} | {"list", "array_agg", "string_agg", "group_concat", "listagg"}
)
# What DuckDB's parser makes of list(x ORDER BY x), and what may be written itself.
_SORTS = frozenset({"list_sort", "array_sort", "list_reverse_sort", "array_reverse_sort"})
_LISTS = frozenset({"list", "array_agg"})
# Macros over them, which take no order.
_JSON_IN_ORDER = frozenset({"json_group_array", "json_group_object", "json_group_structure"})
_RANKS = frozenset({"row_number", "first_value", "last_value", "nth_value", "ntile", "lag", "lead"})
_USE_CLOCK = "compare with a column, or with a variable of dbt_project.yml"
_USE_SOURCE = "read a table of the lake by source(), another model or a seed by ref()"


def problems(sql: str, known: Collection[Relation] | None) -> Iterator[str]:
    """Why two runs of a query over the same rows may differ, with what to write instead; nothing where they do not.

    `known` are the relations that dbt knows the query to read, any for None. What DuckDB cannot parse is a problem too.
    """
    with duckdb.connect() as connection:
        (text,) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone() or ("",)
    tree = json.loads(text)
    if tree["error"]:
        if tree["error_type"] == "not implemented":
            yield "it is no SELECT whose columns are known: a PIVOT lists its columns, PIVOT ... ON column IN (...)"
        else:
            yield f"DuckDB cannot parse it ({' '.join(tree['error_message'].split())})"
        return
    nodes = list(_nodes(tree["statements"]))
    own = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    in_order = {id(node["children"][0]) for node in nodes if node.get("function_name") in _SORTS and node["children"]}
    for node in nodes:
        if id(node) in in_order and node.get("function_name") in _LISTS:
            continue
        kind = node.get("class") or node.get("type")
        check = _CHECKS.get(str(kind))
        if check is not None:
            yield from check(node)
        if kind == "BASE_TABLE":
            yield from _sample(node)
        if kind == "BASE_TABLE" and known is not None:
            yield from _unknown(node, known, own)


def words(text: str) -> Iterator[str]:
    """The problems of a piece of SQL that is no whole query, as its words tell them."""
    tokens = duckdb.tokenize(text)
    bounds = pairwise([*(start for start, _ in tokens), len(text)])
    found = [text[start:end].partition("--")[0].strip().lower() for start, end in bounds]
    for word, after in pairwise([*found, ""]):
        if word in _CLOCKS:
            yield _told_clock(word)
        elif after == "(":
            yield from _function({"function_name": word, "children": [], "order_bys": None})


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every node of a parsed query."""
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)


@cache
def _volatile() -> frozenset[str]:
    """The functions that DuckDB itself says do not depend on their arguments alone."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
    return _with_macros(frozenset(name for (name,) in found) - _SAME_EVERYWHERE)


@cache
def _clocks() -> frozenset[str]:
    """The functions that tell the time."""
    return _with_macros(_CLOCK_FUNCTIONS)


def _with_macros(functions: frozenset[str]) -> frozenset[str]:
    """These functions, and DuckDB's macros that use one of them, through others too."""
    with duckdb.connect() as connection:
        macros = connection.execute(
            "SELECT function_name, macro_definition FROM duckdb_functions() WHERE macro_definition IS NOT NULL"
        ).fetchall()
    used = [(name, {*re.findall(r"\w+", re.sub(r"'[^']*'", "", text))} - {name}) for name, text in macros]
    found = functions
    while more := {name for name, words in used if words & found and name not in found | _SAME_EVERYWHERE}:
        found |= more
    return found


def _told_clock(name: str) -> str:
    return f"{name} is the time of the run: {_USE_CLOCK}"


def _column(node: Mapping[str, Any]) -> Iterator[str]:
    names = node.get("column_names", ())
    if len(names) == 1 and names[0].lower() in _CLOCKS:
        yield f"{_told_clock(names[0])}; a column of that name needs its table's, e.g. t.{names[0]}"
    if names and names[-1].lower() == "rowid":
        yield "rowid is the place of a row, which may differ from run to run: use the row's key"


def _function(node: Mapping[str, Any]) -> Iterator[str]:
    name = node["function_name"].lower()
    if name in _clocks() or (name == "age" and len(node["children"]) == 1):
        yield _told_clock(f"{name}()")
    elif name in _ENVIRONMENT:
        yield f"{name}() reads the environment: declare a variable in dbt_project.yml, which settings can give a value"
    elif name in _INSTEAD_OF_SAMPLED:
        yield f"{name}() differs from run to run: write {_INSTEAD_OF_SAMPLED[name]}"
    elif name in _volatile():
        yield f"{name}() differs from run to run: make the value of the row's key, e.g. with md5()"
    elif name in _JSON_IN_ORDER:
        yield f"{name}() takes rows in any order: write to_json(list(... ORDER BY ...))"
    elif name in _IN_ORDER and node["order_bys"] is not None and not node["order_bys"]["orders"]:
        yield f"{name}() takes rows in any order: say which, {name}(... ORDER BY ...)"


def _window(node: Mapping[str, Any]) -> Iterator[str]:
    name = node["function_name"].lower()
    counts_rows = any(str(node[end]).endswith("_ROWS") for end in ("start", "end"))
    if (name in _RANKS | _IN_ORDER and not node["orders"] and not node["arg_orders"]) or (
        counts_rows and not node["orders"]
    ):
        yield f"{name}() takes rows in any order: say which, OVER (... ORDER BY ...)"


def _join(node: Mapping[str, Any]) -> Iterator[str]:
    if node["ref_type"] == "POSITIONAL":
        yield "POSITIONAL JOIN takes rows in any order: join by a key"


def _select(node: Mapping[str, Any]) -> Iterator[str]:
    yield from _sample(node)
    modifiers = {modifier["type"]: modifier for modifier in node.get("modifiers", ())}
    if "ORDER_MODIFIER" in modifiers:
        return
    if any(name in modifiers for name in ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER")):
        yield "LIMIT without ORDER BY takes any rows: say which come first"
    if modifiers.get("DISTINCT_MODIFIER", {}).get("distinct_on_targets"):
        yield "DISTINCT ON without ORDER BY takes any row: say which comes first"


def _sample(node: Mapping[str, Any]) -> Iterator[str]:
    if node.get("sample"):
        yield "a sample differs from run to run: filter by the row's key, e.g. hash(key) % 10 = 0"


def _table_function(node: Mapping[str, Any]) -> Iterator[str]:
    name = node["function"]["function_name"].lower()
    if name not in _OF_ARGUMENTS:
        yield f"{name}() reads what is in no table of the lake: {_USE_SOURCE}"


def _unknown(node: Mapping[str, Any], known: Collection[Relation], own: Collection[str]) -> Iterator[str]:
    schema, name = node["schema_name"].lower(), node["table_name"].lower()
    if not (schema == "" and name in own) and (schema, name) not in known:
        written = f"{node['schema_name']}.{node['table_name']}".removeprefix(".")
        yield f"'{written}' is nothing that dbt knows it to read: {_USE_SOURCE}"


_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "COLUMN_REF": _column,
    "FUNCTION": _function,
    "WINDOW": _window,
    "SELECT_NODE": _select,
    "SET_OPERATION_NODE": _select,
    "TABLE_FUNCTION": _table_function,
    "SUBQUERY": _sample,
    "JOIN": _join,
}

"""The guard: one aggregate over a staged result that answers every rule of its contract, and the split of its rows.

All functions return Ibis expressions over the staged table; the engine compiles and runs them. The
staged table is declared with all of its columns: the contract's and, where rows were delivered as text,
`_problems` (array of texts: what could not be read of the row), `_delivered` (the row as delivered),
`source_file` and `source_row`.
"""

from collections.abc import Collection
from functools import cache, reduce
from operator import and_
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from taxiway.contracts.rules import FOREIGN, KEY, UNREADABLE, VOLUME, Rule, TableContract
from taxiway.contracts.types import ibis_type

# Ibis types an indexed column as a bare value without operators, so expressions of columns are Any here.
Expression = Any

ORIGIN = ("source_file", "source_row")
"""The columns that say where a delivered row stood."""

_TRUE: Expression = ibis.literal(True)
_NO_TEXT: Expression = ibis.null("string")


def audit(contract: TableContract, staged: ir.Table) -> ir.Table:
    """One aggregate: per partition `rows`, `rejected`, `unreadable` and, as `rule_0`, `rule_1`, ... in the order of
    the rules, how many rows break it (0 or 1 for a table rule).

    A table without partitions gives one row with a null `partition`. With table rules, a partitioned one
    gives a further row with 0 `rows`: what these rules say of an empty partition.
    """
    if contract.partition is None:
        return _audit_whole(contract, staged)
    marked = _marked(contract, staged)
    groups = marked.group_by(partition=marked[contract.partition]).aggregate(**_counts(contract, marked))
    if not _rules(contract, "table"):
        return groups
    return groups.union(_audit_whole(contract, staged.filter(~_TRUE)))


def repeated_hashes(contract: TableContract, staged: ir.Table) -> ir.Table:
    """The hashes that the keys of several rows have, accepted or not, as `hash` and `rows`; the keys with the partition
    where the contract says that they are within it.

    Without any `key_audit` finds nothing, and no two partitions share a key. To group by 64 bits costs less than by
    the keys.
    """
    columns = _key(contract) if contract.key_within_partition else contract.key
    key = ibis.struct({name: staged[name] for name in columns})
    key_type: Any = key.type()
    return _repeated(staged.select(hash=_hash_function(key_type)(key)), ["hash"])


def key_audit(contract: TableContract, staged: ir.Table) -> ir.Table:
    """A row per partition in which several accepted rows have one key: `partition`, `duplicated_keys`."""
    duplicated = _duplicated(contract, staged)
    partition = duplicated[contract.partition] if contract.partition else _NO_TEXT
    return duplicated.group_by(partition=partition).aggregate(duplicated_keys=duplicated.count())


def accepted(contract: TableContract, staged: ir.Table) -> ir.Table:
    """The rows that break no error, with the contract's columns in the contract's order."""
    return staged.filter(_is_accepted(contract, staged)).select(*contract.columns)


def rejected(contract: TableContract, staged: ir.Table) -> ir.Table:
    """The rows that break an error: the partition column, `reasons`, `source_file`, `source_row`, and as `delivered`
    the text of the row, or, where it was not delivered as text, its values: see `as_kept`.
    """
    rows = staged.filter(~_is_accepted(contract, staged))
    return _with_reasons(contract, rows, _reasons(contract, rows))


def all_rows(contract: TableContract, staged: ir.Table) -> ir.Table:
    """All rows as `rejected` gives those that break an error; of the others only such have a reason whose key
    several accepted rows have.
    """
    is_accepted = _is_accepted(contract, staged)
    same_key: Expression = is_accepted.cast("int64").sum().over(ibis.window(group_by=_key(contract)))
    repeated = ibis.literal(f"key ({', '.join(contract.key)}): more than once")
    rows = staged.mutate(_repeated=ibis.ifelse(is_accepted & (same_key > 1), repeated, _NO_TEXT))
    return _with_reasons(contract, rows, [*_reasons(contract, rows), rows["_repeated"]])


def _reasons(contract: TableContract, rows: ir.Table) -> list[Expression]:
    """For each rule of rows why a row breaks it, null where it does not."""
    return [
        ibis.ifelse(~_holds(rule, rows), ibis.literal(rule.reason), _NO_TEXT)
        for _, rule in _rules(contract, "row")
        if rule.severity == "error"
    ]


def _with_reasons(contract: TableContract, rows: ir.Table, told: list[Expression]) -> ir.Table:
    reasons: Expression = ibis.array([*told, _NO_TEXT]).filter(lambda reason: reason.notnull())
    if "_problems" in rows.columns:
        problems: Expression = ibis.coalesce(rows["_problems"], ibis.literal([], type="array<string>"))
        reasons = problems.concat(reasons)
    own = ibis.struct({name: rows[name] for name in contract.columns})
    return rows.select(
        *([contract.partition] if contract.partition else []),
        reasons=reasons,
        delivered=rows["_delivered"] if "_delivered" in rows.columns else own,
        source_file=rows["source_file"] if "source_file" in rows.columns else _NO_TEXT,
        source_row=rows["source_row"].cast("int64") if "source_row" in rows.columns else ibis.null("int64"),
    )


def samples(contract: TableContract, staged: ir.Table, rule: str, limit: int = 5) -> ir.Table:
    """Rows that break the rule of that name, at most `limit` of a partition and always the same ones: the columns of
    the key and of the partition, of delivered rows their file and record, and what the rule reads. `key` gives
    duplicated keys with their `rows`, `unreadable` gives `problems`; what concerns a partition as a whole has no rows
    to show.

    Raises DefinitionError for a rule that the contract does not have.
    """
    partition = [contract.partition] if contract.partition and contract.partition not in contract.key else []
    named = [*contract.key, *partition]
    origin = [name for name in ORIGIN if "_problems" in staged.columns and name in staged.columns and name not in named]
    if rule == KEY:
        shown = _duplicated(contract, staged)
    elif rule == UNREADABLE:
        rows = staged.filter(~_readable(staged))
        shown = rows.select(*named, *origin, **{free_name("problems", named): rows["_problems"]})
    elif rule in (FOREIGN, VOLUME) or contract.rule(rule).kind == "table":
        shown = staged.filter(~_TRUE).select(*named)
    else:
        broken = ~_holds(contract.rule(rule), staged)
        holds: Any = contract.rule(rule).holds(staged).op()
        read = {field.name for field in holds.find(ops.Field)}
        others = [name for name in contract.columns if name in read and name not in (*named, *origin)]
        shown = staged.filter(broken).select(*named, *origin, *others)
    columns = shown.columns
    if contract.partition is None:
        return shown.order_by(*columns).limit(limit)
    rank = ibis.row_number().over(ibis.window(group_by=contract.partition, order_by=list(columns)))
    first: Expression = shown.mutate(_rank=rank)
    return first.filter(first["_rank"] < limit).select(*columns).order_by(*columns)


def check_schema(contract: TableContract, found: ibis.Schema | pa.Schema) -> list[str]:
    """How the columns differ from the contract's, in words; empty where they agree. Order and nullability do
    not matter, nor do columns that start with an underscore.
    """
    types: dict[str, Any] = (
        {field.name: ibis_type(field.type) or field.type for field in found}
        if isinstance(found, pa.Schema)
        else {name: dtype.copy(nullable=True) for name, dtype in found.items()}
    )
    wanted = contract.ibis_schema
    missing = [f"column {name} is missing" for name in wanted if name not in types]
    extra = [f"column {name} is not in the contract" for name in types if name not in wanted and name[0] != "_"]
    retyped = [
        f"column {name} is {types[name]} and must be {dtype}"
        for name, dtype in wanted.items()
        if name in types and types[name] != dtype
    ]
    return missing + extra + retyped


def _audit_whole(contract: TableContract, staged: ir.Table) -> ir.Table:
    marked = _marked(contract, staged)
    whole = marked.aggregate(**_counts(contract, marked))
    return whole.select(_NO_TEXT.name("partition"), *whole.columns)


def _marked(contract: TableContract, staged: ir.Table) -> ir.Table:
    """A mark is null where its rule holds, so that plain counts answer everything; filtered counts are slower."""
    marks = {_mark(index): _holds(rule, staged).nullif(_TRUE) for index, rule in _rules(contract, "row")}
    return staged.mutate(**marks, _unreadable=_readable(staged).nullif(_TRUE))


def _counts(contract: TableContract, marked: ir.Table) -> dict[str, Expression]:
    errors = [marked[_mark(index)] for index, rule in _rules(contract, "row") if rule.severity == "error"]
    # Null where no mark is set, on every engine, and faster than coalesce.
    any_error: Expression = ibis.least(marked["_unreadable"], *errors) if errors else marked["_unreadable"]
    of_rows = {f"rule_{index}": marked[_mark(index)].count() for index, _ in _rules(contract, "row")}
    of_tables = {
        f"rule_{index}": ibis.coalesce(~rule.holds(marked), ~_TRUE).cast("int64")
        for index, rule in _rules(contract, "table")
    }
    return {
        "rows": marked.count(),
        "rejected": any_error.count(),
        "unreadable": marked["_unreadable"].count(),
        **of_rows,
        **of_tables,
    }


def _mark(index: int) -> str:
    return f"_mark_{index}"


def _rules(contract: TableContract, kind: str) -> list[tuple[int, Rule]]:
    return [(index, rule) for index, rule in enumerate(contract.rules) if rule.kind == kind]


def _holds(rule: Rule, table: ir.Table) -> Expression:
    """Null where the rule has nothing to say; a value that could not be read is not also called missing."""
    holds = rule.holds(table)
    return holds | ~_readable(table) if rule.presence and "_problems" in table.columns else holds


def _readable(table: ir.Table) -> Expression:
    if "_problems" not in table.columns:
        return _TRUE
    problems: Expression = table["_problems"]
    return ibis.coalesce(problems.length() == 0, _TRUE)


def _is_accepted(contract: TableContract, table: ir.Table) -> Expression:
    errors = [_holds(rule, table) for _, rule in _rules(contract, "row") if rule.severity == "error"]
    return ibis.coalesce(reduce(and_, errors, _readable(table)), _TRUE)


def _duplicated(contract: TableContract, staged: ir.Table) -> ir.Table:
    """The keys of several accepted rows; the rules are asked only of rows whose key is not alone, mostly none."""
    key = _key(contract)
    return _repeated(accepted(contract, staged.semi_join(_repeated(staged, key), key)), key)


def _key(contract: TableContract) -> list[str]:
    partition = contract.partition
    return [*([partition] if partition and partition not in contract.key else []), *contract.key]


@cache
def _hash_function(key_type: Any) -> Any:
    """The engine's function for keys of one type. DuckDB's 64 bits are unsigned: they are grouped by, not read."""

    @ibis.udf.scalar.builtin(name="xxhash64", signature=((key_type,), dt.int64))
    def hash_of(key):
        """A hash of 64 bits; equal keys have equal ones."""

    return hash_of


def _repeated(rows: ir.Table, key: list[str]) -> ir.Table:
    counted = free_name("rows", key)
    groups = rows.group_by(key).aggregate(**{counted: rows.count()})
    several: Expression = groups[counted] > 1  # pyright: ignore[reportOperatorIssue]
    return groups.filter(several)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or one that no column has where a column has it."""
    return f"_{name}" if name in {column.lower() for column in taken} else name

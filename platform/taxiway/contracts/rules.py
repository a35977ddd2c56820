"""A contract compiled: the pandera model as plain data whose rules are Ibis expressions, no engine needed."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.common.exceptions import IbisError
from pandera.api.pandas.container import DataFrameSchema
from pandera.errors import SchemaError, SchemaInitError

from taxiway.calendar import GRAINS, Grain
from taxiway.contracts.checks import compile_check
from taxiway.contracts.foreign import refuse_foreign
from taxiway.contracts.model import Contract, DeclaredRule, MaxLag, Severity, Volume, table
from taxiway.contracts.types import ibis_type, instead_of
from taxiway.errors import DefinitionError

# What a failure is called that is no rule of the contract: duplicated keys, text that could not be read,
# a partition that was not asked for, one with too few rows.
KEY, UNREADABLE, FOREIGN, VOLUME = "key", "unreadable", "partition", "volume"

_ACROSS_ROWS = (ops.Reduction, ops.WindowFunction, ops.Analytic, ops.Subquery)


_LONGEST_NAME = 128
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{_LONGEST_NAME - 1}}}")

# The columns of a quarantine beside the partition's.
_QUARANTINED = ("reasons", "delivered", "source_file", "source_row")

_CLOCK, _INSTANT = dt.Timestamp(scale=6), dt.Timestamp(timezone="UTC", scale=6)


@ibis.udf.scalar.builtin(signature=((_CLOCK, dt.string), _INSTANT))
def instant_of(clock, zone):
    """The instant at which the clock of `zone` shows `clock`, by a function that every engine's session defines."""


@dataclass(frozen=True)
class Column:
    """A column as its contract states it; `known_at` names the column with the instant from which it is known."""

    name: str
    description: str
    unit: str | None
    known_at: str | None
    nullable: bool


@dataclass(frozen=True, eq=False)
class Rule:
    """What must hold: of every row (`holds` is a boolean column) or of a partition (a boolean aggregate).

    Null passes. `name` is unique in its contract, `column` the one that a built-in check is about.
    `presence` is true of the rule that a value is not missing; `hidden` are the columns, with their types,
    that it reads and the table does not keep.
    """

    name: str
    kind: Literal["row", "table"]
    severity: Severity
    description: str
    column: str | None
    holds: Callable[[ir.Table], Any] = field(repr=False)
    presence: bool = False
    hidden: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reason(self) -> str:
        """What a rejected row is told: `wind_speed: must be <= 300`."""
        return f"{self.column or self.name}: {self.description}"


@dataclass(frozen=True, eq=False)
class TableContract:
    """A contract as plain data: shape, key, grain, partition column, tolerance (share of rows), volume and rules.

    `key_within_partition` is whether a key is looked for within each partition only, because no two can have it.
    """

    name: str
    description: str
    schema: pa.Schema
    ibis_schema: ibis.Schema
    key: tuple[str, ...]
    grain: Grain | None
    partition: str | None
    tolerance: float
    volume: Volume
    key_within_partition: bool
    max_lag: MaxLag | None
    columns: Mapping[str, Column]
    rules: tuple[Rule, ...]

    def rule(self, name: str) -> Rule:
        """The rule of that name; raises DefinitionError where there is none."""
        for rule in self.rules:
            if rule.name == name:
                return rule
        raise DefinitionError(f"contract {self.name}: no rule '{name}'; it has {[rule.name for rule in self.rules]}")


@cache
def compile_contract(model: type[Contract]) -> TableContract:
    """The contract as plain data, compiled once; raises DefinitionError naming what cannot be compiled."""
    where = f"contract {model.__name__}"
    description = inspect.cleandoc(model.__dict__.get("__doc__") or "")
    if not description:
        raise DefinitionError(f"{where}: say in its docstring what a row is")
    try:
        declared = model.to_schema()
    except (SchemaInitError, SchemaError, TypeError) as error:
        raise DefinitionError(f"{where}: {error}") from error
    refuse_foreign(model, declared, where)
    schema = pa.schema([(name, _arrow_type(column, where)) for name, column in declared.columns.items()])
    ibis_schema = ibis.schema({name: ibis_type(schema.field(name).type) for name in schema.names})
    columns = {name: _column(name, column, schema, where) for name, column in declared.columns.items()}
    key = (declared.unique,) if isinstance(declared.unique, str) else tuple(declared.unique or ())
    metadata = _table_metadata(model, where)
    partition, max_lag = metadata["partition"], metadata["max_lag"]
    _check_shape(schema, columns, key, partition, where)
    rules = (
        *_column_rules(declared, ibis_schema, where),
        *(_max_lag_rules(max_lag, schema, where) if max_lag else ()),
        *_declared_rules(model),
    )
    for rule in rules:
        _check_rule(rule, ibis_schema, where)
    return TableContract(
        name=model.__name__,
        description=description,
        schema=schema,
        ibis_schema=ibis_schema,
        key=key,
        grain=metadata["grain"],
        partition=partition,
        tolerance=float(metadata["tolerance"]),
        volume=metadata["volume"],
        key_within_partition=partition is None or partition in key or metadata["key_within_partition"],
        max_lag=max_lag,
        columns=MappingProxyType(columns),
        rules=rules,
    )


def _arrow_type(column: Any, where: str) -> pa.DataType:
    dtype = getattr(column.dtype, "type", None)
    if not isinstance(dtype, pd.ArrowDtype):
        raise DefinitionError(
            f"{where}: column {column.name} has the type {column.dtype}: use one of taxiway.contracts, such as Int64"
        )
    if instead := instead_of(dtype.pyarrow_dtype):
        raise DefinitionError(
            f"{where}: column {column.name} has the type {dtype.pyarrow_dtype}, which cannot be kept: write {instead}"
        )
    return dtype.pyarrow_dtype


def _column(name: str, column: Any, schema: pa.Schema, where: str) -> Column:
    metadata = column.metadata or {}
    if not column.description:
        raise DefinitionError(f"{where}: column {name} has no description: write {name} = column('What it is')")
    known_at = metadata.get("known_at")
    if known_at is not None and "." not in known_at:
        _typed(schema, known_at, pa.types.is_timestamp, f"{where}: column {name} known_at", "Instant")
    return Column(name, column.description, metadata.get("unit"), known_at, column.nullable)


def _table_metadata(model: type[Contract], where: str) -> dict[str, Any]:
    # pandera keeps the metadata of a model in its configuration only.
    declared = dict(getattr(model.__config__, "metadata", None) or {})
    metadata = table() | declared
    unknown = sorted(declared.keys() - table().keys())
    if unknown:
        raise DefinitionError(f"{where}: Config.metadata has {unknown}: write Config.metadata = table(...)")
    if metadata["grain"] not in (None, *GRAINS):
        raise DefinitionError(f"{where}: there is no grain {metadata['grain']!r}: write one of {', '.join(GRAINS)}")
    if metadata["partition"] is not None and metadata["grain"] is None:
        raise DefinitionError(
            f"{where}: it has the partition column {metadata['partition']}, and no grain: write table(grain=...), one "
            f"of {', '.join(GRAINS)}"
        )
    if not 0 <= metadata["tolerance"] <= 1:
        raise DefinitionError(f"{where}: tolerance {metadata['tolerance']} is not a share of the rows between 0 and 1")
    if not isinstance(metadata["volume"], Volume):
        raise DefinitionError(f"{where}: volume {metadata['volume']!r} is no volume: write volume=Volume(least_rows=1)")
    if metadata["key_within_partition"] and metadata["partition"] is None:
        raise DefinitionError(f"{where}: key_within_partition, but the table has no partitions")
    return metadata


def _check_shape(
    schema: pa.Schema, columns: Mapping[str, Column], key: tuple[str, ...], partition: str | None, where: str
) -> None:
    _check_names(schema, partition, where)
    if not key:
        raise DefinitionError(f"{where}: has no key: write Config.unique = [...]")
    if partition is not None:
        _typed(schema, partition, pa.types.is_string, f"{where}: partition", "Text")
    for name in (*key, *([partition] if partition else [])):
        if name not in columns:
            raise DefinitionError(f"{where}: the key names {name}, which is not a column")
        if pa.types.is_nested(schema.field(name).type) or pa.types.is_binary(schema.field(name).type):
            raise DefinitionError(
                f"{where}: {name} is {schema.field(name).type} and cannot be part of the key: write a single value"
            )
        if columns[name].nullable:
            raise DefinitionError(f"{where}: {name} is part of the key or the partition and cannot be nullable")


def _check_names(schema: pa.Schema, partition: str | None, where: str) -> None:
    """Refuse names of columns that an engine, Delta or the guard would take for something else."""
    hidden = [name for name in schema.names if name.startswith("_")]
    if hidden:
        raise DefinitionError(f"{where}: {hidden} start with an underscore, which is kept for the platform")
    odd = [name for name in schema.names if not _NAME.fullmatch(name)]
    if odd:
        raise DefinitionError(
            f"{where}: {odd} cannot be columns on every engine: write names of letters from a to z, digits and "
            f"underscores, which begin with a letter and have at most {_LONGEST_NAME} characters"
        )
    alike: dict[str, list[str]] = {}
    for name in schema.names:
        alike.setdefault(name.lower(), []).append(name)
    same = [" and ".join(names) for names in alike.values() if len(names) > 1]
    if same:
        raise DefinitionError(f"{where}: {', '.join(same)} are one column to SQL, which knows no case: rename one")
    if partition is not None and partition.lower() in _QUARANTINED:
        raise DefinitionError(f"{where}: partition names {partition}, which quarantine has of every row: rename it")
    if "source_file" in alike and alike["source_file"] == ["source_file"]:
        _typed(schema, "source_file", pa.types.is_string, f"{where}: quarantine", "Text")
    if "source_row" in alike and alike["source_row"] == ["source_row"]:
        _typed(schema, "source_row", pa.types.is_integer, f"{where}: quarantine", "Int64")


def _typed(schema: pa.Schema, name: str, is_type: Callable[[pa.DataType], bool], role: str, wanted: str) -> None:
    if name not in schema.names or not is_type(schema.field(name).type):
        raise DefinitionError(f"{role} names {name}, which is not a column of type {wanted}")


def _column_rules(declared: DataFrameSchema, schema: ibis.Schema, where: str) -> Iterator[Rule]:
    for name, column in declared.columns.items():
        if not column.nullable:
            yield _column_rule(name, "missing", "error", "missing", lambda c: c.notnull(), presence=True)
        yield from _finite_rules(name, column.metadata or {}, schema[name], where)
        for check in column.checks:
            try:
                compiled = compile_check(check, schema[name])
            except DefinitionError as error:
                raise DefinitionError(f"{where}: column {name}: {error}") from error
            severity = "warn" if check.raise_warning else "error"
            yield _column_rule(name, compiled.name, severity, compiled.description, compiled.holds)


def _finite_rules(name: str, metadata: Mapping[str, Any], dtype: Any, where: str) -> Iterator[Rule]:
    """That a float is a number: pandera takes NaN for missing, and an infinity mostly comes from a division."""
    item = dtype.value_type if dtype.is_array() else dtype
    allow_nan, allow_inf = metadata.get("allow_nan", False), metadata.get("allow_inf", False)
    if not item.is_floating():
        if allow_nan or allow_inf:
            raise DefinitionError(f"{where}: column {name} is {dtype}: allow_nan and allow_inf are of floats")
        return
    if allow_nan and allow_inf:
        return
    wanted = " or ".join(["NaN"] * (not allow_nan) + ["infinite"] * (not allow_inf))

    def is_odd(value: Any) -> Any:
        odd = [value.isnan()] * (not allow_nan) + [value.isinf()] * (not allow_inf)
        return reduce(or_, odd)

    def holds(c: Any) -> Any:
        return c.filter(is_odd).length() == 0 if dtype.is_array() else ~is_odd(c)

    yield _column_rule(name, "finite", "error", f"must not be {wanted}", holds)


def _column_rule(
    column: str,
    check: str,
    severity: Severity,
    description: str,
    holds: Callable[[Any], ir.BooleanValue],
    *,
    presence: bool = False,
) -> Rule:
    return Rule(f"{column}.{check}", "row", severity, description, column, lambda t: holds(t[column]), presence)


def _max_lag_rules(max_lag: MaxLag, schema: pa.Schema, where: str) -> Iterator[Rule]:
    _typed(schema, max_lag.since, pa.types.is_date, f"{where}: max_lag since", "Date")
    for name in max_lag.of:
        _typed(schema, name, pa.types.is_timestamp, f"{where}: max_lag of", "Instant")

        def holds(t: ir.Table, name: str = name) -> ir.BooleanValue:
            since: Any = t[max_lag.since]
            start: Any = instant_of(since.cast("timestamp(6)"), max_lag.zone)
            return (t[name] >= start) & (t[name] < start + ibis.interval(hours=max_lag.hours))

        wanted = f"must lie within {max_lag.hours} h from the start of {max_lag.since} in {max_lag.zone}"
        yield Rule(f"{name}.max_lag", "row", "error", wanted, name, holds)


def _declared_rules(model: type[Contract]) -> Iterator[Rule]:
    declared: dict[str, Any] = {}
    for ancestor in reversed(model.__mro__):
        declared.update(vars(ancestor))
    for name, rule in declared.items():
        if isinstance(rule, DeclaredRule) and name in (KEY, UNREADABLE, FOREIGN, VOLUME):
            raise DefinitionError(f"contract {model.__name__}: '{name}' has a meaning of its own: rename the rule")
        if isinstance(rule, DeclaredRule):
            yield Rule(name, rule.kind, rule.severity, rule.description, None, _widened(rule.holds), hidden=rule.hidden)


def _widened(holds: Callable[[ir.Table], Any]) -> Callable[[ir.Table], Any]:
    """The rule with every whole number read as int64: what it computes from a value that no rule has accepted
    yet must not overflow, or one bad row would fail its partition instead of going to quarantine."""

    def of_wide_numbers(table: ir.Table) -> Any:
        def widen(node: Any, changed: Any) -> Any:
            again = node.__recreate__(changed) if changed else node
            whole = isinstance(again, ops.Field) and again.rel == table.op() and again.to_expr().type().is_integer()
            return again.to_expr().cast("int64").op() if whole else again

        result = holds(table)
        replacer: Any = widen
        return result.op().replace(replacer).to_expr() if isinstance(result, ir.Value) else result

    return of_wide_numbers


def _check_rule(rule: Rule, schema: ibis.Schema, where: str) -> None:
    """Try the rule on a table without an engine, so that what it cannot be is refused when definitions load."""
    what = f"{where}: rule '{rule.name}'"
    table = ibis.table(dict(schema.items()) | dict(rule.hidden), name="staged")
    try:
        result = rule.holds(table)
    except (IbisError, AttributeError, TypeError, ValueError) as error:
        raise DefinitionError(f"{what} cannot be compiled: {error}") from error
    if not isinstance(result, ir.BooleanValue):
        raise DefinitionError(f"{what} must return a boolean Ibis expression, not {type(result).__name__}")
    operation: Any = result.op()
    # Ibis counts every function of the engine's own, such as a clock in a zone, as impure.
    if any(not isinstance(impure, ops.ScalarUDF) for impure in operation.find(ops.Impure)):
        raise DefinitionError(f"{what} reads a clock or a random number: rules depend on the table alone")
    if any(relation != table.op() for relation in operation.find(ops.Relation)):
        raise DefinitionError(f"{what} filters or joins: use columns of the table, and where= inside an aggregate")
    if rule.kind == "row" and (operation.find(_ACROSS_ROWS) or operation.shape.is_scalar()):
        raise DefinitionError(f"{what} is not about one row: declare it with @table_rule")
    if rule.kind == "table" and (operation.find(ops.WindowFunction) or not operation.shape.is_scalar()):
        raise DefinitionError(f"{what} is not an aggregate of the partition: declare it with @row_rule")

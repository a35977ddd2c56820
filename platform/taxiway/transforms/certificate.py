"""The portability certificate: which parts of an expression may not give the same bits on every engine, or each time.

The expression is walked, nothing is compiled or run. What is certified is in `taxiway.transforms.catalogue`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.errors import DefinitionError
from taxiway.transforms.catalogue import CATALOGUE, Keys, Operator

LISTING = "python -m taxiway.transforms.catalogue.listing"
_NAME_LENGTH = 60
# Of what is in no entry, aggregates of all rows that do not ask for their order.
_STEADY = (ops.Median, ops.Quantile, ops.MultiQuantile, ops.Kurtosis, ops.BitAnd, ops.BitOr, ops.BitXor)
_STEADY_IN_ORDER = (ops.PercentRank, ops.CumeDist)
_CONSTANTS = (ops.E, ops.Pi)
_RELATIONS = (ops.TableUnnest,)


@dataclass(frozen=True)
class Objection:
    """A part of an expression that may not be the same on every engine; `varies`: nor from run to run on one."""

    operator: Operator
    part: str

    @property
    def varies(self) -> bool:
        """Whether two runs of one engine may differ, in more than the last digits of floats."""
        return self.operator.varies

    def __str__(self) -> str:
        """What is written where, why that is not the same, and what to write instead."""
        entry = self.operator
        return f"{entry.written} in {self.part}: {entry.differs}; write instead: {entry.instead}"


def objections(expression: ir.Expr, keys: Keys | None = None) -> tuple[Objection, ...]:
    """What of an expression is not certified, each once; `keys` as for `certify`."""
    found = {(entry.name, name): Objection(entry, name) for entry, name in refusals(expression, keys or {})}
    return tuple(found.values())


def certify(where: str, expression: ir.Expr, keys: Keys | None = None) -> None:
    """See that an expression gives the same bits, or an error, on every engine.

    `keys` are the columns of each input that are unique together. Raises DefinitionError naming `where`, every
    operator that is refused, why, and what to write instead.
    """
    found = objections(expression, keys)
    if found:
        raise DefinitionError(
            f"{where}: not the same on every engine, see {LISTING}:\n" + "\n".join(f"  {line}" for line in found)
        )


def refusals(expression: ir.Expr, keys: Keys) -> Iterator[tuple[Operator, str]]:
    """What is refused of an expression, and in which of its parts."""
    for node, entry in used(expression, keys):
        if not entry.certified:
            yield entry, _shown(node)


def used(expression: ir.Expr, keys: Keys) -> Iterator[tuple[Any, Operator]]:
    """Every operation of an expression, once, with the entry of the catalogue that it falls under."""
    operation: Any = expression.op()
    found = {operation}
    left = [operation]
    while left:
        node = left.pop()
        entry = entry_of(node, keys)
        if entry is not None:
            yield node, entry
        parts = entry.parts(node) if entry is not None and entry.parts is not None else _parts(node)
        for part in parts:
            if part not in found:
                found.add(part)
                left.append(part)


def entry_of(node: Any, keys: Keys) -> Operator | None:
    """The entry of the catalogue under which a use of an operation falls; None for what only gives names."""
    if isinstance(node, ops.Alias):
        return None
    kind = ops.ScalarUDF if isinstance(node, ops.ScalarUDF) else type(node)
    for entry in _BY_OPERATION.get(kind, ()):
        if entry.applies(node, keys):
            return entry
    return _unknown(node)


def _unknown(node: Any) -> Operator:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", getattr(node, "__func_name__", type(node).__name__)).lower()
    types = [part.dtype for part in _parts(node) if isinstance(part, ops.Value)]
    of = f" of {', '.join(map(str, types))}" if types else ""
    steady = _is_steady(node)
    return Operator(
        name=words,
        written=f"{words}(){of}",
        operations=(type(node),),
        differs="it is in no entry of the catalogue, so nothing proves that "
        + ("engines agree" if steady else "it is the same each time"),
        instead="operators of the catalogue, or compute it in a batch_transform or pandas_transform",
        varies=not steady,
    )


def _is_steady(node: Any) -> bool:
    """Whether what is in no entry gives the same each time on one engine, as far as its kind tells."""
    if isinstance(node, ops.ScalarUDF):
        function: Any = node
        is_builtin = function.__input_type__.name == "BUILTIN"
        return is_builtin and function.__func_name__.lower() in _functions_of_duckdb()
    if isinstance(node, ops.Reduction | ops.Analytic | ops.WindowFunction):
        return isinstance(node, (*_STEADY, *_STEADY_IN_ORDER))
    if isinstance(node, ops.Relation):
        return isinstance(node, _RELATIONS)
    return not isinstance(node, ops.Impure) and (not isinstance(node, ops.Constant) or isinstance(node, _CONSTANTS))


@cache
def _functions_of_duckdb() -> frozenset[str]:
    """The functions of a row of which DuckDB says that they depend on their arguments alone."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar' "
            "GROUP BY function_name HAVING bool_and(stability = 'CONSISTENT')"
        ).fetchall()
    return frozenset(name for (name,) in found)


def _parts(node: Any) -> Sequence[Any]:
    return node.__children__


def _shown(node: Any) -> str:
    try:
        name = str(node.name)
    except AttributeError:
        return type(node).__name__
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…"


def _by_operation() -> dict[type, list[Operator]]:
    found: dict[type, list[Operator]] = defaultdict(list)
    for entry in CATALOGUE:
        for operation in entry.operations:
            found[operation].append(entry)
    return dict(found)


_BY_OPERATION = _by_operation()

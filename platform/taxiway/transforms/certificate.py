"""The portability certificate: an expression may use only operators that give the same bits on every engine.

The expression is walked, nothing is compiled or run. What is certified is in `taxiway.transforms.catalogue`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.errors import DefinitionError
from taxiway.transforms.catalogue import CATALOGUE, Keys, Operator

_LISTING = "python -m taxiway.transforms.catalogue.listing"
_NAME_LENGTH = 60


def certify(where: str, expression: ir.Expr, keys: Keys | None = None) -> None:
    """See that an expression gives the same bits, or an error, on every engine.

    `keys` are the columns of each input that are unique together. Raises DefinitionError naming `where`, every
    operator that is refused, why, and what to write instead.
    """
    refused = {(entry.name, name): entry for entry, name in refusals(expression, keys or {})}
    if refused:
        told = [
            f"{entry.written} in {name}: {entry.differs}; write instead: {entry.instead}"
            for (_, name), entry in refused.items()
        ]
        raise DefinitionError(
            f"{where}: not the same on every engine, see {_LISTING}:\n" + "\n".join(f"  {line}" for line in told)
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
    return Operator(
        name=words,
        written=f"{words}(){of}",
        operations=(type(node),),
        differs="it is in no entry of the catalogue, so nothing proves that engines agree",
        instead="operators of the catalogue, or compute it in a batch_transform or pandas_transform",
    )


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

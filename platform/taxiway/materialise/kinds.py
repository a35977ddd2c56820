"""What kind a table is, told from its expressions and its contract's rules: what it may use, and where it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from taxiway.engines.dialects import DIALECTS
from taxiway.errors import DefinitionError, UsageError
from taxiway.tables import Project, Table
from taxiway.transforms import ArrowTransform
from taxiway.transforms.catalogue import Keys
from taxiway.transforms.certificate import LISTING, Objection, objections
from taxiway.transforms.compile import to_sql

DEFAULT_FLOAT_TOLERANCE = 1e-12
"""The relative difference of floats that is no news in a table that is bound to an engine, unless the table states
another: above what the order of additions changes in most sums, and below a unit of any that a float can tell well."""


@dataclass(frozen=True)
class Kind:
    """`portable`: the same bits on every engine; `bound`: written for one `engine`; `python`: a function's rows, the
    same on every engine.

    `reason` says of a table that is bound why, and what would make it portable. `float_tolerance` is the relative
    difference of floats that counts as none when the table is published again; 0 compares the bits.
    """

    word: Literal["portable", "bound", "python"]
    engine: str | None = None
    reason: str = ""
    float_tolerance: float = 0.0

    def __str__(self) -> str:
        """One line for people."""
        if self.engine is None:
            return self.word
        return f"bound to {self.engine}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Part:
    """An expression of a table, who wrote it, and the columns of its inputs that are unique together."""

    name: str
    expression: ir.Expr
    keys: Keys


def judge(table: Table, project: Project, engine: str, parts: Sequence[Part]) -> Kind:
    """The kind of a table that is made of these parts, on `engine` where it is bound to one.

    Raises DefinitionError where two runs may differ, where a table that has to be portable is not, and where Ibis
    cannot write a part for the engine.
    """
    found = {part: objections(part.expression, part.keys) for part in parts}
    varying = {part: [each for each in own if each.varies] for part, own in found.items()}
    if any(varying.values()):
        raise DefinitionError(_told(table, "two runs may give other rows, on any engine", varying))
    if table.transform is None:
        _refuse_where_required(table, project, found)
        return Kind("bound", engine, "dbt writes it for that engine", table.float_tolerance or 0.0)
    if not any(found.values()):
        word = "python" if isinstance(table.transform, ArrowTransform) else "portable"
        return Kind(word, float_tolerance=table.float_tolerance or 0.0)
    _refuse_where_required(table, project, found)
    for part in parts:
        _see_that_it_can_be_written(table, engine, part)
    tolerance = DEFAULT_FLOAT_TOLERANCE if table.float_tolerance is None else table.float_tolerance
    return Kind("bound", engine, _reason(found), tolerance)


def see_that_it_runs_on(table: Table, kind: Kind, engine: str) -> None:
    """Raise UsageError where a table that is bound to one engine is to be made by another."""
    if kind.engine not in (None, engine):
        raise UsageError(f"{table.at} does not run on {engine}: it is {kind}")


def _refuse_where_required(table: Table, project: Project, found: Mapping[Part, Sequence[Objection]]) -> None:
    if any(found.values()) and (table.portable or project.portable) == "required":
        told = _told(table, "not the same on every engine", found)
        raise DefinitionError(f'{told}\n  or, where one engine is enough, Table(..., portable="preferred")')


def _see_that_it_can_be_written(table: Table, engine: str, part: Part) -> None:
    try:
        to_sql(part.expression, DIALECTS[engine].name)
    except Exception as error:  # Ibis' compilers raise what they come across
        told = " ".join(str(error).split())
        raise DefinitionError(
            f"{table.at}: {part.name}: Ibis cannot write it for {engine}, see {LISTING}: {told}"
        ) from error


def _told(table: Table, problem: str, found: Mapping[Part, Sequence[Objection]]) -> str:
    """By part what is refused in it; the first part is named with the problem."""
    lines: list[str] = []
    for part, own in found.items():
        if own:
            lines += [f"{table.at}: {part.name}: {problem}, see {LISTING}:", *(f"  {each}" for each in own)]
    return "\n".join(lines)


def _reason(found: Mapping[Part, Sequence[Objection]]) -> str:
    """The first objection, and how many more there are."""
    told = [f"{part.name} uses {each}" for part, own in found.items() for each in own]
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "")

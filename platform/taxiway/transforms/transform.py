"""What a transform is: a pure function of tables and declared parameters, and its declaration.

Compilation is in `compile.py`, identity in `fingerprint.py`; nothing here knows an engine.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, overload

import ibis.expr.types as ir

from taxiway.errors import DefinitionError

Parameter = int | float | str | bool


@dataclass(frozen=True)
class Lookback:
    """How far before the rows of a partition a transform reads one of its inputs.

    `hours` is the width of the window and `on` the event-time column of the input that it runs on, or the columns.
    The platform adds the input's declared `max_lag` and reads that many earlier partitions; rows of them that lie
    before the window by all these columns are not read.
    """

    hours: int
    on: str | tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The event-time columns."""
        return (self.on,) if isinstance(self.on, str) else self.on

    @property
    def window(self) -> timedelta:
        """The width as a duration."""
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class History:
    """All partitions before the one computed; with `own` that one too, without it what a walk-forward model may see."""

    own: bool = False


@dataclass(frozen=True)
class Whole:
    """All partitions, as a table without partitions reads them."""


Reach = Lookback | History | Whole


@dataclass(frozen=True)
class Transform:
    """A pure function from Ibis tables and typed parameters to an Ibis table.

    `inputs` are relation names (`feature_flights`), `parameters` the declared parameters with their
    defaults, `reach` what is read of an input beyond the same partition.
    """

    function: Callable[..., ir.Table]
    inputs: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    reach: Mapping[str, Reach] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    def __call__(self, *tables: ir.Table, **bound: Any) -> ir.Table:
        """The function's own result, for tests and for building other transforms from it."""
        return self.function(*tables, **bound)


@overload
def transform(function: Callable[..., ir.Table]) -> Transform: ...
@overload
def transform(*, reach: Mapping[str, Reach]) -> Callable[[Callable[..., ir.Table]], Transform]: ...
def transform(
    function: Callable[..., ir.Table] | None = None, *, reach: Mapping[str, Reach] | None = None
) -> Transform | Callable[[Callable[..., ir.Table]], Transform]:
    """Declare a transform; `@transform` or `@transform(reach={"feature_flights": Lookback(3, on="departed_at")})`.

    A parameter annotated `int`, `float`, `str` or `bool` with a default is bound from the settings of
    the same name; every other parameter is an input table. Raises DefinitionError for anything else.
    """

    def declare(function: Callable[..., ir.Table]) -> Transform:
        inputs, parameters = declared(function)
        unknown = set(reach or {}) - set(inputs)
        if unknown:
            raise DefinitionError(f"{function.__name__}: reach names {sorted(unknown)}, which are not inputs: {inputs}")
        return Transform(function, inputs, parameters, MappingProxyType(dict(reach or {})))

    return declare if function is None else declare(function)


def declared(function: Callable[..., Any]) -> tuple[tuple[str, ...], Mapping[str, Parameter]]:
    """The names of a function's tables, and its parameters with their defaults.

    Annotated `int`, `float`, `str` or `bool` is a parameter and needs a default; every other is a table.
    Raises DefinitionError for a parameter without a default, for `*names`, and for what is called but is no function.
    """
    if not inspect.isfunction(function):
        raise DefinitionError(f"{function!r} is no function: its code cannot be told; write a function that calls it")
    inputs: list[str] = []
    parameters: dict[str, Parameter] = {}
    hints = inspect.get_annotations(function, eval_str=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if hints.get(name) in (int, float, str, bool):
            if parameter.default is inspect.Parameter.empty:
                raise DefinitionError(f"{function.__name__}: parameter '{name}' needs a default, e.g. {name}=1")
            parameters[name] = parameter.default
        elif parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise DefinitionError(f"{function.__name__}: '*{name}' cannot be bound; name every input table")
        else:
            inputs.append(name)
    return tuple(inputs), MappingProxyType(parameters)

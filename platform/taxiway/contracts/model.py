"""How a contract is written: a pandera model whose rules are Ibis expressions. Nothing here evaluates it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import ibis.expr.types as ir
import pandera.pandas as pandera
from pandera.errors import SchemaInitError

from taxiway.calendar import Grain
from taxiway.errors import DefinitionError
from taxiway.zones import see_that_is_zone

Severity = Literal["error", "warn"]
Holds = Callable[[ir.Table], ir.Value]


class Contract(pandera.DataFrameModel):
    """What a table must be; its docstring describes the table, `Config.unique` is the key."""

    if TYPE_CHECKING:
        # pandera reads the attributes of a plain class of this name; it need not derive from pandera's.
        Config: Any


@dataclass(frozen=True)
class MaxLag:
    """How long after the first moment of a row's day its event times may lie.

    Each column of `of` holds an instant within the `hours` that start when the date in `since` starts
    on the clock of `zone`. It bounds how many partitions a window of event times can touch.
    """

    hours: int
    of: tuple[str, ...]
    since: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.hours <= 0 or not self.of:
            raise DefinitionError(f"{self}: give at least one hour and at least one column in `of`")
        try:
            see_that_is_zone(self.zone)
        except DefinitionError as error:
            raise DefinitionError(f"{self}: {error}") from error

    @property
    def window(self) -> timedelta:
        """The hours as a duration."""
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class Volume:
    """How many rows of a partition may be published. Below what is `least` it is refused, below what is `usual` it is
    published with a warning.

    `rows` are a number. `share` (0 to 1) is of the rows that are published of the same partition, so that it holds
    when that is made anew; `share_of_earlier` is of the median of up to `earlier` partitions that are published or
    made before it, so that it holds for half a file of a new month too. What is empty from the first is a warning,
    unless `allow_empty` says that this is as it should be. `Volume(least_share=0, usual_share=0)` is no limit.
    """

    least_rows: int = 0
    least_share: float = 0.1
    usual_share: float = 0.5
    allow_empty: bool = False
    usual_rows: int = 0
    least_share_of_earlier: float = 0.0
    usual_share_of_earlier: float = 0.0
    earlier: int = 3

    def __post_init__(self) -> None:
        shares = (self.least_share, self.usual_share, self.least_share_of_earlier, self.usual_share_of_earlier)
        if self.least_rows < 0 or self.usual_rows < 0 or not all(0 <= share <= 1 for share in shares):
            raise DefinitionError(f"{self}: give a number of rows from 0, and shares between 0 and 1")
        if self.earlier < 1:
            raise DefinitionError(f"{self}: earlier is the number of partitions to compare with, from 1")

    @property
    def of_earlier(self) -> bool:
        """Whether it compares with other partitions."""
        return self.least_share_of_earlier > 0 or self.usual_share_of_earlier > 0


_USUAL_VOLUME = Volume()


class DeclaredRule(staticmethod):
    """A rule as written in a contract, a function of the table; pandera leaves methods of a model alone."""

    def __init__(
        self,
        holds: Holds,
        kind: Literal["row", "table"],
        description: str,
        severity: Severity,
        hidden: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(holds)
        self.hidden = hidden
        self.holds = holds
        self.kind: Literal["row", "table"] = kind
        self.description = description
        self.severity: Severity = severity


def column(
    description: str,
    *,
    unit: str | None = None,
    known_at: str | None = None,
    nullable: bool = False,
    severity: Severity = "error",
    allow_nan: bool = False,
    allow_inf: bool = False,
    **checks: Any,
) -> Any:
    """A column of a contract, with pandera's built-in checks (`ge=0, isin=[...], str_matches=...`).

    `known_at` names the column that holds the instant from which the value is known, of this table or,
    as `feature/flights.arrived_at`, of another one with the same key; None is always.
    `severity` is that of the checks: a missing value where `nullable` is false is always an error. So are, in a column
    of floats or of lists of them, NaN unless `allow_nan`, and infinity unless `allow_inf`, as neither is a null.
    Raises DefinitionError for a check that pandera does not have.
    """
    _refuse_unknown_severity(severity, description)
    try:
        return pandera.Field(
            description=description,
            nullable=nullable,
            raise_warning=severity == "warn",
            metadata={"unit": unit, "known_at": known_at, "allow_nan": allow_nan, "allow_inf": allow_inf},
            **checks,
        )
    except (SchemaInitError, TypeError, ValueError, re.error) as error:
        raise DefinitionError(
            f"column '{description}': {error}; use pandera's built-in checks, or a @row_rule for anything else"
        ) from error


def row_rule(
    description: str, *, severity: Severity = "error", hidden: Mapping[str, str] = MappingProxyType({})
) -> Callable[[Holds], DeclaredRule]:
    """Declare what must hold of every row: a function of the table that returns a boolean column.

    Rows for which it is null pass. A row that breaks an error goes to quarantine, a warning is counted.
    `hidden` names columns, and their types, that the rule reads and the table does not keep: the transform
    gives them, named with a leading underscore.
    """
    _refuse_unknown_severity(severity, description)
    kept = [name for name in hidden if not name.startswith("_")]
    if kept:
        raise DefinitionError(f"'{description}': {kept} are no hidden columns, whose names start with an underscore")
    return lambda holds: DeclaredRule(holds, "row", description, severity, hidden)


def table_rule(description: str, *, severity: Severity = "error") -> Callable[[Holds], DeclaredRule]:
    """Declare what must hold of each partition as a whole: a function of the table that returns a boolean aggregate.

    It sees all staged rows of the partition, rejected ones included; null passes. A partition that
    breaks an error is not published.
    """
    _refuse_unknown_severity(severity, description)
    return lambda holds: DeclaredRule(holds, "table", description, severity)


def table(
    *,
    grain: Grain | None = None,
    partition: str | None = None,
    tolerance: float = 0.0,
    volume: Volume = _USUAL_VOLUME,
    key_within_partition: bool = False,
    max_lag: MaxLag | None = None,
) -> dict[str, Any]:
    """What `Config.metadata` of a contract holds.

    `grain` says how long a partition is: an hour, a day, a week or a month of the project's calendar; None is a table
    without partitions. `partition` is the column that holds the partition's key, called as the grain by default.
    `tolerance` is the share (0 to 1) of a partition's rows that may
    be rejected while the others are published, `volume` how many rows a partition must have.
    `key_within_partition` says that the key contains the partition's date, so that no two partitions can have
    one key: then it is looked for within each partition only, not in all that is published of the table.
    """
    return {
        "grain": grain,
        "partition": partition or grain,
        "tolerance": tolerance,
        "volume": volume,
        "key_within_partition": key_within_partition,
        "max_lag": max_lag,
    }


def _refuse_unknown_severity(severity: str, description: str) -> None:
    if severity not in ("error", "warn"):
        raise DefinitionError(f"'{description}': severity is 'error' or 'warn', not {severity!r}")

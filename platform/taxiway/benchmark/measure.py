"""What is measured, as plain data: trials that are repeated, and measures that are read off their steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxiway.benchmark.process import Command, Finished
from taxiway.benchmark.samples import Range, Results
from taxiway.errors import UsageError
from taxiway.spelling import nearest


def no_figures(_: Sequence[Finished]) -> Mapping[str, float]:
    """Nothing is read from what the commands said."""
    return {}


@dataclass(frozen=True)
class Step:
    """Commands that are measured together. `read` takes figures from what they said or left, unmeasured.

    A figure is in the unit that its name ends with: `_seconds`, `_bytes`, else a count.
    """

    name: str
    commands: tuple[Command, ...]
    read: Callable[[Sequence[Finished]], Mapping[str, float]] = no_figures


@dataclass(frozen=True)
class Trial:
    """Steps in one empty folder, which is removed afterwards. What `steps` does between two of them is not measured.

    All trials are repeated in turn, each `repeat` times by default, so that a slow spell of the machine meets all.
    """

    name: str
    steps: Callable[[Path], Iterator[Step]]
    repeat: int = 3


@dataclass(frozen=True)
class Target:
    """What is to be reached, what was measured, in `unit`."""

    what: str
    measured: Range
    bound: Literal["at most", "at least"]
    limit: float
    unit: str = "times"

    @property
    def is_met(self) -> bool:
        """Whether the median keeps the limit."""
        return self.measured.median <= self.limit if self.bound == "at most" else self.measured.median >= self.limit


@dataclass(frozen=True)
class Measure:
    """A question, the trials whose steps answer it, the steps that the report shows, and the targets.

    `engine` is one that it cannot be answered without, beside the deployment's.
    """

    name: str
    title: str
    trials: tuple[str, ...]
    steps: tuple[str, ...]
    judge: Callable[[Results], Sequence[Target]]
    notes: tuple[str, ...] = ()
    engine: str | None = None


@dataclass(frozen=True)
class Scale:
    """How a project's data is multiplied: `copies` of all of it, in partitions that follow each other.

    `partitions(factor)` are those that so many copies reach; `copies(factor)` yields name and bytes of every file that
    is delivered for them, in their order, and holds no more than one copy. `counted` is the table whose rows say how
    much there is, and `what` it holds: raw/flights and flights. Both raise UsageError for a factor that cannot be.
    """

    what: str
    counted: str
    partitions: Callable[[int], Sequence[str]]
    copies: Callable[[int], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True)
class Benchmarks:
    """All that a project measures; with `scale`, also how its cost grows with its data."""

    trials: tuple[Trial, ...]
    measures: tuple[Measure, ...]
    scale: Scale | None = None

    def chosen(self, names: Sequence[str]) -> tuple[Measure, ...]:
        """The measures of these names, all for none, in the project's order; raises UsageError for another name."""
        known = [measure.name for measure in self.measures]
        for name in names:
            if name not in known:
                raise UsageError(f"there is no measure '{name}'; {nearest(name, known)}")
        return tuple(measure for measure in self.measures if not names or measure.name in names)

    def trials_of(self, measures: Sequence[Measure]) -> tuple[Trial, ...]:
        """The trials that these measures need, each once."""
        needed = {name for measure in measures for name in measure.trials}
        return tuple(trial for trial in self.trials if trial.name in needed)


def at_most(what: str, measured: Range, limit: float, unit: str = "times") -> Target:
    """A target that is met where the measured median is not above the limit."""
    return Target(what, measured, "at most", limit, unit)


def at_least(what: str, measured: Range, limit: float, unit: str = "times") -> Target:
    """A target that is met where the measured median is not below the limit."""
    return Target(what, measured, "at least", limit, unit)

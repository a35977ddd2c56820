"""What repeated measuring gives: samples by step, and their smallest, middle and largest value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType

from taxiway.benchmark.process import Finished


@dataclass(frozen=True)
class Range:
    """The smallest, the middle and the largest of some values."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Range":
        """The range of values; raises ValueError where there are none."""
        found = list(values)
        if not found:
            raise ValueError("a range needs at least one value")
        return cls(min(found), median(found), max(found))


@dataclass(frozen=True)
class Sample:
    """A step once: wall and CPU seconds, the largest peak memory of its commands, and figures that it told, by name."""

    wall_seconds: float
    user_seconds: float
    cpu_seconds: float
    peak_bytes: int
    figures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, finished: Sequence[Finished], figures: Mapping[str, float]) -> "Sample":
        """The sample of a step whose commands ran one after the other."""
        return cls(
            wall_seconds=sum(one.wall_seconds for one in finished),
            user_seconds=sum(one.user_seconds for one in finished),
            cpu_seconds=sum(one.cpu_seconds for one in finished),
            peak_bytes=max(one.peak_bytes for one in finished),
            figures=MappingProxyType(dict(figures)),
        )

    def value(self, of: str) -> float:
        """A figure, or one of the sample's own numbers; raises KeyError for what it does not have."""
        own = {
            "wall_seconds": self.wall_seconds,
            "user_seconds": self.user_seconds,
            "cpu_seconds": self.cpu_seconds,
            "peak_bytes": self.peak_bytes,
        }
        return own[of] if of in own else self.figures[of]


@dataclass(frozen=True)
class Results:
    """The samples of each step, in the order of the repetitions."""

    samples: Mapping[str, Sequence[Sample]]

    def range(self, step: str, of: str = "wall_seconds") -> Range:
        """The range of one number of a step."""
        return Range.of(sample.value(of) for sample in self.samples[step])

    def ratio(self, step: str, to: str, of: str = "wall_seconds", to_of: str | None = None) -> Range:
        """The range of a step's number divided by another's in the same repetition."""
        pairs = zip(self.samples[step], self.samples[to], strict=True)
        return Range.of(one.value(of) / other.value(to_of or of) for one, other in pairs)

    def figures(self, step: str) -> tuple[str, ...]:
        """The names of the figures that a step told, in its order."""
        return tuple(self.samples[step][0].figures)

"""The year on a deployment with servers of its own, its bucket, queue and storage on this machine."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from taxiway.benchmark import Command, Measure, Results, Step, Target, Trial, at_most

from .commands import shared, taxiway
from .year import YEAR

ON_STAGING = "taxiway, cold year, on staging"


def _year(_: Path) -> Iterator[Step]:
    # In a folder of its own, which the accounts of PostgreSQL and nginx can reach.
    with shared("e2e.staging").running() as staging:
        variables = staging.variables("publisher")
        steps = [taxiway(staging.home, "land", "--json"), taxiway(staging.home, "run", "--json")]
        yield Step(ON_STAGING, tuple(Command(c.words, {**c.variables, **variables}, c.folder) for c in steps))


def _judge(results: Results) -> Sequence[Target]:
    return [at_most("the year on staging against local", results.ratio(ON_STAGING, YEAR), 2)]


trial = Trial("year on staging", _year)
measure = Measure(
    "staging",
    "A cold year on staging",
    ("platform year", "year on staging"),
    (YEAR, ON_STAGING),
    _judge,
    (
        "One run in Dagster's queue, followed to its end; it shares the cores with bucket, PostgreSQL, Dagster.",
        "Landing is part of both. CPU and memory on staging are those of the command that follows, and not of the run.",
    ),
)

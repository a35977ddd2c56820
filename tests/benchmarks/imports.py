"""What it takes to import the definitions, as Dagster does when it loads the code location, against bare imports."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from taxiway.benchmark import Command, Measure, Results, Step, Target, Trial, at_most, execute

from .commands import ROOT, taxiway

DEFINITIONS, BARE = "import flights.definitions", "import dagster, dagster_dbt, pandera, ibis"


def _steps(folder: Path) -> Iterator[Step]:
    variables = taxiway(folder / "home").variables
    for name in (DEFINITIONS, BARE):
        command = Command((sys.executable, "-c", name), variables, ROOT)
        execute(command)  # caches are warm
        yield Step(name, (command,))


def _judge(results: Results) -> Sequence[Target]:
    return [
        at_most("definitions against bare imports, wall time", results.ratio(DEFINITIONS, BARE), 1.5),
        at_most("definitions against bare imports, user time", results.ratio(DEFINITIONS, BARE, "user_seconds"), 1.5),
    ]


trial = Trial("imports", _steps, repeat=7)
measure = Measure("import", "Importing the definitions", ("imports",), (DEFINITIONS, BARE), _judge)

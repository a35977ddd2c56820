"""What it takes to import the definitions, as Dagster does when it loads the code location, against bare imports.

What the certificate of all tables adds to it is timed in a process of its own.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from taxiway.benchmark import Command, Finished, Measure, Results, Step, Target, Trial, at_most, execute

from .commands import ROOT, script, taxiway

DEFINITIONS, BARE = "import flights.definitions", "import dagster, pandera, ibis"
CERTIFICATE = "certify every table"


def _steps(folder: Path) -> Iterator[Step]:
    variables = taxiway(folder / "home").variables
    for name in (DEFINITIONS, BARE):
        command = Command((sys.executable, "-c", name), variables, ROOT)
        execute(command)  # caches are warm
        yield Step(name, (command,))
    yield Step(CERTIFICATE, (script("certificate.py", folder / "home"),), _read)


def _read(finished: Sequence[Finished]) -> Mapping[str, float]:
    return json.loads(finished[0].out)


def _judge(results: Results) -> Sequence[Target]:
    seconds = results.range(CERTIFICATE, "certificate_seconds")
    return [
        at_most("definitions against bare imports, wall time", results.ratio(DEFINITIONS, BARE), 1.5),
        at_most("definitions against bare imports, user time", results.ratio(DEFINITIONS, BARE, "user_seconds"), 1.5),
        at_most("the certificate of every table", seconds, 0.5, "seconds"),
    ]


trial = Trial("imports", _steps, repeat=7)
measure = Measure("import", "Importing the definitions", ("imports",), (DEFINITIONS, BARE, CERTIFICATE), _judge)

"""The process that `taxiway bench scale` measures: the raw and feature tables of the deployment, by ranges of months.

`python -m taxiway.benchmark.scale_run MONTHS_A_STEP` prints a line of JSON for every table of every step.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from taxiway.engines import engines
from taxiway.errors import TaxiwayError
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace, materialise
from taxiway.project_loader import load_project
from taxiway.settings import load_settings
from taxiway.tables import Project, Table

LAYERS = ("raw", "feature")


def tables_of(project: Project) -> tuple[Table, ...]:
    """The tables that are made, in order."""
    return tuple(table for table in project.in_order if table.address.layer in LAYERS)


def steps_of(months: Sequence[str], months_a_step: int) -> list[Sequence[str]]:
    """The months in ranges of so many, the last perhaps shorter; all in one where it is 0."""
    size = months_a_step or len(months)
    return [months[start : start + size] for start in range(0, len(months), size)]


def jobs(project: Project, months: Sequence[str], months_a_step: int) -> Iterator[tuple[Table, Sequence[str]]]:
    """Each table with the partitions of a step, in order: all steps of a table before the tables that read it."""
    for table in tables_of(project):
        for step in steps_of(months, months_a_step) if table.monthly else [(WHOLE,)]:
            yield table, step


def main(months_a_step: int, say: Callable[[dict[str, object]], None]) -> None:
    """Make the tables and say what each cost; raises TaxiwayError where one cannot be made, or a month is refused."""
    settings = load_settings()
    workspace = Workspace(load_project(settings), settings)
    with engines(settings) as open_engine:
        engine = open_engine(None)
        with engine.session():
            say({"started": True})
        for table, keys in jobs(workspace.project, settings.months.keys(), months_a_step):
            began = time.perf_counter()
            outcome = materialise(workspace, table, keys, engine, run="scale")
            if outcome.refused:
                raise TaxiwayError(outcome.refused[0].message)
            say(
                {
                    "table": table.at,
                    "partitions": [keys[0], keys[-1]],
                    "rows": sum(result.rows or 0 for result in outcome.partitions),
                    "rejected": sum(result.rejected for result in outcome.partitions),
                    "bytes": sum(result.bytes for result in outcome.partitions),
                    "seconds": time.perf_counter() - began,
                    "phases": dict(outcome.seconds),
                }
            )


def _to_stdout() -> Callable[[dict[str, object]], None]:
    """Prints data for whoever measures; what libraries print to stdout goes to stderr from now on."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(told: dict[str, object]) -> None:
        out.write(f"{json.dumps(told)}\n")
        out.flush()

    return say


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), _to_stdout())
    except TaxiwayError as error:
        sys.exit(str(error))

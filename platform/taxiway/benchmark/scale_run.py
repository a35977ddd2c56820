"""The process that `taxiway bench scale` measures: the raw and feature tables of the deployment, range by range.

`python -m taxiway.benchmark.scale_run PARTITIONS_A_STEP` prints a line of JSON for every table of every step.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from taxiway.calendar import Calendar
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


def steps_of(partitions: Sequence[str], a_step: int) -> list[Sequence[str]]:
    """The partitions in ranges of so many, the last perhaps shorter; all in one where it is 0."""
    size = a_step or len(partitions)
    return [partitions[start : start + size] for start in range(0, len(partitions), size)]


def jobs(project: Project, calendar: Calendar, a_step: int) -> Iterator[tuple[Table, Sequence[str]]]:
    """Each table with the partitions of a step, in order: all steps of a table before the tables that read it."""
    for table in tables_of(project):
        for step in [(WHOLE,)] if table.grain is None else steps_of(calendar.keys(table.grain), a_step):
            yield table, step


def main(a_step: int, say: Callable[[dict[str, object]], None]) -> None:
    """Make the tables and say what each cost; raises TaxiwayError where one cannot be made or is refused."""
    settings = load_settings()
    workspace = Workspace(load_project(settings), settings)
    with engines(settings) as open_engine:
        engine = open_engine(None)
        with engine.session():
            say({"started": True})
        for table, keys in jobs(workspace.project, workspace.calendar, a_step):
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

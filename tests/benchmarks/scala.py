"""What moving to Scala would gain: the SQL that `taxiway compile` prints, run by a job in Scala and one in Python."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from taxiway.benchmark import BenchmarkFailed, Finished, Measure, Results, Step, Target, Trial, at_least, execute
from taxiway.settings import load_settings
from taxiway.testing.bits import differences

from .commands import ROOT, script, taxiway
from .spark_shell import scala_job

TABLES = ("feature/origin_congestion", "feature/delay_features")
ROUNDS = 3
SCALA, PYTHON = "job in Scala", "job in Python"


def _steps(folder: Path) -> Iterator[Step]:
    home, scala, python = folder / "home", folder / "scala", folder / "python"
    settings = load_settings("local", root=ROOT, home=home)
    execute(taxiway(home, "land", "--json"))
    execute(taxiway(home, "run", "raw", "feature", "--json"))
    for place in (scala, python):
        place.mkdir()
    for table in TABLES:
        printed = execute(taxiway(home, "compile", table, "--engine", "spark")).out
        for place in (scala, python):
            (place / f"{table.replace('/', '_')}.sql").write_text(printed)
    yield Step(SCALA, (scala_job(settings, scala, rounds=ROUNDS),), partial(_read, scala))
    yield Step(PYTHON, (script("python_job.py", python, ROUNDS, home),), partial(_read, python))
    _agree(scala, python)


def _read(place: Path, finished: Sequence[Finished]) -> Mapping[str, float]:
    rounds = json.loads((place / "seconds.json").read_text())
    return {
        "start_and_end_seconds": finished[0].wall_seconds - sum(rounds),
        "first_round_seconds": rounds[0],
        "last_round_seconds": rounds[-1],
    }


def _agree(scala: Path, python: Path) -> None:
    """Raise BenchmarkFailed where the two did not write the same rows: then their seconds cannot be compared."""
    for wanted in scala.glob("*.sql"):
        one, other = (pq.read_table(place / f"{wanted.stem}.parquet") for place in (scala, python))
        if found := differences(one, other, ["flight_id"]):
            raise BenchmarkFailed(f"Scala and Python differ in {wanted.stem}: {'; '.join(found)}")


def _judge(results: Results) -> Sequence[Target]:
    return [
        at_least(f"Scala against Python, {told}", results.ratio(SCALA, PYTHON, figure, figure), 0.9)
        for told, figure in (
            ("first round, compute and write", "first_round_seconds"),
            ("last round, compute and write", "last_round_seconds"),
        )
    ]


trial = Trial("scala", _steps, repeat=2)
measure = Measure(
    "scala",
    "A job in Scala against the same job in Python, on Spark",
    ("scala",),
    (SCALA, PYTHON),
    _judge,
    (
        f"Both run what `taxiway compile` prints of {' and '.join(TABLES)} for the year, and write Parquet.",
        f"Each runs {ROUNDS} rounds in one session, with the same configuration. Their rows must agree.",
        "`start and end` is the time of the process beside the rounds.",
    ),
    engine="spark",
)

"""The lake in a folder and in a bucket of a server on this machine: the year, many commits, many delivered files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from taxiway.benchmark import Command, Finished, Measure, Results, Step, Target, Trial, at_most

from .commands import script, shared, taxiway
from .year import PART, PART_OF_YEAR

FEW, MANY = 50, 5000
IN_BUCKET = "taxiway, cold year, no models, in a bucket"
FEW_FILES, MANY_FILES = "a look over 10 files", "a look over 10,000 files"


def _commits(where: str, number: int) -> str:
    return f"a table of {number:,} commits in a {where}"


def _figures(finished: Sequence[Finished]) -> Mapping[str, float]:
    return json.loads(finished[-1].out)


def _year(folder: Path) -> Iterator[Step]:
    home, s3 = folder / "home", shared("s3")
    with s3.serving() as server:
        variables = {
            **server.environment(),
            "TAXIWAY_LAKE": f"s3://{s3.BUCKET}/lake",
            "TAXIWAY_LANDING": f"s3://{s3.BUCKET}/landing",
        }
        steps = [taxiway(home, "land", "--json"), taxiway(home, "run", *PART, "--json")]
        yield Step(IN_BUCKET, tuple(Command(c.words, {**c.variables, **variables}, c.folder) for c in steps))


def _many_commits(folder: Path) -> Iterator[Step]:
    s3 = shared("s3")
    with s3.serving() as server:
        for number in (FEW, MANY):
            places = {"folder": str(folder / str(number)), "bucket": f"s3://{s3.BUCKET}/{number}"}
            for where, place in places.items():
                command = script("many_commits.py", place, number, variables=server.environment())
                yield Step(_commits(where, number), (command,), _figures)


def _many_files(folder: Path) -> Iterator[Step]:
    for name, tables, months in ((FEW_FILES, 1, 10), (MANY_FILES, 10, 1000)):
        yield Step(name, (script("looks.py", folder / name.replace(" ", "-"), tables, months),), _figures)


def _judge_bucket(results: Results) -> Sequence[Target]:
    return [
        at_most("the year without models in a bucket against a folder", results.ratio(IN_BUCKET, PART_OF_YEAR), 1.5)
    ]


def _judge_commits(results: Results) -> Sequence[Target]:
    return [
        at_most(
            f"{what.partition('_')[0]} {MANY:,} commits against {FEW} in a {where}",
            results.ratio(_commits(where, MANY), _commits(where, FEW), what),
            1.5,
        )
        for where in ("folder", "bucket")
        for what in ("open_seconds", "publish_seconds")
    ]


def _judge_files(results: Results) -> Sequence[Target]:
    return [at_most("a look over 10,000 files", results.range(MANY_FILES, "unchanged_seconds"), 1, "seconds")]


trials = (
    Trial("year in a bucket", _year),
    Trial("many commits", _many_commits, repeat=1),
    Trial("many files", _many_files, repeat=2),
)
bucket = Measure(
    "bucket",
    "A cold year in a bucket",
    ("platform part", "year in a bucket"),
    (PART_OF_YEAR, IN_BUCKET),
    _judge_bucket,
    ("The server is SeaweedFS on the same machine and shares its cores. Landing is part of both.",),
)
commits = Measure(
    "commits",
    "Many commits",
    ("many commits",),
    tuple(_commits(where, number) for number in (FEW, MANY) for where in ("folder", "bucket")),
    _judge_commits,
    ("Opening includes all that is known of every partition. The wall time is that of making the table.",),
)
files = Measure(
    "files",
    "Many delivered files",
    ("many files",),
    (FEW_FILES, MANY_FILES),
    _judge_files,
    ("The wall time is that of delivering the files and of the first looks, which read them all.",),
)

"""The guard on Spark, on 3.4 million rows, against pandera's Ibis backend on Spark and pandera's own Spark backend."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from taxiway.benchmark import (
    BenchmarkFailed,
    Finished,
    Measure,
    Results,
    Step,
    Target,
    Trial,
    at_least,
    at_most,
    execute,
)

from .commands import script

GUARD = "guard"
# What is asked of pandera.ibis is about clean rows; the answer takes it a minute.
CONTENDERS = {"clean": (GUARD, "pandera.ibis", "pandera.pyspark"), "bad": (GUARD, "pandera.pyspark")}
# Which rules are broken, not by how many rows.
WITHOUT_COUNTS = ("pandera.pyspark",)


def _name(contender: str, rows: str) -> str:
    return f"{contender} on Spark, {rows} rows"


def _steps(folder: Path) -> Iterator[Step]:
    execute(script("guard_rows.py", folder))
    for rows, contenders in CONTENDERS.items():
        answers: dict[str, Any] = {}
        for contender in contenders:
            command = script("spark_contender.py", contender, folder / f"{rows}.parquet", folder / "home")
            yield Step(_name(contender, rows), (command,), partial(_read, answers, contender))
        _agree(answers, rows)


def _read(answers: dict[str, Any], contender: str, finished: Sequence[Finished]) -> Mapping[str, float]:
    told = json.loads(finished[0].out)
    answers[contender] = {name: told[name] for name in ("rows", "counts", "duplicated_keys")}
    check, evidence = told["check_seconds"], told["evidence_seconds"]
    return {"check_seconds": check, "check_and_evidence_seconds": check + evidence, "rows": told["rows"]}


def _agree(answers: Mapping[str, Any], rows: str) -> None:
    """Raise BenchmarkFailed where the contenders do not find the same: then their seconds cannot be compared."""
    for contender, found in answers.items():
        wanted = answers[GUARD]
        if contender in WITHOUT_COUNTS:
            wanted = wanted | {"counts": dict.fromkeys(wanted["counts"], 1)}
        if found != wanted:
            raise BenchmarkFailed(f"{contender} finds {found} on {rows} rows, {GUARD} finds {wanted}")


def _judge(results: Results) -> Sequence[Target]:
    def ratio(contender: str, to: str, rows: str, to_rows: str) -> Any:
        return results.ratio(_name(contender, rows), _name(to, to_rows), "check_seconds", "check_seconds")

    return [
        at_least(
            "pandera.ibis on Spark against the guard, clean rows", ratio("pandera.ibis", GUARD, "clean", "clean"), 10
        ),
        at_least("pandera.pyspark against the guard, clean rows", ratio("pandera.pyspark", GUARD, "clean", "clean"), 2),
        at_most("the guard on Spark, bad rows against clean rows", ratio(GUARD, GUARD, "bad", "clean"), 1.5),
    ]


trial = Trial("guard-on-spark", _steps)
measure = Measure(
    "guard-on-spark",
    "The guard on Spark: 30 rules and a key on 3.4 million rows",
    ("guard-on-spark",),
    tuple(_name(contender, rows) for rows, contenders in CONTENDERS.items() for contender in contenders),
    _judge,
    (
        "Every contender finds the rows in Parquet, staged by Spark as a run stages them.",
        "The start of Spark, and a first look at 1,000 rows, are not in `check`.",
        "`bad` rows: one in a hundred breaks a rule.",
        "The guard and pandera.ibis count the rows that break each rule; the counts must agree.",
        "pandera.pyspark looks for one row that breaks each rule and counts none: which rules are broken must agree.",
    ),
    engine="spark",
)

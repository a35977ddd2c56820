"""The guard on 3.4 million rows against one aggregate written by hand and against pandera's own Ibis backend."""

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
from taxiway.settings import load_settings

from .commands import ROOT, script

CONTENDERS = ("guard", "aggregate", "aggregate-and-rejected", "pandera", "pandera-without-key")
ROWS = ("clean", "bad")


def _name(contender: str, rows: str) -> str:
    return f"{contender}, {rows} rows"


def _steps(folder: Path) -> Iterator[Step]:
    settings = load_settings("local", root=ROOT)
    execute(script("guard_rows.py", folder))
    for rows in ROWS:
        answers: dict[str, Any] = {}
        for contender in CONTENDERS:
            words = (contender, folder / f"{rows}.parquet", folder, settings.threads, settings.memory_limit)
            command = script("guard_contender.py", *words)
            yield Step(_name(contender, rows), (command,), partial(_read, answers))
        _agree(answers, rows)


def _read(answers: dict[str, Any], finished: Sequence[Finished]) -> Mapping[str, float]:
    told = json.loads(finished[0].out)
    answers[str(len(answers))] = {name: told[name] for name in ("rows", "counts", "duplicated_keys")}
    check, evidence = told["check_seconds"], told["evidence_seconds"]
    return {
        "check_seconds": check,
        "check_and_evidence_seconds": check + evidence,
        "rows": told["rows"],
        "broken": sum(told["counts"].values()),
    }


def _agree(answers: Mapping[str, Any], rows: str) -> None:
    """Raise BenchmarkFailed where the contenders do not count the same: then their seconds cannot be compared."""
    first, *others = answers.values()
    for contender, other in zip(CONTENDERS[1:], others, strict=True):
        if other != first:
            raise BenchmarkFailed(f"{contender} counts {other} on {rows} rows, {CONTENDERS[0]} counts {first}")


def _judge(results: Results) -> Sequence[Target]:
    def ratio(contender: str, to: str, rows: str, of: str = "check_seconds", to_of: str = "check_seconds") -> Any:
        return results.ratio(_name(contender, rows), _name(to, rows), of, to_of)

    return [
        at_most("guard against one aggregate, clean rows", ratio("guard", "aggregate", "clean"), 1.2),
        at_most(
            "guard against one aggregate that counts rejected rows, clean rows",
            ratio("guard", "aggregate-and-rejected", "clean"),
            1.2,
        ),
        at_most("guard against one aggregate, bad rows", ratio("guard", "aggregate", "bad"), 1.2),
        at_least("pandera.ibis against the guard, clean rows", ratio("pandera", "guard", "clean"), 3),
        at_least("pandera.ibis against the guard, bad rows", ratio("pandera", "guard", "bad"), 10),
        at_least(
            "pandera.ibis against the guard with its samples, bad rows",
            ratio("pandera", "guard", "bad", "check_seconds", "check_and_evidence_seconds"),
            10,
        ),
    ]


trial = Trial("guard", _steps, repeat=5)
measure = Measure(
    "guard",
    "The guard: 30 rules and a key on 3.4 million rows",
    ("guard",),
    tuple(_name(contender, rows) for rows in ROWS for contender in CONTENDERS),
    _judge,
    (
        "Every contender finds the rows staged in DuckDB, with the threads and the memory limit of the deployment.",
        "`check` is the time of the answer alone. The counts by rule are compared and must agree.",
        "`bad` rows: one in a hundred breaks a rule.",
        "`check and evidence` adds five sample rows of each rule that broke in each month, as a run shows them.",
        "The guard also counts the rejected rows, which `aggregate` does not and `aggregate-and-rejected` does.",
    ),
)

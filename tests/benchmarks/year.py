"""A year of flights: cold, with nothing changed, and with one month corrected; against the plain script."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from taxiway.benchmark import Command, Finished, Measure, Range, Results, Step, Target, Trial, at_most, execute

from .commands import script, taxiway

CORRECTED = "2013-09"
PART = ("raw", "feature", "mart/airport_day", "mart/carrier_month", "mart/route_month", "mart/delay_by_hour")

YEAR, PLAIN_YEAR = "taxiway, cold year", "plain script, cold year"
UNCHANGED, WITH_MODELS = "taxiway, nothing changed", "taxiway, one corrected month, with models"
PART_OF_YEAR, PLAIN_PART = "taxiway, cold year, no models", "plain script, cold year, no models"
ONE_MONTH = "taxiway, one corrected month, no models"

_MODELS = {"model/delay_model": "training_seconds", "model/evaluation": "evaluation_seconds"}


def _platform_year(folder: Path) -> Iterator[Step]:
    home = folder / "home"
    everything = taxiway(home, "run", "--json")
    yield Step(YEAR, (taxiway(home, "land", "--json"), everything), partial(_cold, home))
    yield Step(UNCHANGED, (everything,))
    _correct(home / "landing" / f"flights-{CORRECTED}.csv")
    yield Step(WITH_MODELS, (everything,), _models)


def _platform_part(folder: Path) -> Iterator[Step]:
    home = folder / "home"
    part = taxiway(home, "run", *PART, "--json")
    yield Step(PART_OF_YEAR, (taxiway(home, "land", "--json"), part), partial(_cold, home))
    _correct(home / "landing" / f"flights-{CORRECTED}.csv")
    yield Step(ONE_MONTH, (part,), partial(_rows_read, home))


def _plain(step: str, *options: str) -> "partial[Iterator[Step]]":
    return partial(_plain_steps, step, options)


def _plain_steps(step: str, options: Sequence[str], folder: Path) -> Iterator[Step]:
    execute(taxiway(folder / "home", "land", "--json"))
    command = script("plain_script.py", folder / "home" / "landing", folder / "out", *options)
    yield Step(step, (command,), _phases)


def _correct(file: Path) -> None:
    """Deliver the month anew: one flight in its middle arrived a minute later than was said, delay and clock."""
    lines = file.read_bytes().splitlines(keepends=True)
    names = lines[0].decode().strip().split(",")
    arr_time, arr_delay = names.index("arr_time"), names.index("arr_delay")
    for number in range(len(lines) // 2, len(lines)):
        fields = lines[number].decode().split(",")
        # The clock is moved within its hour.
        if fields[arr_delay] != "NA" and int(fields[arr_time]) % 100 < 59:
            fields[arr_time] = str(int(fields[arr_time]) + 1)
            fields[arr_delay] = str(int(fields[arr_delay]) + 1)
            lines[number] = ",".join(fields).encode()
            break
    staged = file.with_name(f".{file.name}")
    staged.write_bytes(b"".join(lines))
    staged.replace(file)


def _told(home: Path) -> Mapping[str, Mapping[str, float]]:
    """What the last run in this home told Dagster, by table."""
    command = script("told.py")
    return json.loads(execute(Command(command.words, taxiway(home).variables)).out)


def _models(finished: Sequence[Finished]) -> dict[str, float]:
    steps: list[dict[str, Any]] = json.loads(finished[-1].out)["steps"]
    seconds: dict[str, float] = {_MODELS[s["step"]]: s["seconds"] for s in steps if s["step"] in _MODELS}
    seconds["other_steps_seconds"] = sum(s["seconds"] for s in steps if s["step"] not in _MODELS)
    return seconds


def _cold(home: Path, finished: Sequence[Finished]) -> dict[str, float]:
    told = _told(home)
    phases = {
        f"{phase}_in_all_steps_seconds": sum(table.get(f"seconds_{phase}", 0.0) for table in told.values())
        for phase in ("plan", "compute", "guard", "publish")
    }
    return {"landing_seconds": finished[0].wall_seconds} | _models(finished) | phases


def _rows_read(home: Path, _: Sequence[Finished]) -> dict[str, float]:
    computed = {table: told for table, told in _told(home).items() if "rows_needed" in told}
    return {
        "rows_read": sum(told["rows_read"] for told in computed.values()),
        "rows_needed": sum(told["rows_needed"] for told in computed.values()),
        "months_computed": sum(told["months"] for told in computed.values()),
    } | {
        f"{table}_{what}": told[what]
        for table, told in computed.items()
        for what in ("months", "rows_read", "rows_needed")
    }


def _phases(finished: Sequence[Finished]) -> dict[str, float]:
    seconds = json.loads(finished[0].out)["seconds"]
    return {f"{phase}_seconds": value for phase, value in seconds.items() if phase != "total"}


def _without_models(results: Results, step: str) -> list[float]:
    """Wall seconds without training and evaluation, the same work of the same libraries on both sides."""
    models = ("training_seconds", "evaluation_seconds")
    return [one.wall_seconds - sum(one.value(name) for name in models) for one in results.samples[step]]


def _judge_cold(results: Results) -> Sequence[Target]:
    rest = zip(_without_models(results, YEAR), _without_models(results, PLAIN_YEAR), strict=True)
    return [
        at_most("the year against the plain script", results.ratio(YEAR, PLAIN_YEAR), 1.5),
        at_most("the same in CPU seconds", results.ratio(YEAR, PLAIN_YEAR, "cpu_seconds"), 1.5),
        at_most("the same without training and evaluation", Range.of(a / b for a, b in rest), 1.5),
        at_most("the year without models against the plain script", results.ratio(PART_OF_YEAR, PLAIN_PART), 1.5),
    ]


def _judge_corrected(results: Results) -> Sequence[Target]:
    return [
        at_most("one corrected month against the same part of the year", results.ratio(ONE_MONTH, PART_OF_YEAR), 0.2),
        at_most("rows read against rows needed", results.ratio(ONE_MONTH, ONE_MONTH, "rows_read", "rows_needed"), 1),
    ]


def _judge_unchanged(results: Results) -> Sequence[Target]:
    return [at_most("nothing changed against the cold year", results.ratio(UNCHANGED, YEAR), 0.2)]


def _judge_memory(results: Results) -> Sequence[Target]:
    return [at_most("peak memory of the year", results.range(YEAR, "peak_bytes"), 2e9, "bytes")]


platform_year = Trial("platform year", _platform_year)
plain_year = Trial("plain year", _plain(PLAIN_YEAR))
platform_part = Trial("platform part", _platform_part)
plain_part = Trial("plain part", _plain(PLAIN_PART, "--without-model"))

cold = Measure(
    "year",
    "A cold year, landing to marts and predictions",
    ("platform year", "plain year", "platform part", "plain part"),
    (YEAR, PLAIN_YEAR, PART_OF_YEAR, PLAIN_PART),
    _judge_cold,
    (
        "The plain script finds the files delivered; the platform's time includes their landing.",
        "Training and evaluation (a logistic regression) are the same work of the same libraries on both sides.",
    ),
)
corrected = Measure(
    "corrected",
    f"One corrected month, {CORRECTED}",
    ("platform year", "platform part"),
    (PART_OF_YEAR, ONE_MONTH, WITH_MODELS),
    _judge_corrected,
    (
        "The arrival of one flight is corrected by a minute, and all months are asked for.",
        "Rows needed: all of a computed month, and of earlier ones those that its windows can reach.",
    ),
)
unchanged = Measure("unchanged", "Nothing changed", ("platform year",), (YEAR, UNCHANGED), _judge_unchanged)
memory = Measure("memory", "Peak memory of the year", ("platform year",), (YEAR,), _judge_memory)

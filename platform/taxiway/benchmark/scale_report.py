"""What growing data cost, as data for machines, and as Markdown and a picture for people."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from taxiway.benchmark.machine import Machine
from taxiway.benchmark.report import machine_table, number, table
from taxiway.benchmark.scale import ScaleRun, growth, series
from taxiway.errors import UsageError

RUN_COLUMNS = (
    *(
        "engine",
        "partitions a step",
        "factor",
        "counted",
        "rows",
        "landing",
        "start",
        "run",
        "CPU",
        "rows a second",
        "a million",
        "peak",
    ),
    "written",
)
_HOW = (
    "Each copy of the year is 52 weeks after the one before. The files are landed first; then a process of its own "
    "makes all raw and feature tables, without models and without Dagster. Its seconds count from when the engine "
    "answers. CPU seconds and peak memory (resident) are those of that process and its children together, seen four "
    "times a second; where it is more, the kernel's own count of the process and the children that it waited for."
)
_RUNS = TypeAdapter(list[ScaleRun])


def scale_data(runs: Sequence[ScaleRun]) -> dict[str, Any]:
    """All runs with what follows from them, and the growth from factor to factor."""
    return {
        "runs": [
            asdict(run)
            | {
                "phases": dict(run.phases),
                "rejected": run.rejected,
                "rows_a_second": run.rows_a_second,
                "seconds_a_million": run.cost,
            }
            for run in runs
        ],
        "growth": [
            {"of": name, "from_factor": before.factor, "to_factor": after.factor, "times": times}
            for name, before, after, times in growth(runs)
        ],
    }


def load_runs(file: Path) -> list[ScaleRun]:
    """The runs in what `taxiway bench scale --json` printed; raises UsageError where the file holds something else."""
    try:
        return _RUNS.validate_python(TypeAdapter(dict[str, Any]).validate_json(file.read_bytes())["runs"])
    except (OSError, ValidationError, KeyError) as error:
        raise UsageError(
            f"{file} does not hold what taxiway bench scale --json prints ({str(error).splitlines()[0]})"
        ) from None


def scale_markdown(runs: Sequence[ScaleRun], plot: str | None = None) -> str:
    """The section of a page: what was measured, when to change engines, the machine, each run by table and phase."""
    lines = ["# How the cost of a row grows with the data", "", f"Written by `taxiway bench scale`. {_HOW}", ""]
    lines += [f"![seconds a million {runs[0].what} against their number]({plot})", ""] if plot and runs else []
    lines += table(RUN_COLUMNS, [list(row.values()) for row in run_rows(runs)])
    lines += [*(f"- {line}" for line in conclusions(runs)), ""]
    lines += _machines(runs)
    for run in runs:
        lines += _by_table(run)
    return "\n".join(lines)


def run_rows(runs: Sequence[ScaleRun]) -> list[dict[str, str]]:
    """The runs as people read them, a cell for each of RUN_COLUMNS."""
    return [
        dict(
            zip(
                RUN_COLUMNS,
                (
                    run.engine,
                    str(run.partitions_a_step or "all"),
                    str(run.factor),
                    f"{run.counted:,} {run.what}",
                    f"{run.rows:,}",
                    number(run.landing_seconds, "seconds"),
                    number(run.start_seconds, "seconds"),
                    number(run.seconds, "seconds"),
                    number(run.cpu_seconds, "seconds"),
                    f"{run.rows_a_second:,.0f}",
                    number(run.cost, "seconds"),
                    number(run.peak_bytes, "bytes"),
                    number(run.bytes_written, "bytes"),
                ),
                strict=True,
            )
        )
        for run in runs
    ]


def conclusions(runs: Sequence[ScaleRun]) -> list[str]:
    """What follows from the runs, a sentence each: the growth of the cost, the engines side by side, when to change."""
    return [*grown(runs), *against(runs), when_to_change(runs)]


def grown(runs: Sequence[ScaleRun]) -> list[str]:
    """How the cost of a row grew, in words."""
    return [
        f"{name}: from factor {before.factor} to {after.factor} a row costs {number(times, 'times')}"
        for name, before, after, times in growth(runs)
    ]


def against(runs: Sequence[ScaleRun]) -> list[str]:
    """How the engines stand to each other at every factor measured on both, in words."""
    return [
        f"factor {ours.factor}, start included: Spark takes "
        f"{number(theirs.seconds_with_start / ours.seconds_with_start, 'times')} DuckDB's time"
        for ours, theirs in _on_both(runs)
    ]


def when_to_change(runs: Sequence[ScaleRun]) -> str:
    """The sentence that tells a reader when another engine is cheaper, from the factors measured on both."""
    both = _on_both(runs)
    if not both:
        return "When to change engines is not known: no factor was measured on both."
    cheaper = [pair for pair in both if pair[1].cost < pair[0].cost]
    ours, theirs = cheaper[0] if cheaper else both[-1]
    told = f"{number(ours.cost, 'seconds')} a million against {number(theirs.cost, 'seconds')}"
    if cheaper:
        return f"Change to Spark at {ours.counted:,} {ours.what}: there DuckDB takes {told}."
    return (
        f"Stay on DuckDB up to {ours.counted:,} {ours.what}, the most measured on both: it takes {told} on Spark. "
        "Change where one machine's disk or hours no longer suffice."
    )


def _on_both(runs: Sequence[ScaleRun]) -> list[tuple[ScaleRun, ScaleRun]]:
    """The run on DuckDB and the one on Spark for each factor, in their order."""
    # Where an engine was measured more than once; its start is no part of the cost of a row.
    cheapest = {(run.engine, run.factor): run for run in sorted(runs, key=lambda run: -run.cost)}
    factors = sorted({run.factor for run in runs})
    on_both = [n for n in factors if ("duckdb", n) in cheapest and ("spark", n) in cheapest]
    return [(cheapest["duckdb", n], cheapest["spark", n]) for n in on_both]


def draw(runs: Sequence[ScaleRun], file: Path) -> None:
    """A picture of the cost of a row against their number, a line for each series, in the format of the file's name.

    Raises UsageError for a format that there is not.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, own in series(runs).items():
        axes.plot([run.counted / 1e6 for run in own], [run.cost for run in own], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    measured = sorted({run.counted / 1e6 for run in runs})
    axes.set_xticks(measured, [f"{million:.3g}" for million in measured])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(f"million {runs[0].what}")
    axes.set_ylabel(f"seconds a million {runs[0].what}")
    axes.grid(alpha=0.3)
    axes.legend()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Without a date the same figures give the same file.
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    except ValueError as error:
        raise UsageError(f"--plot {file}: {str(error).splitlines()[0]}; name it .svg or .png") from None


def _machines(runs: Sequence[ScaleRun]) -> Iterator[str]:
    told: list[Machine] = []
    for run in runs:
        if run.machine not in told:
            told.append(run.machine)
            yield from machine_table(run.machine)


def _by_table(run: ScaleRun) -> Iterator[str]:
    (name,) = series([run])
    phases = tuple(run.phases)
    yield f"## {name}: factor {run.factor}"
    yield ""
    yield (f"{run.partitions} partitions, memory limit {run.memory_limit}; {number(run.bytes_landed, 'bytes')} landed.")
    yield ""
    rows = [
        (
            each.table,
            f"{each.rows:,}",
            f"{each.rejected:,}",
            number(each.bytes, "bytes"),
            *(number(seconds, "seconds") for seconds in (each.seconds, *(each.phases.get(p, 0.0) for p in phases))),
        )
        for each in run.tables
    ]
    total = [number(seconds, "seconds") for seconds in (sum(t.seconds for t in run.tables), *run.phases.values())]
    rows.append(
        ("all", f"{run.rows:,}", f"{run.rejected:,}", number(sum(t.bytes for t in run.tables), "bytes"), *total)
    )
    yield from table(("table", "rows", "rejected", "files", "all", *phases), rows)

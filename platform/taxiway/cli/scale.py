"""`taxiway bench scale`: what a row costs when there are more and more of them."""

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.options import Json, open_workspace
from taxiway.cli.output import hint, print_json, print_rows, say
from taxiway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taxiway.benchmark import ScaleRun
    from taxiway.materialise import Workspace


def scale(
    factor: Annotated[
        list[int] | None,
        typer.Option("--factor", min=1, metavar="N", help="So many copies of the project's data; may be repeated."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="duckdb or spark; the deployment's by default.")
    ] = None,
    partitions_a_step: Annotated[
        int | None,
        typer.Option(
            "--partitions-a-step", min=0, metavar="N", help="Make so many at a time, 0 for all; by the engine."
        ),
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="What the engine may hold; 4GB by default.")
    ] = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="FILE", help="Results that --json printed earlier; may be repeated."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write the report there, e.g. docs/scale.md.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the cost of a row there, e.g. docs/scale.svg.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run copies of the project's data from landing to features, and say how the cost of a row grows.

    Nothing of it touches the deployment's lake: the copies live in scratch while they are measured.
    """
    from taxiway.benchmark.scale_report import RUN_COLUMNS, conclusions, load_runs, run_rows, scale_data

    if not factor and not earlier:
        raise UsageError("say how many copies to measure, with --factor N, or name earlier results, with --with FILE")
    for option, file in (("--write", write), ("--plot", plot)):
        if file is not None and file.is_dir():
            raise UsageError(f"{option} {file} is a folder: name a file")
    runs = [run for file in earlier or () for run in load_runs(file)]
    if factor:
        runs += _measure(open_workspace(), factor, engine, partitions_a_step, memory)
    if as_json:
        print_json(scale_data(runs))
    else:
        print_rows(run_rows(runs), RUN_COLUMNS)
        for line in conclusions(runs):
            say(line)
    _write(runs, write, plot)


def _measure(
    workspace: "Workspace", factors: "Sequence[int]", engine: str | None, a_step: int | None, memory: str | None
) -> "list[ScaleRun]":
    from taxiway.benchmark import MEMORY, PARTITIONS_A_STEP, load_benchmarks, measure_scale
    from taxiway.benchmark.scale import megabytes
    from taxiway.benchmark.scale_report import run_rows
    from taxiway.engines import check_engine

    chosen = engine or workspace.settings.engine
    check_engine(workspace.settings, chosen)
    offered = load_benchmarks(workspace.project, workspace.settings.root).scale
    if offered is None:
        raise UsageError(f"{workspace.project.name} offers no copies of its data: define the scale of its Benchmarks")
    limit = memory or MEMORY
    megabytes(limit)
    step = PARTITIONS_A_STEP[chosen] if a_step is None else a_step
    runs = []
    with _interruptible():
        for factor in dict.fromkeys(factors):
            hint(f"factor {factor} on {chosen}")
            run = measure_scale(
                workspace, offered, factor, chosen, partitions_a_step=step, memory_limit=limit, tell=hint
            )
            # Told at once: the next factor may take hours.
            (told,) = run_rows([run])
            hint(f"factor {factor}: {told['run']}, {told['a million']} a million {run.what}, peak {told['peak']}")
            runs.append(run)
    return runs


@contextmanager
def _interruptible() -> "Iterator[None]":
    """SIGTERM ends the block as Ctrl-C does, so that what it has started and written goes too; so does SIGINT where
    this was born ignoring it, in a shell's background.
    """
    before = {kind: signal.signal(kind, signal.default_int_handler) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _write(runs: "Sequence[ScaleRun]", report: Path | None, plot: Path | None) -> None:
    from taxiway.benchmark.scale_report import draw, scale_markdown

    if plot is not None:
        draw(runs, plot)
        hint(f"drawn in {plot}")
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(scale_markdown(runs, plot.name if plot is not None else None), encoding="utf-8")
        hint(f"written to {report}")

"""`taxiway bench`: measure the project against its rivals, side by side, and write down what came out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.options import Json, open_workspace
from taxiway.cli.output import hint, print_json, print_rows
from taxiway.cli.scale import scale
from taxiway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taxiway.benchmark import Measure, Results
    from taxiway.settings import Settings

bench = typer.Typer(add_completion=False, invoke_without_command=True)
bench.command()(scale)


@bench.callback()
def measure(
    context: typer.Context,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="MEASURE", help="This measure; may be repeated. All by default."),
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", min=1, metavar="N", help="Repeat every trial so often.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", metavar="FILE", help="Write the report there; docs/benchmarks.md where all is measured."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the project's main jobs against its rivals, in turns, each command a process of its own."""
    if context.invoked_subcommand is not None:
        return
    from taxiway.benchmark import Machine, as_data, as_markdown, load_benchmarks, run_trials
    from taxiway.scratch import Scratch

    workspace = open_workspace()
    benchmarks = load_benchmarks(workspace.project, workspace.settings.root)
    measures = _possible(workspace.settings, benchmarks.chosen(only or []), asked=bool(only))
    target = write or (workspace.settings.root / "docs" / "benchmarks.md" if not only else None)
    if target is not None and target.is_dir():
        raise UsageError(f"--write {target} is a folder: name a file")
    with Scratch.claim(workspace.settings.scratch) as folder:
        results = run_trials(benchmarks.trials_of(measures), folder, hint, repeat=repeat)
    machine = Machine.here()
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(as_markdown(machine, measures, results, _command(only, repeat)), encoding="utf-8")
        hint(f"written to {target}")
    if as_json:
        print_json(as_data(machine, measures, results))
    else:
        _print(measures, results)


def _possible(settings: "Settings", measures: "Sequence[Measure]", *, asked: bool) -> "Sequence[Measure]":
    """The measures whose engine can be used here; says why others are left out, or raises that where they are asked."""
    from taxiway.engines import check_engine
    from taxiway.errors import EngineError

    found = []
    for measure in measures:
        try:
            check_engine(settings, measure.engine)
        except EngineError as error:
            if asked:
                raise
            hint(f"{measure.name} is left out: {error}")
        else:
            found.append(measure)
    return found


def _print(measures: "Sequence[Measure]", results: "Results") -> None:
    """The targets, for people."""
    from taxiway.benchmark.report import TARGET_COLUMNS, targets

    rows = [
        dict(zip(TARGET_COLUMNS, [*cells, "yes" if is_met else "no"], strict=True))
        for *cells, is_met in targets(measures, results)
    ]
    print_rows(rows, TARGET_COLUMNS, empty="these measures have no targets")


def _command(only: "Sequence[str] | None", repeat: int | None) -> str:
    words = [*(f"--only {name}" for name in only or ()), *([f"--repeat {repeat}"] if repeat else [])]
    return " ".join(["taxiway bench", *words])

"""Running trials in turn, in a scratch folder, one command at a time."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from taxiway.benchmark.measure import Trial
from taxiway.benchmark.process import execute
from taxiway.benchmark.samples import Results, Sample


def run_trials(
    trials: Sequence[Trial], scratch: Path, tell: Callable[[str], None], *, repeat: int | None = None
) -> Results:
    """The samples of every step. `repeat` overrides how often; `tell` hears of each step when it begins and ends.

    Raises BenchmarkFailed where a command fails.
    """
    found: dict[str, list[Sample]] = {}
    order = list(_in_turn(trials, repeat))
    for number, trial in enumerate(order, 1):
        folder = scratch / f"{number}-{trial.name}"
        folder.mkdir(parents=True)
        for step in trial.steps(folder):
            tell(f"[{number}/{len(order)}] {step.name} ...")
            finished = [execute(command) for command in step.commands]
            sample = Sample.of(finished, step.read(finished))
            found.setdefault(step.name, []).append(sample)
            tell(f"[{number}/{len(order)}] {step.name}: {sample.wall_seconds:.1f} s")
        shutil.rmtree(folder)
    return Results(found)


def _in_turn(trials: Sequence[Trial], repeat: int | None) -> Iterator[Trial]:
    """Each trial as often as it is repeated; every second round backwards, so that no trial always follows another."""
    times = {trial.name: repeat or trial.repeat for trial in trials}
    for turn in range(max(times.values(), default=0)):
        for trial in trials if turn % 2 == 0 else reversed(trials):
            if turn < times[trial.name]:
                yield trial

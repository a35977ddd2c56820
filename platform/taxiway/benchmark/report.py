"""What was measured, as Markdown for people and as data for machines."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from taxiway.benchmark.machine import Machine
from taxiway.benchmark.measure import Measure
from taxiway.benchmark.samples import Range, Results

_HOW = (
    "Every command is a process of its own; the trials of all measures take turns. Ranges are smallest – median – "
    "largest; ratios are taken within a repetition. CPU seconds and peak memory (resident) are those of a "
    "command and its children together, seen four times a second; where it is more, the kernel's own count of the "
    "command and the children that it waited for."
)
TARGET_COLUMNS: tuple[str, ...] = ("measure", "what", "measured", "target", "met")
_OWN = ("wall_seconds", "user_seconds", "cpu_seconds", "peak_bytes")


def as_markdown(machine: Machine, measures: Sequence[Measure], results: Results, command: str) -> str:
    """The report: the machine, every target with what was measured, then the samples of each measure."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}`. {_HOW}",
        "",
        *machine_table(machine),
        "## Targets",
        "",
        *table(
            TARGET_COLUMNS,
            [[*cells, "yes" if is_met else "**no**"] for *cells, is_met in targets(measures, results)],
        ),
    ]
    for measure in measures:
        lines += [f"## {measure.title}", "", *_steps(measure, results)]
        lines += [*(f"- {note}" for note in measure.notes), *([""] if measure.notes else [])]
    return "\n".join(lines)


def as_data(machine: Machine, measures: Sequence[Measure], results: Results) -> dict[str, Any]:
    """The same for machines: every sample of every step, and the targets."""
    return {
        "machine": asdict(machine),
        "measures": [
            {
                "measure": measure.name,
                "title": measure.title,
                "targets": [asdict(target) | {"is_met": target.is_met} for target in measure.judge(results)],
                "steps": {step: [_sample(sample) for sample in results.samples[step]] for step in measure.steps},
            }
            for measure in measures
        ],
    }


def targets(measures: Sequence[Measure], results: Results) -> Iterator[tuple[str, str, str, str, bool]]:
    """Of each target its measure, what it is about, what was measured, the limit, and whether that is met."""
    for measure in measures:
        for target in measure.judge(results):
            limit = f"{target.bound} {number(target.limit, target.unit)}"
            yield measure.name, target.what, told(target.measured, target.unit), limit, target.is_met


def told(value: Range, unit: str) -> str:
    """A range as people read it: one number where all are alike."""
    texts = [number(one, unit) for one in (value.low, value.median, value.high)]
    return texts[0] if len(set(texts)) == 1 else " – ".join(texts)


def number(value: float, unit: str) -> str:
    """A number as people read it: seconds, bytes as MB, times, or a count."""
    if unit == "bytes":
        return f"{value / 1e6:,.0f} MB"
    if unit == "seconds":
        return f"{value:.2f} s"
    if unit == "times":
        return f"{value:.2f}×"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _sample(sample: Any) -> dict[str, float]:
    return {name: sample.value(name) for name in _OWN} | dict(sample.figures)


def machine_table(machine: Machine) -> Iterator[str]:
    """The lines that tell what was measured with."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    yield from table(
        ("machine", ""),
        [
            ("CPU", f"{machine.cpu}, {machine.cores} cores"),
            ("memory", f"{machine.memory_bytes / 1e9:.1f} GB"),
            ("system", machine.system),
            ("Python", machine.python),
            ("libraries", libraries),
        ],
    )


def _steps(measure: Measure, results: Results) -> Iterator[str]:
    yield from table(
        ("step", "runs", "wall", "CPU", "peak memory"),
        [
            (
                step,
                str(len(results.samples[step])),
                told(results.range(step), "seconds"),
                told(results.range(step, "cpu_seconds"), "seconds"),
                told(results.range(step, "peak_bytes"), "bytes"),
            )
            for step in measure.steps
        ],
    )
    figures = [
        (step, _words(name), told(results.range(step, name), _unit(name)))
        for step in measure.steps
        for name in results.figures(step)
    ]
    if figures:
        yield from table(("step", "figure", "value"), figures)


def _unit(figure: str) -> str:
    return next((unit for unit in ("seconds", "bytes", "times") if figure.endswith(f"_{unit}")), "count")


def _words(figure: str) -> str:
    return figure.removesuffix("_seconds").removesuffix("_bytes").replace("_", " ")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table in Markdown, and the empty one after it."""
    yield _row(columns)
    yield _row(["---"] * len(columns))
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

"""Measuring a project against its rivals: whole processes, interleaved, with a report that names the machine.

What is measured and against what is the project's: a package `benchmarks` of type `Benchmarks`, in the
folder that `Project.benchmarks` names.
"""

from taxiway.benchmark.load import load_benchmarks
from taxiway.benchmark.machine import Machine
from taxiway.benchmark.measure import Benchmarks, Measure, Step, Target, Trial, at_least, at_most
from taxiway.benchmark.process import BenchmarkFailed, Command, Finished, execute
from taxiway.benchmark.report import as_data, as_markdown
from taxiway.benchmark.run import run_trials
from taxiway.benchmark.samples import Range, Results, Sample

__all__ = [
    "BenchmarkFailed",
    "Benchmarks",
    "Command",
    "Finished",
    "Machine",
    "Measure",
    "Range",
    "Results",
    "Sample",
    "Step",
    "Target",
    "Trial",
    "as_data",
    "as_markdown",
    "at_least",
    "at_most",
    "execute",
    "load_benchmarks",
    "run_trials",
]

"""Measuring a project against its rivals: whole processes, interleaved, with a report that names the machine.

What is measured and against what is the project's: a package `benchmarks` of type `Benchmarks`, in the
folder that `Project.benchmarks` names.
"""

from taxiway.benchmark.load import load_benchmarks
from taxiway.benchmark.machine import Machine
from taxiway.benchmark.measure import Benchmarks, Measure, Scale, Step, Target, Trial, at_least, at_most
from taxiway.benchmark.process import BenchmarkFailed, Command, Finished, execute, follow
from taxiway.benchmark.report import as_data, as_markdown
from taxiway.benchmark.run import run_trials
from taxiway.benchmark.samples import Range, Results, Sample
from taxiway.benchmark.scale import MEMORY, PARTITIONS_A_STEP, ScaleRun, growth, measure_scale

__all__ = [
    "MEMORY",
    "PARTITIONS_A_STEP",
    "BenchmarkFailed",
    "Benchmarks",
    "Command",
    "Finished",
    "Machine",
    "Measure",
    "Range",
    "Results",
    "Sample",
    "Scale",
    "ScaleRun",
    "Step",
    "Target",
    "Trial",
    "as_data",
    "as_markdown",
    "at_least",
    "at_most",
    "execute",
    "follow",
    "growth",
    "load_benchmarks",
    "measure_scale",
    "run_trials",
]

"""What `taxiway bench` measures of the flights: one file for each trial, and the targets that they are held against."""

from taxiway.benchmark import Benchmarks

from . import copies, guard, imports, year

benchmarks = Benchmarks(
    trials=(year.platform_year, year.plain_year, year.platform_part, year.plain_part, guard.trial, imports.trial),
    measures=(year.cold, year.corrected, year.unchanged, guard.measure, year.memory, imports.measure),
    scale=copies.scale,
)

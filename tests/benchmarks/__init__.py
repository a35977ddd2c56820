"""What `taxiway bench` measures of the flights: one file for each trial, and the targets that they are held against."""

from taxiway.benchmark import Benchmarks

from . import copies, guard, guard_on_spark, imports, lake, scala, staging, year

benchmarks = Benchmarks(
    trials=(
        year.platform_year,
        year.plain_year,
        year.platform_part,
        year.plain_part,
        guard.trial,
        guard_on_spark.trial,
        scala.trial,
        imports.trial,
        *lake.trials,
        staging.trial,
    ),
    measures=(
        year.cold,
        year.corrected,
        year.unchanged,
        guard.measure,
        guard_on_spark.measure,
        scala.measure,
        year.memory,
        imports.measure,
        lake.bucket,
        lake.commits,
        lake.files,
        staging.measure,
    ),
    scale=copies.scale,
)

"""The Scala shell that comes with pyspark, set up as Taxiway sets up its own session."""

from importlib.util import find_spec
from pathlib import Path

from taxiway.benchmark import Command
from taxiway.engines.spark_session import spark_config
from taxiway.settings import Settings

JOB = Path(__file__).with_name("scala_job.scala")


WITH_DELTA = {
    "spark.jars.packages": "io.delta:delta-spark_4.1_2.13:4.2.0",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
}
"""Delta's own connector, with which others write and read our tables, and by which scripts read them."""


def scala_job(settings: Settings, folder: Path, *, rounds: int = 1) -> Command:
    """The command that runs every script of the folder in Scala; see `scala_job.scala`."""
    found = find_spec("pyspark")
    assert found is not None
    assert found.origin is not None
    spark_home = Path(found.origin).parent
    config = spark_config(settings) | WITH_DELTA | {"spark.job.folder": str(folder), "spark.job.rounds": str(rounds)}
    options = [word for name, value in config.items() for word in ("--conf", f"{name}={value}")]
    return Command((str(spark_home / "bin" / "spark-shell"), *options, "-i", str(JOB)), {"SPARK_HOME": str(spark_home)})

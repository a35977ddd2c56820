"""Starting Spark: its configuration from the settings, what must be there for it, and a start that says what failed."""
# pyspark is an extra.
# pyright: reportMissingImports=false

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxiway.errors import EngineError
from taxiway.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
PACKAGES = ("io.delta:delta-spark_4.1_2.13:4.2.0",)
"""What Spark's own archive lacks, as Maven coordinates."""

MEANING = {
    "spark.sql.session.timeZone": "UTC",
    # An overflow or a division by zero is an error or a null that the transform asks for, never another number.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "false",
}
"""What must be set for the same SQL to give the same rows."""

_HOW = "make setup-spark, and Java 17, e.g. apt-get install openjdk-17-jre-headless"
_VERSION = re.compile(r'version "(\d+)')
_STANDALONE = re.compile(r"spark://([^:,/]+):(\d+)")
_UNRESOLVED = re.compile(r"unresolved dependenc|UnresolvedDependencies|module not found|download failed", re.IGNORECASE)
_ANSWER_S = 10
_WORKERS_S = 60

SessionOf = Callable[[Mapping[str, str]], "SparkSession"]


def spark_config(settings: Settings) -> dict[str, str]:
    """Spark's configuration for a deployment; what its `[spark]` table says wins."""
    local = not settings.spark_master
    return {
        "spark.app.name": f"taxiway {settings.deployment}",
        "spark.master": settings.spark_master or f"local[{settings.threads}]",
        "spark.jars.packages": ",".join(PACKAGES),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        **MEANING,
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "zstd",
        # Small tables: the defaults of 200 and 50 cost seconds for every query and every commit.
        "spark.sql.shuffle.partitions": str(4 * settings.threads),
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.driver.memory": "2g",
        "spark.pyspark.python": sys.executable,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **({"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"} if local else {}),
        **settings.spark,
    }


def check_spark(settings: Settings) -> None:
    """See that Spark can be started here, without starting it; raises EngineError with what is missing."""
    missing = [package for package in ("pyspark", "dagster_pyspark") if find_spec(package) is None]
    if missing:
        raise EngineError(f"the engine spark needs the extra 'spark' ({', '.join(missing)} is not installed): {_HOW}")
    java = java_version()
    if java is None or java < JAVA:
        found = "there is none" if java is None else f"this is Java {java}"
        raise EngineError(f"the engine spark needs Java {JAVA} or later, and {found}: {_HOW}")
    for host, port in _STANDALONE.findall(settings.spark_master):
        _see_that_it_answers(host, int(port))


def java_version() -> int | None:
    """The version of the Java that Spark would run on, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    found = _VERSION.search(said)
    return int(found[1]) if found else None


def start_session(settings: Settings, session_of: SessionOf | None = None) -> "SparkSession":
    """A Spark session for the deployment, made by `session_of` from the configuration.

    What Spark and the resolution of its jars print goes to `spark.log` in the deployment's home. Raises EngineError
    in one line where it cannot start.
    """
    check_spark(settings)
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    config = spark_config(settings)
    log = settings.home / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            if SparkContext._active_spark_context is None:
                conf = SparkConf(loadDefaults=False).setAll(list(config.items()))
                gateway = SparkContext._gateway or launch_gateway(conf, {"stdout": output, "stderr": output})
                SparkContext(conf=conf, gateway=gateway)
            session = (session_of or _own)(config)
        except (PySparkException, Py4JError, OSError) as error:
            raise EngineError(_why(log, error)) from error
    # Only spark-submit reads the setting; without it workers run whatever python3 is.
    session.sparkContext.pythonExec = config["spark.pyspark.python"]
    session.sparkContext.setLogLevel("ERROR")
    _await_workers(session, settings)
    return session


def _own(config: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    for name, value in config.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _why(log: Path, error: Exception) -> str:
    said = log.read_text(errors="replace")
    if _UNRESOLVED.search(said):
        return f"Spark's jars ({', '.join(PACKAGES)}) cannot be had; connect to Maven Central once: {_HOW} (see {log})"
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"Spark cannot start ({first}); see {log}, and taxiway doctor"


def _see_that_it_answers(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=_ANSWER_S).close()
    except OSError as error:
        raise EngineError(
            f"the Spark master spark://{host}:{port} does not answer ({error}); start it, or set TAXIWAY_SPARK_MASTER"
        ) from error


def _await_workers(session: "SparkSession", settings: Settings) -> None:
    """Wait until a worker has given an executor; a master without workers would let every query wait for ever."""
    if not _STANDALONE.match(settings.spark_master):
        return
    end = time.monotonic() + _WORKERS_S
    context: Any = session.sparkContext
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:
        if time.monotonic() > end:
            session.stop()
            raise EngineError(
                f"the Spark master {settings.spark_master} gave no worker within {_WORKERS_S} s; start workers, or "
                "see that they have the memory and cores that [spark] asks for"
            )
        time.sleep(0.2)

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any

from taxiway.engines.spark_errors import gone, words
from taxiway.errors import EngineError
from taxiway.settings import Settings
from taxiway.storage import S3, Store
from taxiway.storage.s3 import CONNECT_S, REQUEST_S

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = 17
S3_PACKAGES = ("org.apache.hadoop:hadoop-aws:3.4.2",)
"""What Spark's own archive lacks to reach buckets, as Maven coordinates; it reads and writes folders as it is."""

MEANING = {
    "spark.sql.session.timeZone": "UTC",
    # An overflow or a division by zero is an error or a null that the transform asks for, never another number.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "false",
}
"""What must be set for the same SQL to give the same rows."""

# Half of what a run of minutes costs is the JVM compiling what it has seen a few thousand times. Only what comes ten
# times as often as by default (5,000, 600, 15,000 and 40,000 times) is optimised to the end, however long it is.
_JVM = (
    "-XX:+UseParallelGC -XX:-DontCompileHugeMethods -XX:Tier4InvocationThreshold=50000 "
    "-XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
_HOW = "make setup-spark, and Java 17, e.g. apt-get install openjdk-17-jre-headless"
_VERSION = re.compile(r'version "(\d+)')
_STANDALONE = re.compile(r"spark://([^:,/]+):(\d+)")
_UNRESOLVED = re.compile(r"unresolved dependenc|UnresolvedDependencies|module not found|download failed", re.IGNORECASE)
_RESOLVING, _RESOLVED = ":: resolving dependencies ::", ":: retrieving ::"
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
_SILENT = "All masters are unresponsive"
_USER_FILES = re.compile(r"/userFiles-[0-9a-f-]{36}(/|$)")
_SHORT = 500
_ANSWER_S = 10
_START_S = 300
_ENDS_S = 10
_WORKERS_S = 60
_EXECUTORS = 20

SessionOf = Callable[[Mapping[str, str]], "SparkSession"]


def spark_config(settings: Settings) -> dict[str, str]:
    """Spark's configuration for a deployment; what its `[spark]` table says wins."""
    local = not settings.spark_master or settings.spark_master.startswith("local")
    return {
        "spark.app.name": f"taxiway {settings.deployment}",
        "spark.master": settings.spark_master or f"local[{settings.threads}]",
        **_storage(settings.lake),
        # Spark makes the folder when it starts, by default in whatever folder that is.
        "spark.sql.warehouse.dir": str(settings.scratch / "spark-warehouse"),
        **MEANING,
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "zstd",
        # What a writer leaves is looked at before it is committed: nothing has to be moved or marked when it is done.
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        # The files that are read are known; a job that looks for them is for folders.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        # Small tables: the default of 200 costs seconds for every query.
        "spark.sql.shuffle.partitions": str(4 * settings.threads),
        # A run of all tables makes more classes than the default of 100, and would compile them anew each time.
        "spark.sql.codegen.cache.maxEntries": "5000",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": _JVM,
        # Left to end by itself, an executor without memory takes new tasks meanwhile and fails them for other reasons.
        "spark.executor.extraJavaOptions": "-XX:+ExitOnOutOfMemoryError",
        "spark.pyspark.python": sys.executable,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **({"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"} if local else {}),
        **settings.spark,
    }


def _storage(lake: Store) -> dict[str, str]:
    """How Spark reaches the lake."""
    if lake.is_folder:
        # Without files of checksums, which Parquet has itself; what uploads to a bucket cannot do with this one.
        return {"spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem"}
    s3 = lake.s3 or S3()
    reached = {
        "access.key": s3.keys.get("access_key_id"),
        "secret.key": s3.keys.get("secret_access_key"),
        "session.token": s3.keys.get("session_token"),
        "endpoint": s3.endpoint,
        "endpoint.region": s3.region,
        "path.style.access": "true" if s3.endpoint else None,
        "connection.ssl.enabled": str(s3.uses_tls).lower(),
        "connection.establish.timeout": f"{CONNECT_S * 1000}",
        "connection.request.timeout": f"{REQUEST_S * 1000}",
    }
    given = {f"spark.hadoop.fs.s3a.{name}": value for name, value in reached.items() if value is not None}
    return {"spark.jars.packages": ",".join(S3_PACKAGES), **given}


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
    return _version_of(java)


@cache
def _version_of(java: str) -> int | None:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None


def start_session(settings: Settings, session_of: SessionOf | None = None) -> "SparkSession":
    """A Spark session for the deployment, made by `session_of` from the configuration; see `check_spark` for what it
    needs.

    What Spark and the resolution of its jars print goes to `spark.log` in the deployment's home. Raises EngineError
    in one line where it cannot start, or where this process has a session already: it may be set otherwise, and is not
    ours to stop.
    """
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None:
        raise EngineError("this process has a Spark session of its own; stop it first, or compute on duckdb")
    # The JVM of a session that was stopped has that one's jars, and no others can be added.
    SparkContext._gateway = SparkContext._jvm = None
    try:
        session = _started(settings, session_of or _own)
        if _STANDALONE.match(settings.spark_master):
            _await_workers(session, settings)
            Thread(target=_cancel_without_workers, args=[session], name="spark-workers", daemon=True).start()
    except BaseException:
        stop()
        raise
    return session


def stop() -> None:
    """Stop Spark in this process and end the JVM it ran in: one that ran out of memory may just be ending, and would
    take a next session with it.
    """
    from pyspark import SparkContext

    context, gateway = SparkContext._active_spark_context, SparkContext._gateway
    with gone():
        if context is not None:
            context.stop()
    with gone():
        if gateway is not None:
            gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is not None:
        _end(process)
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    # PySpark leaves there the jars of a folder that goes, and dbt looks into all that is there.
    sys.path[:] = [place for place in sys.path if not _USER_FILES.search(place)]


def _end(jvm: "subprocess.Popen[bytes]") -> None:
    """End PySpark's JVM, which does so by itself, its folders removed, when nobody writes to it any more."""
    if jvm.stdin is not None:
        jvm.stdin.close()
    try:
        jvm.wait(timeout=_ENDS_S)
    except subprocess.TimeoutExpired:
        jvm.kill()
        jvm.wait()


def _started(settings: Settings, session_of: SessionOf) -> "SparkSession":
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    config = spark_config(settings)
    log = settings.home / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Other runs of the deployment may write to it too.
    with log.open("ab") as output:
        began = output.tell()
        try:
            conf = SparkConf(loadDefaults=False).setAll(list(config.items()))
            with _ended_unless_started():
                gateway = launch_gateway(conf, {"stdout": output, "stderr": output})
            SparkContext._ensure_initialized(gateway=gateway, conf=conf)
            _see_that_sql_takes(config, gateway.jvm)
            SparkContext(conf=conf)
            session = session_of(config)
        except (PySparkException, Py4JError, OSError) as error:
            raise EngineError(_why(log, began, error, config)) from error
    # Only spark-submit reads the setting; without it workers run whatever python3 is.
    session.sparkContext.pythonExec = config["spark.pyspark.python"]
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def _ended_unless_started() -> Iterator[None]:
    """End the JVM that starts meanwhile where that takes too long: a server of jars that says nothing would hold it."""
    import psutil

    def end() -> None:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if _SUBMIT in child.cmdline():
                    child.kill()

    timer = Timer(_START_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _see_that_sql_takes(config: Mapping[str, str], jvm: Any) -> None:
    """Fail where Spark refuses the value of a setting, before a session does.

    PySpark cannot tell what a session refuses: it asks the session's settings how long a stack trace to show, which
    are refused again, for ever.
    """
    sql = jvm.org.apache.spark.sql.internal
    # Settings that no session may change are known to Spark once they have been looked at.
    sql.StaticSQLConf.WAREHOUSE_PATH()
    tried = sql.SQLConf()
    for name, value in config.items():
        tried.setConfString(name, value)


def _own(config: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder
    for name, value in config.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _why(log: Path, began: int, error: Exception, config: Mapping[str, str]) -> str:
    from pyspark import SparkContext

    with log.open(errors="replace") as written:
        written.seek(began)
        said = written.read()
    if _UNRESOLVED.search(said) or (_RESOLVING in said and _RESOLVED not in said):
        packages = config.get("spark.jars.packages", "")
        return f"Spark's jars ({packages}) cannot be had; connect to Maven Central once: {_HOW} (see {log})"
    if _SILENT in said:
        return f"the Spark master {config['spark.master']} does not answer; start it, or set TAXIWAY_SPARK_MASTER"
    # A JVM that does not start says why in a line or two; of one that did Python has the cause.
    has_not_started = SparkContext._gateway is None and len(said) < _SHORT
    lines = [line.strip() for line in (said if has_not_started else words(error)).splitlines() if line.strip()]
    told = " ".join(lines[:2]) or type(error).__name__
    return f"Spark cannot start ({told}); see {log}, and taxiway doctor"


def _see_that_it_answers(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=_ANSWER_S).close()
    except OSError as error:
        raise EngineError(
            f"the Spark master spark://{host}:{port} does not answer ({error}); start it, or set TAXIWAY_SPARK_MASTER"
        ) from error


def _await_workers(session: "SparkSession", settings: Settings) -> None:
    """Wait until a worker has given an executor; a master without workers would let every query wait for ever."""
    end = time.monotonic() + _WORKERS_S
    while not _workers(session):
        if time.monotonic() > end:
            raise EngineError(
                f"the Spark master {settings.spark_master} gave no worker within {_WORKERS_S} s; start workers, or "
                "see that they have the memory and cores that [spark] asks for"
            )
        time.sleep(0.2)


def _cancel_without_workers(session: "SparkSession") -> None:
    """As long as the session lives, cancel its jobs where it has no workers any more, or loses one after the other.

    Spark itself would wait, or start executors anew, for ever.
    """
    from py4j.protocol import Py4JError

    context: Any = session.sparkContext
    seen, losses = time.monotonic(), Losses()
    try:
        while context._jsc is not None and not context._jsc.sc().isStopped():
            workers = _workers(session)
            lost = losses.after(workers, _tasks_done(session))
            seen = time.monotonic() if workers else seen
            if time.monotonic() - seen > _WORKERS_S:
                _cancel(session, f"there was no worker for {_WORKERS_S} s")
            elif lost > _EXECUTORS:
                _cancel(session, f"{lost} executors ended without a task done, spark.log says why")
            time.sleep(1)
    except (Py4JError, AttributeError, OSError):
        # The session was stopped in between, or its JVM has ended: whoever waits for it is told.
        return


@dataclass
class Losses:
    """The executors that ended while jobs ran and no task was done."""

    _known: set[str] = field(default_factory=set)
    _done: int | None = None
    _lost: int = 0

    def after(self, workers: set[str], done: int | None) -> int:
        """How many there are now, given the executors that live and how many tasks of what runs are done; None for no
        job that runs.
        """
        is_stuck = done is not None and done == self._done
        self._lost = self._lost + len(self._known - workers) if is_stuck else 0
        self._known, self._done = workers, done
        return self._lost


def _workers(session: "SparkSession") -> set[str]:
    """The addresses of the executors."""
    context: Any = session.sparkContext
    addresses = context._jsc.sc().getExecutorMemoryStatus().keys().mkString(" ").split()
    driver = context._jvm.org.apache.spark.SparkEnv.get().blockManager().blockManagerId().hostPort()
    return set(addresses) - {driver}


def _tasks_done(session: "SparkSession") -> int | None:
    """How many tasks of the stages that are running were done, None where none is."""
    status = session.sparkContext.statusTracker()
    stages = [status.getStageInfo(stage) for stage in status.getActiveStageIds()]
    return sum(stage.numCompletedTasks for stage in stages if stage is not None) if stages else None


def _cancel(session: "SparkSession", why: str) -> None:
    context: Any = session.sparkContext
    for job in session.sparkContext.statusTracker().getActiveJobsIds():
        context._jsc.sc().cancelJob(job, why)

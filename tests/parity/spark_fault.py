"""Spark failing, and a session after another, each in a process of its own, as a session is one a process:
`python -m tests.parity.spark_fault CASE FOLDER` prints what was said."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer

import psutil
import pyarrow as pa
from tests.parity.cluster import running
from tests.working import land, statuses, workspace

from taxiway.engines import engines, spark_session
from taxiway.errors import EngineError
from taxiway.materialise import Workspace, materialise
from taxiway.settings import Settings

# A gigabyte of text in one list.
GREEDY = """SELECT k, length(array_join(collect_list(text), '')) AS n FROM (
    SELECT id % 2 AS k, repeat(cast(id AS STRING), 1000) AS text FROM range(0, 400000, 1, 4)) GROUP BY k"""
# Rows that do not get smaller, on their way from one stage to the next.
BULKY = """SELECT sha2(cast(id AS STRING), 512) AS a, sha2(cast(id + 1 AS STRING), 512) AS b
    FROM range(0, 6000000, 1, 4) DISTRIBUTE BY a"""
ENDLESS = "SELECT count(*) AS n FROM range(0, 10000000000000, 1, 4) WHERE sha2(cast(id AS STRING), 512) = 'x'"
SCHEMAS = {"k": pa.int64(), "n": pa.int64(), "a": pa.string(), "b": pa.string()}


def failing(
    settings: Settings, sql: str | None = None, *, columns: str = "", meanwhile: Callable[[], None] | None = None
) -> str:
    """What a session says that stages the SQL, or only starts; `meanwhile` is done while it runs."""
    try:
        with leaving_nothing(), engines(settings) as opened, opened("spark").session() as session:
            if meanwhile is not None:
                Timer(5, meanwhile).start()
            if sql is not None:
                session.stage("found", sql, pa.schema([(name, SCHEMAS[name]) for name in columns]))
    except EngineError as error:
        return str(error)
    raise AssertionError("it did not fail")


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """A session in the block leaves no JVM, which may just be ending or have other jars than the next session asks
    for, and no jars on the path: dbt fails where it finds one that is gone.
    """
    path, jvms = set(sys.path), java()
    try:
        yield
    finally:
        assert not set(sys.path) - path
        assert java() == jvms


def java() -> list[psutil.Process]:
    """The JVMs that this process has started."""
    return [child for child in psutil.Process().children() if child.name() == "java"]


def no_session(folder: Path) -> str:
    """A JVM that does not start."""
    return failing(workspace(folder, spark={"spark.driver.memory": "1k"}).settings)


def wrong_setting(folder: Path) -> str:
    """A value that Spark SQL does not take, before and after a session that is not disturbed by it; the second time
    of a setting that no session may change.
    """
    said = failing(workspace(folder, spark={"spark.sql.parquet.compression.codec": "zipped"}).settings)
    assert counted(workspace(folder).settings) == 3
    again = failing(workspace(folder, spark={"spark.sql.codegen.cache.maxEntries": "many"}).settings)
    assert "spark.sql.codegen.cache.maxEntries" in again, again
    return said


def no_jars(folder: Path) -> str:
    """Jars that are nowhere."""
    missing = {"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:0.0.0"}
    return failing(workspace(folder, spark=missing).settings)


def another_session(folder: Path) -> str:
    """A session that somebody else has begun in the process; once it is stopped there is one with our jars."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    place = workspace(folder)
    said = failing(place.settings)
    assert session.range(3).count() == 3, "it is not ours to stop"
    session.stop()
    assert published(place) == ["published"]
    return said


def no_memory_of_its_own(folder: Path) -> str:
    """A group that the process in which Spark runs cannot hold; the next session has a process of its own."""
    small = workspace(folder, spark={"spark.driver.memory": "600m"}).settings
    said = failing(small, GREEDY, columns="kn")
    assert counted(workspace(folder).settings) == 3
    return said


def killed(folder: Path) -> str:
    """The process in which Spark runs is killed while a query runs; the next session has a process of its own."""

    def die() -> None:
        (jvm,) = java()
        jvm.kill()

    settings = workspace(folder).settings
    said = failing(settings, ENDLESS, columns="n", meanwhile=die)
    assert counted(settings) == 3
    return said


def second_session(folder: Path) -> str:
    """A session on a cluster after another one in the same process: its executors need the same jars."""
    with running(folder / "cluster") as cluster:
        _, second = published(workspace(folder / "home", spark_master=cluster.master), sessions=2)
    return f"the second one finds it {second}"


def published(place: Workspace, sessions: int = 1) -> list[str]:
    """What sessions, one after the other, make of the same month of a raw table."""
    land(place, ["2013-01"])
    readings = place.project.table("raw/readings")
    found = []
    for _ in range(sessions):
        with leaving_nothing(), engines(place.settings) as opened:
            made = materialise(place, readings, ["2013-01"], opened("spark"), run="test", force=True)
            found.append(statuses(made)["2013-01"])
    return found


def counted(settings: Settings) -> int:
    """A session that answers."""
    with leaving_nothing(), engines(settings) as opened, opened("spark").session() as session:
        return session.query("SELECT count(*) AS n FROM range(0, 3)")["n"][0].as_py()


def silent_repository(folder: Path) -> str:
    """A repository of jars that takes the connection and says nothing."""
    spark_session._START_S = 45
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        folder.mkdir(parents=True)
        ivy = folder / "ivy.xml"
        ivy.write_text(
            '<ivysettings><settings defaultResolver="silent"/><resolvers><ibiblio name="silent" m2compatible="true" '
            f'root="http://127.0.0.1:{silent.getsockname()[1]}/"/></resolvers></ivysettings>'
        )
        asked = {"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:0.0.0", "spark.jars.ivySettings": str(ivy)}
        return failing(workspace(folder / "home", spark=asked).settings)


def silent_master(folder: Path) -> str:
    """A master that takes the connection and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        master = f"spark://127.0.0.1:{silent.getsockname()[1]}"
        return failing(workspace(folder, spark_master=master).settings)


def no_workers(folder: Path) -> str:
    """A master whose workers have less memory than is asked for; a session without it starts afterwards."""
    spark_session._WORKERS_S = 10
    with running(folder / "cluster", MEMORY="600m") as cluster:
        asked = {"spark.executor.memory": "8g"}
        said = failing(workspace(folder / "home", spark_master=cluster.master, spark=asked).settings)
    assert counted(workspace(folder / "home").settings) == 3
    return said


def lost_cluster(folder: Path) -> str:
    """Master and workers die while a query runs."""
    with running(folder / "cluster") as cluster:
        place = workspace(folder / "home", spark_master=cluster.master)

        def die() -> None:
            spark_session._WORKERS_S = 10
            for name in ("master", "worker-1", "worker-2"):
                cluster.kill(name)

        return failing(place.settings, ENDLESS, columns="n", meanwhile=die)


def no_memory(folder: Path) -> str:
    """A group that no executor can hold."""
    with running(folder / "cluster", MEMORY="600m") as cluster:
        # Four executors would end one after the other before Spark gives up; two show the same.
        memory = {"spark.executor.memory": "500m", "spark.task.maxFailures": "2"}
        place = workspace(folder / "home", spark_master=cluster.master, spark=memory)
        return failing(place.settings, GREEDY, columns="kn")


def no_room(folder: Path) -> str:
    """A small disk for what workers put down between two stages."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk], check=True)
    with running(folder / "cluster", SPARK_LOCAL_DIRS=str(disk)) as cluster:
        return failing(workspace(folder / "home", spark_master=cluster.master).settings, BULKY, columns="ab")


CASES: Mapping[str, Callable[[Path], str]] = {
    case.__name__: case
    for case in (
        no_session,
        wrong_setting,
        another_session,
        no_jars,
        silent_repository,
        silent_master,
        no_workers,
        lost_cluster,
        no_memory,
        no_memory_of_its_own,
        killed,
        no_room,
        second_session,
    )
}

if __name__ == "__main__":
    print(CASES[sys.argv[1]](Path(sys.argv[2])))

"""What an error of Spark's means where its process ends just then."""
# pyspark is an extra.
# pyright: reportMissingImports=false

import subprocess
import sys
from types import SimpleNamespace

import pytest
from tests.working import unavailable

from taxiway.engines.spark_errors import of_spark, told
from taxiway.errors import EngineError

LAST_WORDS = (
    "An error occurred while calling o52.parquet",
    "An error occurred while calling z:org.apache.spark.api.python.PythonUtils.isRunning",
    "An error occurred while trying to connect to the Java server (127.0.0.1:1)\nConnection refused",
    "Answer from Java side is empty",
    "Job aborted: SparkContext was shut down",
    "py4j.reflection does not exist in the JVM",
)


@pytest.fixture(autouse=True)
def _ending(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of Spark's that is about to end for want of memory."""
    try:
        from pyspark import SparkContext
    except ImportError:
        unavailable("pyspark is not installed")
    ending = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.2); raise SystemExit(52)"])
    monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace(proc=ending))


def test_an_error_whose_words_nobody_can_say_any_more_is_what_the_process_ends_with() -> None:
    from py4j.protocol import Py4JError

    class FromJava(Py4JError):
        def __str__(self) -> str:
            raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(EngineError, match="its process has ended with code 52"), told():
        raise FromJava


@pytest.mark.parametrize("text", LAST_WORDS)
def test_an_error_without_a_cause_is_what_the_process_ends_with(text: str) -> None:
    assert of_spark(text).startswith("Spark's memory ran out (its process has ended with code 52)")

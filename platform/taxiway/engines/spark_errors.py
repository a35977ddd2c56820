"""What the errors of Spark mean here, in one line."""
# pyspark is an extra.
# pyright: reportMissingImports=false

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from taxiway.errors import EngineError

_FULL = re.compile(r"No space left on device|Disk quota exceeded")
# A process of Spark's whose memory runs out ends with Spark's code for it, or with Java's.
_NO_MEMORY = (52, 3)
_KILLED = (-9, 137)
_MEMORY = re.compile(
    rf"OutOfMemoryError|[Ee]xit(?:ed with)? code (?:{'|'.join(map(str, _NO_MEMORY))})\b|Cannot acquire|"
    r"exceeds memory limits|Total size of serialized results"
)
# Without its process there is nobody to say why; it may be heard while it ends.
_ENDED = re.compile(
    r"Answer from Java side is empty|Error while (?:sending|receiving)|Connection re(?:fused|set)|"
    r"SparkContext was shut down|does not exist in the JVM|An error occurred while calling \S+$"
)
_ENDS_S = 30
_LOST = re.compile(r"ExecutorLostFailure|SparkContext was shut down|Job .* cancelled")
_GONE = re.compile(r"FileNotFoundException|FAILED_READ_FILE|DELTA_FILE_NOT_FOUND|PATH_NOT_FOUND")
# A Java error's own words follow its class; the rest is its stack.
_CAUSE = re.compile(r"(?:Caused by: )?(?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error): (.+)")


@contextmanager
def told() -> Iterator[None]:
    """Say what Spark's errors mean here; raises EngineError."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise EngineError(_meaning(words(error))) from error
    except OSError as error:
        raise EngineError(f"staging failed ({error}); make room for TAXIWAY_HOME/scratch") from error


@contextmanager
def gone() -> Iterator[None]:
    """What is ended in the block may have ended already, with Spark's process: whoever computed was told."""
    from py4j.protocol import Py4JError

    with suppress(Py4JError, ConnectionError):
        yield


def words(error: Exception) -> str:
    """What an error of Spark's says, which it may ask of Spark's process; that there is no answer where that has ended
    meanwhile.
    """
    from py4j.protocol import Py4JError

    try:
        return str(error)
    except (Py4JError, ConnectionError) as unanswered:
        return str(unanswered)


def _meaning(text: str) -> str:
    why = first_cause(text)
    if _FULL.search(text):
        return f"the disk is full ({why}); make room for TAXIWAY_HOME/scratch and for the workers' own"
    return of_spark(text) or f"Spark could not compute it ({why}); mend the transform or its input"


def of_spark(text: str) -> str:
    """What an error means that is of Spark itself, whatever it was to do; empty for any other."""
    why = first_cause(text)
    code = _jvm_exit_code(_ENDS_S if _ENDED.search(text) else 0)
    if code is not None:
        why = f"its process has ended with code {code}"
    if code in _NO_MEMORY or (code is None and _MEMORY.search(text)):
        return f"Spark's memory ran out ({why}); raise spark.driver.memory or spark.executor.memory in [spark]"
    if code in _KILLED:
        return f"Spark cannot go on ({why}, killed, perhaps as the machine has no memory); see spark.log, and run again"
    if code is not None:
        return f"Spark cannot go on ({why}); see spark.log, and run again"
    if _LOST.search(text):
        return f"Spark lost its workers ({why}); see that they run and have room, and run again"
    if _GONE.search(text):
        return f"a data file of a table is gone or damaged ({why}); taxiway doctor names the table"
    return ""


def _jvm_exit_code(within: float) -> int | None:
    """What the JVM that this process started has ended with, or does within some seconds; None where it has not."""
    from pyspark import SparkContext

    process = getattr(SparkContext._gateway, "proc", None)
    if process is None:
        return None
    try:
        return process.wait(timeout=within)
    except subprocess.TimeoutExpired:
        return None


def first_cause(text: str) -> str:
    """What a Java error says first of its causes, the innermost one last; its first line where it names none."""
    causes = _CAUSE.findall(text)
    line = causes[-1] if causes else next(iter(text.strip().splitlines()), "no message")
    return " ".join(line.split())[:400]

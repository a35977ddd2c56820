"""The same job as scala_job.scala, in Python: `python python_job.py FOLDER ROUNDS HOME`.

Runs each NAME.sql of the folder on a session of Taxiway's and writes its rows to NAME.parquet there.
"""

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taxiway.engines.spark_session import start_session
from taxiway.settings import load_settings
from tests.benchmarks.spark_shell import WITH_DELTA


def run(spark: Any, script: Path) -> None:
    *before, query = filter(None, (part.strip() for part in re.split(r";\s*(?:\n|$)", script.read_text())))
    for statement in before:
        spark.sql(statement)
    spark.sql(query).write.mode("overwrite").parquet(str(script.with_suffix(".parquet")))


def seconds(spark: Any, scripts: Sequence[Path]) -> float:
    began = time.perf_counter()
    for script in scripts:
        run(spark, script)
    return time.perf_counter() - began


def main() -> None:
    folder, home = Path(sys.argv[1]), Path(sys.argv[3])
    scripts = sorted(folder.glob("*.sql"))
    spark = start_session(load_settings("local", root=Path(__file__).parents[2], home=home, spark=WITH_DELTA))
    rounds = [seconds(spark, scripts) for _ in range(int(sys.argv[2]))]
    (folder / "seconds.json").write_text(json.dumps(rounds))
    spark.stop()


if __name__ == "__main__":
    main()

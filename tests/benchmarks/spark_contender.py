"""One contender's look at the rows on Spark: `python spark_contender.py NAME FILE HOME` prints JSON.

Every contender finds the rows staged as a run stages them, in Parquet on disk, and has looked at a few of them before,
so that what is timed is the answer and not the start of Spark.
"""
# pyspark is an extra.
# pyright: reportMissingImports=false

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
from guard_contender import Answer, by_pandera, guard, tell
from guard_rules import MANDATORY, ORIGINS, Guarded, pandera_rule

from taxiway.contracts import compile_contract
from taxiway.engines.open import open_engine
from taxiway.engines.spark import SparkSQL
from taxiway.settings import load_settings

_FEW = 1000


def pandera_schema() -> Any:
    """The rules to pandera.pyspark; a check of the whole frame says whether any row breaks it, as its own checks do."""
    import pandera.pyspark as pandera
    from pandera.api.checks import Check
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    checks = {
        "carrier": [Check.str_matches(r"^[0-9A-Z]{2}$")],
        "flight": [Check.le(9999)],
        "origin": [Check.isin(ORIGINS)],
        "dest": [Check.str_matches(r"^[A-Z]{3}$")],
        "distance_mi": [Check.ge(1)],
        "dep_delay_min": [Check.ge(-120), Check.le(2000)],
        "arr_delay_min": [Check.ge(-240), Check.le(2000)],
        "scheduled_duration_min": [Check.ge(1), Check.le(1500)],
        "scheduled_hour": [Check.le(23)],
        "scheduled_weekday": [Check.isin([1, 2, 3, 4, 5, 6, 7])],
    }
    types = {
        "flight": t.IntegerType(),
        "flight_date": t.DateType(),
        "is_cancelled": t.BooleanType(),
        **dict.fromkeys(("flight_id", "carrier", "origin", "dest", "month"), t.StringType()),
        **dict.fromkeys(("scheduled_departure_at", "decision_at", "scheduled_arrival_at"), t.TimestampType()),
    }
    columns = {
        name: pandera.Column(types.get(name, t.ShortType()), checks.get(name, []), nullable=name not in MANDATORY)
        for name in dict.fromkeys([*MANDATORY, *checks])
    }

    def no_row(broken: Any) -> Callable[[Any], bool]:
        return lambda frame: frame.filter(broken).limit(1).count() == 0

    later = f.col("scheduled_arrival_at") > f.col("scheduled_departure_at")
    told = f.col("is_cancelled") == f.col("dep_delay_min").isNull()
    of_rows = [Check(no_row(~later), name="arrives_later"), Check(no_row(~told), name="cancelled_is_told")]
    return pandera.DataFrameSchema(columns, checks=of_rows, unique=["flight_id"])


def by_pandera_pyspark(session: SparkSQL) -> Answer:
    """pandera's own Spark backend; it says which rules are broken, not by how many rows: each counts as one."""
    schema = pandera_schema()
    frame = session.spark.table("staged")
    began = time.perf_counter()
    errors = schema.validate(frame).pandera.errors
    seconds = time.perf_counter() - began
    counts: dict[str, int] = {}
    duplicated = 0
    for failure in (one for kinds in errors.values() for found in kinds.values() for one in found):
        if failure["check"] == "unique":
            duplicated = 1
            continue
        name = str(failure["check"]).partition("(")[0]
        counts[pandera_rule(failure["column"], name)] = 1
    return seconds, 0.0, counts, duplicated


def by_pandera_ibis(session: SparkSQL) -> Answer:
    """pandera's Ibis backend, on Ibis' own for Spark."""
    return by_pandera(ibis.pyspark.connect(session.spark).table("staged"), with_key=True)


CONTENDERS: dict[str, Callable[[SparkSQL], Answer]] = {
    "guard": guard,
    "pandera.ibis": by_pandera_ibis,
    "pandera.pyspark": by_pandera_pyspark,
}


def main() -> None:
    name, file, home = sys.argv[1:]
    look = CONTENDERS[name]
    schema = compile_contract(Guarded).schema
    engine = open_engine(load_settings("local", root=Path(__file__).parents[2], home=home), "spark")
    with engine.session() as session:
        assert isinstance(session, SparkSQL)
        session.stage("staged", f"SELECT * FROM parquet.`{file}` LIMIT {_FEW}", schema)
        look(session)
        session.stage("staged", f"SELECT * FROM parquet.`{file}`", schema)
        answer = look(session)
        tell(session.count("staged"), answer)
    engine.close()


if __name__ == "__main__":
    main()

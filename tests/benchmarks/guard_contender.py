"""One contender's look at the rows: `python guard_contender.py NAME FILE SCRATCH THREADS MEMORY` prints JSON.

Every contender finds the rows staged in the same DuckDB, and what is timed is what it does for its answer: how many
rows break each rule and how many keys are there twice.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import ibis
from guard_rules import KEY_SQL, Guarded, aggregate_sql, pandera_rule, pandera_schema
from pandera.errors import SchemaErrors

from taxiway.contracts import audit, compile_contract, key_audit, repeated_hashes, samples, verdicts
from taxiway.engines import Session
from taxiway.engines.duckdb import DuckDBSession, set_up
from taxiway.transforms.compile import to_sql

# The seconds of the answer, of the evidence that comes with it, and what was found.
Answer = tuple[float, float, dict[str, int], int]


def guard(session: Session) -> Answer:
    """The platform's: audit and key, and then five samples of each rule that broke."""
    contract = compile_contract(Guarded)
    staged = ibis.table(contract.ibis_schema, name="staged")
    # A run has compiled the audit when it comes here: it is part of the table's fingerprint.
    to_sql(audit(contract, staged), session.dialect)
    began = time.perf_counter()
    audited = session.query(to_sql(audit(contract, staged), session.dialect))
    duplicated = session.query(to_sql(repeated_hashes(contract, staged).limit(1), session.dialect))
    if duplicated.num_rows:
        duplicated = session.query(to_sql(key_audit(contract, staged), session.dialect))
    judged = verdicts(contract, audited, duplicated, audited["partition"].to_pylist())
    answered = time.perf_counter()
    for rule in dict.fromkeys(failure.rule for verdict in judged for failure in verdict.failures):
        session.query(to_sql(samples(contract, staged, rule), session.dialect))
    evidence = time.perf_counter() - answered
    counts: dict[str, int] = {}
    for failure in (failure for verdict in judged for failure in verdict.failures):
        counts[failure.rule] = counts.get(failure.rule, 0) + failure.count
    return answered - began, evidence, counts, sum(verdict.duplicated_keys for verdict in judged)


def by_hand(db: duckdb.DuckDBPyConnection, *, with_rejected: bool) -> Answer:
    """One aggregate and one check of the key, in SQL."""
    sql = aggregate_sql(with_rejected=with_rejected)
    began = time.perf_counter()
    found = db.execute(sql).to_arrow_table()
    duplicated = db.execute(KEY_SQL).to_arrow_table()
    seconds = time.perf_counter() - began
    rules = [name for name in found.column_names if name not in ("month", "rows", "rejected")]
    counts = {rule: sum(found[rule].to_pylist()) for rule in rules}
    return seconds, 0.0, counts, sum(duplicated["duplicated_keys"].to_pylist())


def by_pandera(table: ibis.Table, *, with_key: bool) -> Answer:
    """pandera's Ibis backend, all failures collected."""
    schema = pandera_schema(with_key=with_key)
    counts: dict[str, int] = {}
    duplicated = 0
    began = time.perf_counter()
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        seconds = time.perf_counter() - began
        for error in errors.schema_errors:
            cases: Any = error.failure_cases
            if error.check == "multiple_fields_uniqueness":
                duplicated = int(cases.flight_id.nunique().execute())
                continue
            rows: Any = cases.count().execute() if isinstance(cases, ibis.Table) else len(cases)
            counts[pandera_rule(getattr(error.schema, "name", None), error.check)] = int(rows)
    else:
        seconds = time.perf_counter() - began
    return seconds, 0.0, counts, duplicated


CONTENDERS: dict[str, Callable[[duckdb.DuckDBPyConnection], Answer]] = {
    "guard": lambda db: guard(DuckDBSession(db)),
    "aggregate": lambda db: by_hand(db, with_rejected=False),
    "aggregate-and-rejected": lambda db: by_hand(db, with_rejected=True),
    "pandera": lambda db: by_pandera(ibis.duckdb.from_connection(db).table("staged"), with_key=True),
    "pandera-without-key": lambda db: by_pandera(ibis.duckdb.from_connection(db).table("staged"), with_key=False),
}


def main() -> None:
    name, file, scratch, threads, memory = sys.argv[1:]
    db = duckdb.connect()
    for setting in (
        f"threads = {threads}",
        f"memory_limit = '{memory}'",
        f"temp_directory = '{scratch}'",
        "preserve_insertion_order = false",
    ):
        db.execute(f"SET {setting}")
    set_up(db)
    db.execute(f"CREATE TEMP TABLE staged AS FROM read_parquet('{file}')")
    answer = CONTENDERS[name](db)
    (rows,) = db.execute("SELECT count(*) FROM staged").fetchall()[0]
    tell(rows, answer)


def tell(rows: int, answer: Answer) -> None:
    """Print what was found."""
    seconds, evidence, counts, duplicated = answer
    print(
        json.dumps(
            {
                "check_seconds": seconds,
                "evidence_seconds": evidence,
                "rows": rows,
                "counts": {rule: count for rule, count in sorted(counts.items()) if count},
                "duplicated_keys": duplicated,
            }
        )
    )


if __name__ == "__main__":
    main()

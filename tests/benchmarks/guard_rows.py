"""The rows that the guard and its rivals look at: `python guard_rows.py OUT` writes `clean.parquet` and `bad.parquet`.

Ten copies of the year of feature/flights, made by the plain script; each copy has keys of its own. Of the bad rows
one in a hundred breaks a rule, each a different one in turn.
"""

import sys
import tempfile
from pathlib import Path

import duckdb
from plain_script import FEATURES, read_files

from flights.publisher import deliveries

MONTHS = [f"2013-{month:02d}" for month in range(1, 13)]
COPIES = 10

CLEAN = f"""SELECT * REPLACE (flight_id || '-' || copy AS flight_id, flight::INTEGER AS flight)
    FROM (FROM flights) CROSS JOIN (SELECT unnest(range({COPIES})) AS copy)"""

# The rest of a bad row stays as it is, so that it breaks one rule only.
SPOILT = {
    "distance_mi": "0",
    "dep_delay_min": "-500",
    "arr_delay_min": "3000",
    "origin": "'ZZZ'",
    "carrier": "'ua'",
    "scheduled_duration_min": "NULL",
    "scheduled_hour": "24",
    "scheduled_arrival_at": "scheduled_departure_at",
}


def main() -> None:
    out = Path(sys.argv[1])
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory(dir=out) as landing:
        for name, data in deliveries(MONTHS):
            (Path(landing) / name).write_bytes(data)
        read_files(db, Path(landing), MONTHS)
        db.execute(f"CREATE TABLE flights AS {FEATURES['flights']}")
    db.execute(f"COPY (SELECT * EXCLUDE (copy) FROM ({CLEAN})) TO '{out / 'clean.parquet'}' (FORMAT parquet)")
    # A delay is spoilt only where there is one: a delay of a cancelled flight would break a second rule.
    told = {name: f"AND {name} IS NOT NULL" if name.endswith("delay_min") else "" for name in SPOILT}
    spoilt = [
        f"if(kind = {kind} {told[name]}, {value}, {name}) AS {name}"
        for kind, (name, value) in enumerate(SPOILT.items())
    ]
    db.execute(
        f"""COPY (SELECT * EXCLUDE (number, kind) REPLACE ({", ".join(spoilt)}) FROM (
            SELECT *, row_number() OVER () AS number, if(number % 100 = 0, number // 100 % {len(SPOILT)}, -1) AS kind
            FROM read_parquet('{out / "clean.parquet"}'))) TO '{out / "bad.parquet"}' (FORMAT parquet)"""
    )


if __name__ == "__main__":
    main()

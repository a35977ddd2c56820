"""The flights project as one script without a platform: what Taxiway is measured against.

`python tests/benchmarks/plain_script.py LANDING OUT` reads the delivered files and writes every table
as Parquet to OUT: DuckDB for tables, LightGBM and scikit-learn for the model. `--months` computes only
those months from the files they need, `--without-model` leaves training, predictions and evaluation
out. Prints seconds by phase, rows by table and peak memory as JSON.
"""

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

MODEL_MONTHS = [f"2013-{month:02d}" for month in range(7, 13)]
CATEGORIES = ["carrier", "origin", "dest"]
NOT_MODELLED = ["flight_id", "month", "decision_at", "is_late"]
SCORES = ["probability_late", "route_hour_late_share"]
PARAMETERS = {
    "objective": "binary",
    "num_iterations": 150,
    "learning_rate": 0.08,
    "num_leaves": 63,
    "min_data_in_leaf": 100,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbosity": -1,
}

RAW = {
    "raw_flights": """
        SELECT make_date(year, month, day) AS flight_date, * EXCLUDE (year, month, day, filename),
            parse_filename(filename) AS source_file,
            row_number() OVER (PARTITION BY filename) AS source_row,
            format('{:04d}-{:02d}', year, month) AS month
        FROM read_csv($files, header = true, nullstr = 'NA', filename = true, columns = {
            year: 'SMALLINT', month: 'SMALLINT', day: 'SMALLINT', dep_time: 'SMALLINT', sched_dep_time: 'SMALLINT',
            dep_delay: 'SMALLINT', arr_time: 'SMALLINT', sched_arr_time: 'SMALLINT', arr_delay: 'SMALLINT',
            carrier: 'VARCHAR', flight: 'SMALLINT', tailnum: 'VARCHAR', origin: 'VARCHAR', dest: 'VARCHAR',
            air_time: 'SMALLINT', distance: 'SMALLINT', hour: 'SMALLINT', minute: 'SMALLINT',
            time_hour: 'TIMESTAMPTZ'})""",
    "raw_weather": """
        SELECT origin, time_hour AS observed_at, * EXCLUDE (origin, year, month, day, hour, time_hour, filename),
            parse_filename(filename) AS source_file,
            row_number() OVER (PARTITION BY filename) AS source_row,
            format('{:04d}-{:02d}', year, month) AS month
        FROM read_csv($files, header = true, nullstr = 'NA', filename = true, columns = {
            origin: 'VARCHAR', year: 'SMALLINT', month: 'SMALLINT', day: 'SMALLINT', hour: 'SMALLINT',
            temp: 'DOUBLE', dewp: 'DOUBLE', humid: 'DOUBLE', wind_dir: 'SMALLINT', wind_speed: 'DOUBLE',
            wind_gust: 'DOUBLE', precip: 'DOUBLE', pressure: 'DOUBLE', visib: 'DOUBLE', time_hour: 'TIMESTAMPTZ'})
        WHERE wind_speed IS NULL OR wind_speed <= 250""",
    "raw_aircraft": "SELECT * FROM read_csv($files, header = true, nullstr = 'NA')",
    "raw_airports": "SELECT * FROM read_csv($files, header = true, nullstr = 'NA')",
    "raw_airlines": "SELECT * FROM read_csv($files, header = true, nullstr = 'NA')",
}

# Reads `flights` and writes, for each of its rows, counts and sums over the events that lie in the window
# that ends at its decision. Peers of a moment are in each other's frame, so the window is closed at both ends.
WINDOW = """
    WITH moments AS (
        SELECT {by}, {event} AS moment, {value} AS delay, NULL AS flight_id, NULL AS month
        FROM flights WHERE {event} IS NOT NULL
        UNION ALL
        SELECT {by}, decision_at, NULL, flight_id, month FROM flights
    )
    SELECT flight_id, {columns}, month FROM moments WINDOW {windows} QUALIFY flight_id IS NOT NULL"""


def window(by: str, event: str, value: str, hours: dict[str, int], columns: str) -> str:
    """SQL of a table of aggregates over closed windows, one named window for each entry of `hours`."""
    frames = ", ".join(
        f"{name} AS (PARTITION BY {by} ORDER BY moment RANGE BETWEEN INTERVAL {n} HOURS PRECEDING AND CURRENT ROW)"
        for name, n in hours.items()
    )
    return WINDOW.format(by=by, event=event, value=value, columns=columns, windows=frames)


FEATURES = {
    "flights": """
        WITH departures AS (
            SELECT f.*, time_hour + to_minutes(minute) AS scheduled_departure_at, a.tzone AS zone
            FROM raw_flights f LEFT JOIN raw_airports a ON a.faa = f.dest
        ), clocks AS (
            SELECT *, timezone(zone, scheduled_departure_at) AS left_clock,
                date_trunc('day', left_clock) + to_minutes(sched_arr_time // 100 * 60 + sched_arr_time % 100) AS clock
            FROM departures
        ), arrivals AS (
            SELECT *, timezone(zone, clock - to_days((clock - INTERVAL 1 DAY > left_clock)::INTEGER)
                + to_days((clock <= left_clock)::INTEGER)) AS scheduled_arrival_at
            FROM clocks
        )
        SELECT concat_ws('-', carrier, flight, origin, dest, flight_date) AS flight_id,
            flight_date, carrier, flight, tailnum, origin, dest, distance AS distance_mi,
            scheduled_departure_at, scheduled_departure_at - INTERVAL 2 HOURS AS decision_at,
            scheduled_departure_at + to_minutes(dep_delay) AS departed_at,
            scheduled_arrival_at, scheduled_arrival_at + to_minutes(arr_delay) AS arrived_at,
            dep_delay AS dep_delay_min, arr_delay AS arr_delay_min,
            date_diff('minute', scheduled_departure_at, scheduled_arrival_at)::SMALLINT AS scheduled_duration_min,
            hour AS scheduled_hour, isodow(flight_date)::SMALLINT AS scheduled_weekday,
            dep_time IS NULL AS is_cancelled, month
        FROM arrivals""",
    "origin_congestion": window(
        "origin",
        "departed_at",
        "dep_delay_min",
        {"one": 1, "three": 3},
        """count(delay) OVER one AS origin_departures_1h,
        sum(delay) OVER one / nullif(count(delay) OVER one, 0) AS origin_mean_dep_delay_1h_min,
        count(delay) OVER three AS origin_departures_3h,
        sum(delay) OVER three / nullif(count(delay) OVER three, 0) AS origin_mean_dep_delay_3h_min""",
    ),
    "carrier_punctuality": window(
        "origin, carrier",
        "departed_at",
        "dep_delay_min",
        {"day": 24},
        """count(delay) OVER day AS carrier_departures_24h,
        sum(delay) OVER day / nullif(count(delay) OVER day, 0) AS carrier_mean_dep_delay_24h_min""",
    ),
    "route_history": window(
        "origin, dest",
        "arrived_at",
        "arr_delay_min",
        {"days": 720},
        """count(delay) OVER days AS route_arrivals_30d,
        sum(delay) OVER days / nullif(count(delay) OVER days, 0) AS route_mean_arr_delay_30d_min,
        sum((delay >= 15)::INTEGER) OVER days / nullif(count(delay) OVER days, 0) AS route_late_share_30d""",
    ),
    "weather_outlook": """
        WITH latest AS (
            SELECT flight_id, f.month, w.*, date_diff('minute', observed_at, decision_at) AS age
            FROM flights f ASOF LEFT JOIN raw_weather w ON w.origin = f.origin AND w.observed_at <= f.decision_at
        )
        SELECT flight_id, if(age <= 180, temp, NULL) AS temperature_f,
            if(age <= 180, wind_speed, NULL) AS wind_speed_mph, if(age <= 180, wind_gust, NULL) AS wind_gust_mph,
            if(age <= 180, precip, NULL) AS precipitation_in,
            if(age <= 180, visib, NULL) AS visibility_mi, if(age <= 180, pressure, NULL) AS pressure_mbar,
            if(age <= 180, age, NULL) AS observation_age_min, month
        FROM latest""",
    "aircraft_rotation": """
        WITH arrivals AS (
            SELECT tailnum, arrived_at, arg_max(arr_delay_min, flight_id) AS delay
            FROM flights WHERE arrived_at IS NOT NULL AND tailnum IS NOT NULL GROUP BY ALL
        ), departures AS (
            SELECT DISTINCT tailnum, departed_at FROM flights WHERE departed_at IS NOT NULL AND tailnum IS NOT NULL
        )
        SELECT flight_id, if(arrived_at >= decision_at - INTERVAL 24 HOURS, delay, NULL) AS aircraft_last_arr_delay_min,
            if(d.departed_at >= decision_at - INTERVAL 24 HOURS,
                date_diff('minute', d.departed_at, decision_at), NULL) AS aircraft_since_last_departure_min, month
        FROM (SELECT flight_id, tailnum, decision_at, month FROM flights) f
        ASOF LEFT JOIN arrivals a ON a.tailnum = f.tailnum AND a.arrived_at <= f.decision_at
        ASOF LEFT JOIN departures d ON d.tailnum = f.tailnum AND d.departed_at <= f.decision_at""",
    "schedule_pressure": """
        WITH hours AS (
            SELECT origin, date_trunc('hour', scheduled_departure_at) AS hour, count(*) AS departures
            FROM flights GROUP BY ALL
        )
        SELECT flight_id, same.departures AS scheduled_departures_same_hour,
            coalesce(previous.departures, 0) AS scheduled_departures_previous_hour, month
        FROM flights f
        JOIN hours same ON same.origin = f.origin AND same.hour = date_trunc('hour', scheduled_departure_at)
        LEFT JOIN hours previous ON previous.origin = f.origin AND previous.hour = same.hour - INTERVAL 1 HOUR""",
    "delay_features": """
        SELECT flight_id, f.carrier, f.origin, f.dest, f.distance_mi, f.decision_at, f.scheduled_hour,
            f.scheduled_weekday, f.scheduled_duration_min, a.seats AS aircraft_seats,
            year(f.flight_date) - a.year AS aircraft_age_years,
            oc.* EXCLUDE (flight_id, month), cp.* EXCLUDE (flight_id, month), rh.* EXCLUDE (flight_id, month),
            wo.* EXCLUDE (flight_id, month), ar.* EXCLUDE (flight_id, month), sp.* EXCLUDE (flight_id, month),
            f.arr_delay_min >= 15 AS is_late, f.month
        FROM flights f LEFT JOIN raw_aircraft a USING (tailnum) JOIN origin_congestion oc USING (flight_id)
        JOIN carrier_punctuality cp USING (flight_id) JOIN route_history rh USING (flight_id)
        JOIN weather_outlook wo USING (flight_id) JOIN aircraft_rotation ar USING (flight_id)
        JOIN schedule_pressure sp USING (flight_id)""",
}

PUNCTUALITY = """count(*) AS flights, avg(is_cancelled::INTEGER) AS cancelled_share,
    avg(arr_delay_min) AS mean_arr_delay_min, avg((arr_delay_min >= 15)::INTEGER) AS late_share"""

MARTS = {
    "airport_day": """
        WITH days AS (
            SELECT origin, flight_date, count(*) AS flights, count_if(is_cancelled) AS cancelled_flights,
                avg(dep_delay_min) AS mean_dep_delay_min, quantile_disc(dep_delay_min, 0.9) AS p90_dep_delay_min,
                avg((arr_delay_min >= 15)::INTEGER) AS late_share
            FROM flights GROUP BY ALL
        ), hours AS (
            SELECT origin, flight_date, scheduled_hour, avg(dep_delay_min) AS delay
            FROM flights WHERE dep_delay_min IS NOT NULL GROUP BY ALL
        ), worst AS (
            SELECT origin, flight_date, scheduled_hour AS worst_hour FROM hours
            QUALIFY row_number() OVER (PARTITION BY origin, flight_date ORDER BY delay DESC, scheduled_hour) = 1
        ), weather AS (
            SELECT origin, timezone('America/New_York', observed_at)::DATE AS flight_date,
                min(temp) AS min_temperature_f, max(temp) AS max_temperature_f, max(wind_speed) AS max_wind_speed_mph,
                sum(precip) AS precipitation_in, min(visib) AS min_visibility_mi
            FROM raw_weather GROUP BY ALL
        )
        SELECT * FROM days LEFT JOIN worst USING (origin, flight_date) LEFT JOIN weather USING (origin, flight_date)""",
    "carrier_month": f"""
        SELECT carrier, month, any_value(name) AS airline, {PUNCTUALITY},
            rank() OVER (PARTITION BY month ORDER BY late_share, carrier) AS late_rank
        FROM flights LEFT JOIN raw_airlines USING (carrier) GROUP BY carrier, month""",
    "route_month": f"""
        SELECT origin, dest, month, min(distance_mi) AS distance_mi, {PUNCTUALITY},
            rank() OVER (PARTITION BY month ORDER BY late_share, origin, dest) AS late_rank
        FROM flights GROUP BY origin, dest, month""",
    "delay_by_hour": """
        SELECT origin, scheduled_weekday, scheduled_hour, count(*) AS flights, avg(dep_delay_min) AS mean_dep_delay_min,
            avg(arr_delay_min) AS mean_arr_delay_min, avg((arr_delay_min >= 15)::INTEGER) AS late_share
        FROM flights GROUP BY ALL""",
}

PREDICTION_QUALITY = """
    SELECT p.month, carrier, count(*) AS flights, avg(probability_late) AS mean_probability,
        avg(is_late::INTEGER) AS late_share, avg((probability_late - is_late::INTEGER) ** 2) AS brier_score
    FROM predictions p JOIN delay_features USING (flight_id) WHERE is_late IS NOT NULL GROUP BY ALL"""

PREDICTIONS = """CREATE TABLE predictions (
    flight_id VARCHAR, probability_late DOUBLE, model_month VARCHAR, model_version VARCHAR, month VARCHAR)"""

EVALUATED = """
    WITH moments AS (
        SELECT origin, dest, scheduled_hour, arrived_at AS moment, (arr_delay_min >= 15)::INTEGER AS late,
            NULL AS flight_id
        FROM flights WHERE arrived_at IS NOT NULL
        UNION ALL
        SELECT origin, dest, scheduled_hour, decision_at, NULL, flight_id FROM flights WHERE month = $month
    ), shares AS (
        SELECT flight_id, sum(late) OVER so_far / nullif(count(late) OVER so_far, 0) AS route_hour_late_share
        FROM moments WINDOW so_far AS (PARTITION BY origin, dest, scheduled_hour ORDER BY moment)
    )
    SELECT f.*, probability_late, route_hour_late_share
    FROM predictions p JOIN delay_features f USING (flight_id) JOIN shares USING (flight_id)
    WHERE f.month = $month AND is_late IS NOT NULL ORDER BY flight_id"""


class Phases:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


def read_files(db: duckdb.DuckDBPyConnection, landing: Path, months: Sequence[str]) -> None:
    """Type the delivered files, those of months before the wanted ones that windows reach into included."""
    year, number = (int(part) for part in min(months).split("-"))
    first = f"{year - (number < 3)}-{(number - 3) % 12 + 1:02d}"
    for name, sql in RAW.items():
        stem = name.removeprefix("raw_")
        files = sorted(landing.glob(f"{stem}-*.csv")) or [landing / f"{stem}.csv"]
        wanted = [str(file) for file in files if file.stem == stem or first <= file.stem[-7:] <= max(months)]
        db.execute(f"CREATE TABLE {name} AS {sql}", {"files": wanted})


def train(db: duckdb.DuckDBPyConnection, month: str) -> pd.DataFrame:
    """What had arrived when the first decision of the month may have to be made, in the order of decisions."""
    year, number = (int(part) for part in month.split("-"))
    begins = datetime(year, number, 1, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    sql = """SELECT * FROM delay_features
        WHERE flight_id IN (SELECT flight_id FROM flights WHERE arrived_at <= $cut) AND is_late IS NOT NULL
        ORDER BY decision_at, flight_id"""
    return db.execute(sql, {"cut": begins - timedelta(hours=2)}).df()


def frame(rows: pd.DataFrame, levels: dict[str, pd.Index], number: str = "float64") -> pd.DataFrame:
    """The features, categories with fixed levels: what the model has not seen is missing."""
    features = rows.drop(columns=[name for name in [*NOT_MODELLED, *SCORES] if name in rows])
    numbers = features.drop(columns=CATEGORIES).astype(number)
    return features[CATEGORIES].astype({name: pd.CategoricalDtype(levels[name]) for name in CATEGORIES}).join(numbers)


def logistic_regression(training: pd.DataFrame, late: pd.Series, rows: pd.DataFrame) -> np.ndarray:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)  # pyright: ignore[reportArgumentType]
    measured = [name for name in training if name not in CATEGORIES]
    features = make_column_transformer((one_hot, CATEGORIES), (numbers, measured))
    with threadpool_limits(1):
        model = make_pipeline(features, LogisticRegression(solver="newton-cholesky")).fit(training, late)
        return model.predict_proba(rows)[:, 1]


def evaluate(month: str, rows: pd.DataFrame, route_hour: np.ndarray, logistic: np.ndarray) -> dict[str, object]:
    late, probability = rows.is_late.to_numpy(bool), rows.probability_late.to_numpy()
    deciles = np.array_split(np.argsort(probability, kind="stable"), 10)
    return {
        "flights": len(rows),
        "roc_auc": roc_auc_score(late, probability),
        "log_loss": log_loss(late, probability),
        "brier_score": brier_score_loss(late, probability),
        "late_share": late.mean(),
        "mean_probability": probability.mean(),
        "calibration_mean_probability": [probability[decile].mean() for decile in deciles],
        "calibration_late_share": [late[decile].mean() for decile in deciles],
        "route_hour_roc_auc": roc_auc_score(late, route_hour),
        "route_hour_brier_score": brier_score_loss(late, route_hour),
        "logistic_roc_auc": roc_auc_score(late, logistic),
        "logistic_brier_score": brier_score_loss(late, logistic),
        "month": month,
    }


def model_tables(db: duckdb.DuckDBPyConnection, phases: Phases) -> float:
    """The models, predictions and evaluations of all model months; returns the pooled ROC AUC."""
    models, evaluations = [], []
    db.execute(PREDICTIONS)
    for month in MODEL_MONTHS:
        with phases.phase("training"):
            training = train(db, month)
            levels = {name: pd.Index(sorted(training[name].unique())) for name in CATEGORIES}
            dataset = lightgbm.Dataset(frame(training, levels), label=training.is_late, params=dict(PARAMETERS))
            booster = lightgbm.train(dict(PARAMETERS), dataset)
            text = booster.model_to_string()
            version = hashlib.sha256(text.encode()).hexdigest()[:16]
            models.append(
                {
                    "model_version": version,
                    "model": text,
                    "parameters": json.dumps(PARAMETERS),
                    "features": booster.feature_name(),
                    "training_rows": len(training),
                    "month": month,
                }
            )
        with phases.phase("predictions"):
            rows = db.execute("SELECT * FROM delay_features WHERE month = $month", {"month": month}).df()
            probability = booster.predict(frame(rows, levels))
            db.register("predicted", pd.DataFrame({"flight_id": rows.flight_id, "probability_late": probability}))
            db.execute("INSERT INTO predictions SELECT *, $1, $2, $1 FROM predicted", [month, version])
        with phases.phase("evaluation"):
            rows = db.execute(EVALUATED, {"month": month}).df()
            route_hour = rows.route_hour_late_share.fillna(training.is_late.mean()).to_numpy()
            narrow = frame(training, levels, "float32")
            logistic = logistic_regression(narrow, training.is_late, frame(rows, levels, "float32"))
            evaluations.append(evaluate(month, rows, route_hour, logistic))
    for name, rows in ("delay_model", pd.DataFrame(models)), ("evaluation", pd.DataFrame(evaluations)):
        db.register("made", rows)
        db.execute(f"CREATE TABLE {name} AS FROM made")
    pooled = db.sql("SELECT is_late, probability_late FROM predictions JOIN delay_features USING (flight_id)").df()
    pooled = pooled.dropna()
    return float(roc_auc_score(pooled.is_late.astype(bool), pooled.probability_late))


def run(landing: Path, out: Path, months: Sequence[str], *, with_model: bool) -> dict[str, object]:
    """Make every table and write it to OUT; what it took and what came out."""
    phases = Phases()
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    facts: dict[str, object] = {}
    with phases.phase("raw"):
        read_files(db, landing, months)
    with phases.phase("features"):
        for name, sql in FEATURES.items():
            db.execute(f"CREATE TABLE {name} AS {sql}")
        keys, flights = db.sql("SELECT count(DISTINCT flight_id), count(*) FROM flights").fetchall()[0]
        if keys != flights:
            raise SystemExit(f"{flights - keys} flights are delivered twice")
    if with_model:
        facts["pooled_roc_auc"] = model_tables(db, phases)
        facts["roc_auc"] = dict(db.sql("SELECT month, roc_auc FROM evaluation ORDER BY month").fetchall())
    with phases.phase("marts"):
        for name, sql in (
            MARTS.items() if not with_model else [*MARTS.items(), ("prediction_quality", PREDICTION_QUALITY)]
        ):
            db.execute(f"CREATE TABLE {name} AS {sql}")
    with phases.phase("write"):
        facts["rows"] = write(db, out, months)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = {**phases.seconds, "total": round(sum(phases.seconds.values()), 3)}
    return {"seconds": seconds, **facts, "peak_memory_mb": peak // (2**20 if sys.platform == "darwin" else 2**10)}


def write(db: duckdb.DuckDBPyConnection, out: Path, months: Sequence[str]) -> dict[str, int]:
    """One Parquet file for each table, a month each for monthly ones; returns the rows by table."""
    rows = {}
    out.mkdir(parents=True, exist_ok=True)
    for (name,) in db.sql("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall():
        monthly = "month" in db.table(name).columns and name not in MARTS
        wanted = f"SELECT * FROM {name} WHERE month IN ({', '.join('?' * len(months))})" if monthly else f"FROM {name}"
        options = "FORMAT parquet, COMPRESSION snappy" + (
            ", PARTITION_BY (month), OVERWRITE_OR_IGNORE" if monthly else ""
        )
        target = out / (name if monthly else f"{name}.parquet")
        (rows[name],) = db.execute(
            f"COPY ({wanted}) TO '{target}' ({options})", list(months) if monthly else []
        ).fetchall()[0]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("landing", type=Path, help="folder of the delivered files")
    parser.add_argument("out", type=Path, help="folder for the Parquet files")
    parser.add_argument("--months", nargs="+", default=[f"2013-{month:02d}" for month in range(1, 13)])
    parser.add_argument("--without-model", action="store_true")
    asked = parser.parse_args()
    print(json.dumps(run(asked.landing, asked.out, asked.months, with_model=not asked.without_model), indent=2))


if __name__ == "__main__":
    main()

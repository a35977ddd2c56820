"""A real January and February as the model sees them, from the plain script and not from the transforms under test."""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.benchmarks import plain_script

from flights.model.delay_model import delay_model, training_rows
from flights.publisher import deliveries
from taxiway.testing import run_transform

MONTH = "2013-02"
QUICK = {"trees": 20, "model_threads": 1, "first_model_month": MONTH}


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> dict[str, pa.Table]:
    """`feature_flights` and `feature_delay_features` of January and February."""
    landing = tmp_path_factory.mktemp("landing")
    months = ["2013-01", MONTH]
    for name, data in deliveries(months):
        (landing / name).write_bytes(data)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        plain_script.read_files(db, landing, months)
        for name, sql in plain_script.FEATURES.items():
            db.execute(f"CREATE TABLE {name} AS {sql}")
        return {f"feature_{name}": db.table(name).to_arrow_table() for name in ("flights", "delay_features")}


@pytest.fixture(scope="session")
def training(tables: dict[str, pa.Table]) -> pa.Table:
    """What February's model may see, in one order, so that a slice of it is the same every time."""
    rows = run_transform(training_rows, tables, {"partition": MONTH})
    return rows.sort_by([("decision_at", "ascending"), ("flight_id", "ascending")])


@pytest.fixture(scope="session")
def model(training: pa.Table) -> pa.Table:
    """February's model, with few trees."""
    return delay_model(training, partition=MONTH, **QUICK)


@pytest.fixture(scope="session")
def february(tables: dict[str, pa.Table]) -> pa.Table:
    """The features of February."""
    features = tables["feature_delay_features"]
    return features.filter(pc.field("month") == MONTH)

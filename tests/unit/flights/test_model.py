"""The model of late arrivals: what it may see, and that same means same to the bit."""

import ctypes
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from flights.features.delay_features import table as delay_features
from flights.model import late_model
from flights.model.delay_model import DelayModel, delay_model, training_rows
from flights.model.figures import model_figures
from flights.model.predictions import Predictions, flights_to_score, model_in_force, predictions, score
from taxiway.contracts import compile_contract
from taxiway.testing import run_transform

MONTH = "2013-02"
QUICK = {"trees": 20, "model_threads": 1, "first_model_month": MONTH}
THREADS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# Midnight of 1 February in New York, less the two hours between decision and departure.
CUT = datetime(2013, 2, 1, 5, tzinfo=UTC) - timedelta(hours=2)


def scored(rows: pa.Table | pa.RecordBatch, model: pa.Table) -> pa.Table:
    (row,) = model.to_pylist()
    return score(rows, row["model"], row["model_version"], row["month"])


def test_the_tests_threads_that_wait_sleep_soon(capfd: pytest.CaptureFixture[str]):
    """OpenMP read the settings when it loaded, in this process too, whose tests import LightGBM themselves."""
    ctypes.CDLL("libgomp.so.1").omp_display_env(1)
    said = capfd.readouterr().err
    for name in THREADS:
        assert f"{name} = '{os.environ[name].upper()}'" in said


def test_a_models_threads_that_wait_sleep_soon(model: pa.Table, tmp_path: Path):
    (row,) = model.to_pylist()
    (tmp_path / "model").write_text(row["model"])
    code = (
        "import ctypes, pathlib, sys; from flights.model import late_model; "
        "late_model.load(pathlib.Path(sys.argv[1]).read_text()); ctypes.CDLL('libgomp.so.1').omp_display_env(1)"
    )
    env = {name: value for name, value in os.environ.items() if name not in THREADS}
    command = [sys.executable, "-c", code, tmp_path / "model"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=True).stderr
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in said
    assert "GOMP_SPINCOUNT = '1000'" in said


def bits(rows: pa.Table) -> list[int]:
    return rows["probability_late"].to_numpy().view(np.int64).tolist()


def test_the_features_are_all_that_is_known_at_the_decision():
    columns = delay_features.rules.columns
    known = {name for name, c in columns.items() if c.known_at in (None, "feature/flights.decision_at")}
    assert set(late_model.FEATURES) == known - {"flight_id", "decision_at", "month"}


def test_training_sees_exactly_the_flights_that_had_arrived(training, tables):
    flights = tables["feature_flights"].select(["flight_id", "arrived_at"]).to_pylist()
    arrived = {row["flight_id"] for row in flights if row["arrived_at"] is not None and row["arrived_at"] <= CUT}
    assert sorted(training["flight_id"].to_pylist()) == sorted(arrived)
    in_january = [
        row for row in flights if row["flight_id"].endswith(tuple(f"2013-01-{day:02d}" for day in range(1, 32)))
    ]
    assert 26_000 < len(arrived) < len(in_january)


def test_training_at_the_first_possible_decision_is_closed(tables):
    flights = tables["feature_flights"]
    one = flights.filter(pc.field("arrived_at").is_valid()).slice(0, 3)
    moments = [CUT, CUT + timedelta(microseconds=1), None]
    column = one.schema.get_field_index("arrived_at")
    one = one.set_column(column, "arrived_at", pa.array(moments, one.schema.field(column).type))
    seen = run_transform(training_rows, tables | {"feature_flights": one}, {"partition": MONTH})
    assert seen["flight_id"].to_pylist() == one["flight_id"].to_pylist()[:1]


def test_same_rows_in_any_order_give_the_same_bytes(training, model):
    shuffled = training.take(np.random.default_rng(7).permutation(training.num_rows))
    assert delay_model(shuffled, partition=MONTH, **QUICK).equals(model)


def test_other_rows_give_another_model(training, model):
    fewer = delay_model(training.slice(0, training.num_rows - 500), partition=MONTH, **QUICK)
    assert fewer["model_version"] != model["model_version"]


def test_the_model_row_says_what_made_it(training, model):
    assert model.schema.equals(compile_contract(DelayModel).schema)
    (row,) = model.to_pylist()
    assert row["training_rows"] == training.num_rows
    assert row["features"] == list(late_model.FEATURES)
    assert row["month"] == MONTH
    parameters = json.loads(row["parameters"])
    assert (parameters["num_iterations"], parameters["num_leaves"], parameters["deterministic"]) == (20, 63, True)
    assert model_figures(model)["feature_importance"].startswith(b"\x89PNG")


@pytest.mark.parametrize("month", ["2013-01", "2012-12"])
def test_there_is_no_model_before_the_first_model_month(training, month):
    assert delay_model(training, partition=month, **QUICK).num_rows == 0


def test_there_is_no_model_without_a_past(training):
    nothing = training.slice(0, 0)
    assert delay_model(nothing, partition=MONTH, **QUICK).equals(compile_contract(DelayModel).schema.empty_table())


def test_every_flight_is_scored_cancelled_ones_too(tables, february, model):
    rows = run_transform(flights_to_score, {"feature_delay_features": february})
    models = run_transform(model_in_force, {"model_delay_model": model})
    result = predictions(rows, models)
    assert result.schema.equals(compile_contract(Predictions).schema)
    assert sorted(result["flight_id"].to_pylist()) == sorted(february["flight_id"].to_pylist())
    assert result.num_rows == 24_951
    assert result["probability_late"].null_count == 0
    assert set(result["model_version"].to_pylist()) == set(model["model_version"].to_pylist())


def test_there_are_no_predictions_without_a_model(february, model):
    assert predictions(february, model.slice(0, 0)).num_rows == 0


def test_one_row_and_any_batch_give_the_same_bits(february, model):
    whole = bits(scored(february, model))
    rows = february.slice(0, 600)
    assert [bit for start in range(200) for bit in bits(scored(rows.slice(start, 1), model))] == whole[:200]
    batches = rows.combine_chunks().to_batches(max_chunksize=97)
    assert len(batches) > 1
    assert [bit for batch in batches for bit in bits(scored(batch, model))] == whole[:600]


def test_a_model_loaded_again_gives_the_same_bits(february, model):
    before = bits(scored(february, model))
    late_model.load.cache_clear()
    assert bits(scored(february, model)) == before


def test_no_rows_have_no_probabilities(february, model):
    assert scored(february.slice(0, 0), model).num_rows == 0


@pytest.mark.parametrize("name", late_model.CATEGORIES)
def test_an_unknown_category_counts_as_missing(february, model, name):
    rows = february.slice(0, 500)
    column = rows.schema.get_field_index(name)
    unknown = rows.set_column(column, name, pa.repeat("??", 500))
    missing = rows.set_column(column, name, pa.nulls(500, pa.string()))
    assert bits(scored(unknown, model)) == bits(scored(missing, model))
    assert bits(scored(unknown, model)) != bits(scored(rows, model))


def test_codes_do_not_depend_on_which_categories_a_batch_holds(february, model):
    rows = february.slice(0, 500)
    expected = dict(zip(rows["flight_id"].to_pylist(), bits(scored(rows, model)), strict=True))
    united = rows.filter(pc.field("carrier") == "UA")
    assert 0 < united.num_rows < 500
    result = scored(united, model)
    assert dict(zip(result["flight_id"].to_pylist(), bits(result), strict=True)) == {
        flight: expected[flight] for flight in united["flight_id"].to_pylist()
    }

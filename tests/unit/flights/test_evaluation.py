"""The evaluation: its numbers against naive ones, and baselines that know no more than the decision did."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from flights.model.baselines import logistic_regression
from flights.model.evaluation import Evaluation, calibration, evaluation, predicted_flights, roc_curve, scores
from flights.model.figures import evaluation_figures
from flights.model.predictions import predictions
from taxiway.contracts import compile_contract
from taxiway.testing import run_transform

MONTH = "2013-02"


@pytest.fixture(scope="module")
def rows(tables, february, model) -> pa.Table:
    inputs = tables | {"model_predictions": predictions(february, model)}
    return run_transform(predicted_flights, inputs)


@pytest.fixture(scope="module")
def evaluated(rows, training) -> pa.Table:
    return evaluation(rows, training.slice(0, 8000), partition=MONTH)


def test_every_flight_with_a_known_arrival_is_evaluated(rows, february):
    known = {row["flight_id"] for row in february.to_pylist() if row["is_late"] is not None}
    assert sorted(rows["flight_id"].to_pylist()) == sorted(known)


def test_the_routes_share_counts_what_had_arrived_by_the_decision(rows, tables):
    flights = tables["feature_flights"].to_pylist()
    shares = dict(zip(rows["flight_id"].to_pylist(), rows["route_hour_late_share"].to_pylist(), strict=True))
    asked = [flight for flight in flights if flight["flight_id"] in shares][::400]
    assert len(asked) > 50
    for flight in asked:
        late = [
            other["arr_delay_min"] >= 15
            for other in flights
            if other["arrived_at"] is not None
            and other["arrived_at"] <= flight["decision_at"]
            and all(other[name] == flight[name] for name in ("origin", "dest", "scheduled_hour"))
        ]
        assert shares[flight["flight_id"]] == (sum(late) / len(late) if late else None)


def test_the_evaluation_keeps_its_contract_and_repeats_to_the_bit(evaluated, rows, training):
    assert evaluated.schema.equals(compile_contract(Evaluation).schema)
    shuffled = rows.take(np.random.default_rng(3).permutation(rows.num_rows))
    assert evaluation(shuffled, training.slice(0, 8000), partition=MONTH).equals(evaluated)


def test_the_model_beats_both_baselines_on_real_flights(evaluated):
    (row,) = evaluated.to_pylist()
    assert row["flights"] == 23_611
    assert row["roc_auc"] > row["logistic_roc_auc"] > 0.6
    assert row["roc_auc"] > row["route_hour_roc_auc"] > 0.5


def test_nothing_predicted_is_not_evaluated(rows, training):
    assert evaluation(rows.slice(0, 0), training, partition=MONTH).num_rows == 0


def test_scores_against_naive_ones(rows):
    sample = rows.slice(0, 400)
    late, probability = sample["is_late"].to_numpy(), sample["probability_late"].to_numpy()
    found = scores(late, probability)
    pairs = [(p > q) + (p == q) / 2 for p in probability[late] for q in probability[~late]]
    assert found["roc_auc"] == pytest.approx(sum(pairs) / len(pairs))
    assert found["brier_score"] == pytest.approx(
        sum((p - y) ** 2 for p, y in zip(probability, late, strict=True)) / 400
    )
    losses = [-np.log(p if y else 1 - p) for p, y in zip(probability, late, strict=True)]
    assert found["log_loss"] == pytest.approx(sum(losses) / 400)


@pytest.mark.parametrize("late", [True, False])
def test_there_is_no_auc_of_one_class(late):
    assert scores(np.full(5, late), np.linspace(0.1, 0.9, 5))["roc_auc"] is None


@pytest.mark.parametrize("count", [3, 10, 17, 4001])
def test_deciles_hold_every_flight_once(rows, count):
    late, probability = rows["is_late"].to_numpy()[:count], rows["probability_late"].to_numpy()[:count]
    found = calibration(late, probability)
    means = found["calibration_mean_probability"]
    assert means == sorted(means)
    assert len(means) == len(found["calibration_late_share"]) == min(count, 10)
    sizes = [len(part) for part in np.array_split(np.arange(count), 10) if len(part)]
    assert np.average(found["calibration_late_share"], weights=sizes) == pytest.approx(late.mean())


def test_the_area_under_the_curve_is_the_auc(rows):
    late, probability = rows["is_late"].to_numpy(), rows["probability_late"].to_numpy()
    curve = roc_curve(late, probability)
    area = np.trapezoid(curve["roc_caught_share"], curve["roc_false_alarm_share"])
    assert area == pytest.approx(scores(late, probability)["roc_auc"], abs=0.002)
    assert (curve["roc_caught_share"][0], curve["roc_caught_share"][-1]) == (0.0, 1.0)


def test_a_logistic_regression_takes_categories_it_has_not_seen(training, february):
    rows = february.slice(0, 50)
    column = rows.schema.get_field_index("dest")
    unknown = rows.set_column(column, "dest", pa.repeat("???", 50))
    probability = logistic_regression(training.slice(0, 8000), unknown)
    assert ((probability > 0) & (probability < 1)).all()


@pytest.mark.parametrize("late", [True, False])
def test_a_past_of_one_class_foretells_that_class(training, february, late):
    alike = training.filter(pc.field("is_late") == late)
    assert logistic_regression(alike, february.slice(0, 3)).tolist() == [float(late)] * 3


def test_the_pictures_are_png(evaluated):
    pictures = evaluation_figures(evaluated)
    assert sorted(pictures) == ["calibration", "roc_curve"]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())

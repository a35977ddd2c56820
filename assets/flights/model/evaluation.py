"""model/evaluation: how good each month's predictions were, beside what they have to beat."""

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _

from flights.model.baselines import REACH, baseline_training_rows, logistic_regression, route_hour_share
from flights.model.figures import evaluation_figures
from flights.model.late_model import FEATURES, LABEL
from taxiway import contracts
from taxiway.contracts import Contract, Float64, FloatList, Int64, Text, column, compile_contract
from taxiway.tables import Table
from taxiway.transforms import arrow_transform, transform

DECILES = 10
ROC_POINTS = 101


class Evaluation(Contract):
    """How good a month's predictions were, on its flights of which it is known whether they were late.

    An ROC AUC is null where all flights were late or none was.
    """

    flights: Int64 = column("Flights with a prediction and a known arrival", unit="flights", ge=1)
    roc_auc: Float64 = column("Area under the ROC curve of the predictions", nullable=True, ge=0, le=1)
    log_loss: Float64 = column("Mean logarithmic loss of the predictions", unit="nats", ge=0)
    brier_score: Float64 = column("Mean squared error of the predictions", ge=0, le=1)
    late_share: Float64 = column("Share of the flights that were late", unit="share", ge=0, le=1)
    mean_probability: Float64 = column("Mean predicted probability", unit="share", ge=0, le=1)
    calibration_mean_probability: FloatList = column("Mean predicted probability in each decile of it", unit="share")
    calibration_late_share: FloatList = column("Share of late flights in each decile", unit="share")
    roc_false_alarm_share: FloatList = column("Along the ROC curve: flights in time that are flagged", unit="share")
    roc_caught_share: FloatList = column("Along the ROC curve: late flights that are flagged", unit="share")
    route_hour_roc_auc: Float64 = column(
        "Baseline: the route's late share at that hour so far", nullable=True, ge=0, le=1
    )
    route_hour_brier_score: Float64 = column("The same baseline", ge=0, le=1)
    logistic_roc_auc: Float64 = column("Baseline: logistic regression, same features", nullable=True, ge=0, le=1)
    logistic_brier_score: Float64 = column("The same baseline", ge=0, le=1)
    month: Text = column("Month of the schedule in New York", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        """One row a month."""

        unique = ["month"]
        metadata = contracts.table(grain="month", volume=contracts.Volume(allow_empty=True))


@transform(reach=REACH)
def predicted_flights(
    model_predictions: ir.Table,
    feature_delay_features: ir.Table,
    feature_flights: ir.Table,
    late_min: int = 15,
) -> ir.Table:
    """The month's flights with a known arrival: prediction, label, features and the route's share."""
    known = feature_delay_features.filter(_[LABEL].notnull()).select("flight_id", *FEATURES, LABEL)
    predicted = model_predictions.select("flight_id", "probability_late")
    shares = route_hour_share(feature_flights, feature_flights.semi_join(predicted, "flight_id"), late_min)
    return predicted.inner_join(known, "flight_id").inner_join(shares, "flight_id")


@arrow_transform(
    prepare={"rows": predicted_flights, "training": baseline_training_rows},
    libraries=("scikit-learn", "numpy"),
)
def evaluation(rows: pa.Table, training: pa.Table, *, partition: str = "") -> pa.Table:
    """The month's evaluation, one row; none where nothing was predicted."""
    schema = compile_contract(Evaluation).schema
    if rows.num_rows == 0:
        return schema.empty_table()
    rows = rows.sort_by("flight_id")
    training = training.sort_by([("decision_at", "ascending"), ("flight_id", "ascending")])
    late = rows[LABEL].to_numpy()
    probability = rows["probability_late"].to_numpy()
    usual = training[LABEL].to_numpy().mean()
    route_hour = rows["route_hour_late_share"].fill_null(usual).to_numpy()
    logistic = logistic_regression(training, rows)
    row = {
        "flights": rows.num_rows,
        **scores(late, probability),
        "late_share": late.mean(),
        "mean_probability": probability.mean(),
        **calibration(late, probability),
        **roc_curve(late, probability),
        **{f"route_hour_{name}": value for name, value in scores(late, route_hour).items() if name != "log_loss"},
        **{f"logistic_{name}": value for name, value in scores(late, logistic).items() if name != "log_loss"},
        "month": partition,
    }
    return pa.Table.from_pylist([row], schema=schema)


def scores(late: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """`roc_auc` (None where there is one class only), `log_loss` in nats and `brier_score`."""
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    both = late.any() and not late.all()
    return {
        "roc_auc": float(roc_auc_score(late, probability)) if both else None,
        "log_loss": float(log_loss(late, probability, labels=[False, True])),
        "brier_score": float(brier_score_loss(late, probability, pos_label=True)),
    }


def calibration(late: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """Mean probability and late share in tenths of the flights, from the least likely to the likeliest."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, DECILES) if part.size]
    return {
        "calibration_mean_probability": [float(probability[part].mean()) for part in parts],
        "calibration_late_share": [float(late[part].mean()) for part in parts],
    }


def roc_curve(late: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """The ROC curve at evenly spaced ranks of the flights, from the likeliest to be late on."""
    order = np.argsort(-probability, kind="stable")
    ranks = np.linspace(0, late.size, ROC_POINTS).round().astype(int)
    caught = np.concatenate([[0], np.cumsum(late[order])])[ranks]
    flagged = ranks - caught
    return {
        "roc_false_alarm_share": (flagged / max(late.size - late.sum(), 1)).tolist(),
        "roc_caught_share": (caught / max(late.sum(), 1)).tolist(),
    }


table = Table("model/evaluation", contract=Evaluation, transform=evaluation, figures=evaluation_figures)

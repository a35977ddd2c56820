"""Pictures of published rows as PNG: of an evaluation and of a model."""

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flights.model.late_model import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_FEATURES = 20


def evaluation_figures(rows: pa.Table) -> dict[str, bytes]:
    """`roc_curve` and `calibration` of a month's evaluation; nothing where it has no row."""
    return {name: draw(row) for row in rows.to_pylist() for name, draw in _EVALUATION.items()}


def model_figures(rows: pa.Table) -> dict[str, bytes]:
    """`feature_importance` of a month's model; nothing where it has no row."""
    return {name: draw(row) for row in rows.to_pylist() for name, draw in _MODEL.items()}


def _roc_curve(row: dict[str, Any]) -> bytes:
    figure = _figure(f"ROC curve, {row['month']}")
    axes = figure.subplots()
    axes.plot(row["roc_false_alarm_share"], row["roc_caught_share"], label=_auc("model", row["roc_auc"]))
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.set_xlabel("share of the flights in time that are flagged")
    axes.set_ylabel("share of the late flights that are flagged")
    baselines = [_auc(name.replace("_", " "), row[f"{name}_roc_auc"]) for name in ("route_hour", "logistic")]
    axes.legend(loc="lower right", title="\n".join(["baselines:", *baselines]))
    return _png(figure)


def _calibration(row: dict[str, Any]) -> bytes:
    figure = _figure(f"Calibration by decile, {row['month']}")
    axes = figure.subplots()
    axes.plot(row["calibration_mean_probability"], row["calibration_late_share"], marker="o", label="model")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    axes.set_xlabel("mean predicted probability")
    axes.set_ylabel("share of late flights")
    axes.legend(loc="upper left")
    return _png(figure)


def _feature_importance(row: dict[str, Any]) -> bytes:
    greatest = list(load(row["model"]).importance().items())[:SHOWN_FEATURES]
    names, gains = zip(*reversed(greatest), strict=True)
    figure = _figure(f"Feature importance, {row['month']}")
    axes = figure.subplots()
    axes.barh(names, gains)
    axes.set_xlabel("gain over all trees")
    return _png(figure)


_EVALUATION = {"roc_curve": _roc_curve, "calibration": _calibration}
_MODEL = {"feature_importance": _feature_importance}


def _auc(name: str, value: float | None) -> str:
    return name if value is None else f"{name} (AUC {value:.3f})"


def _figure(title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    figure.suptitle(title)
    return figure


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()

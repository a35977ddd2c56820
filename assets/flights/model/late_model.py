"""The LightGBM model of late arrivals: fit it, load it, ask it. Arrow in, numbers out; no tables, no engine.

A model is its text alone: the text holds the categories it was trained with, so the same text gives the
same bits for one row, for a batch, and in another process.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import lightgbm

CATEGORIES = ("carrier", "origin", "dest")
NUMBERS = (
    "distance_mi",
    "scheduled_hour",
    "scheduled_weekday",
    "scheduled_duration_min",
    "aircraft_seats",
    "aircraft_age_years",
    "origin_departures_1h",
    "origin_mean_dep_delay_1h_min",
    "origin_departures_3h",
    "origin_mean_dep_delay_3h_min",
    "carrier_departures_24h",
    "carrier_mean_dep_delay_24h_min",
    "route_arrivals_30d",
    "route_mean_arr_delay_30d_min",
    "route_late_share_30d",
    "temperature_f",
    "wind_speed_mph",
    "wind_gust_mph",
    "precipitation_in",
    "visibility_mi",
    "pressure_mbar",
    "observation_age_min",
    "aircraft_last_arr_delay_min",
    "aircraft_since_last_departure_min",
    "scheduled_departures_same_hour",
    "scheduled_departures_previous_hour",
)
FEATURES = CATEGORIES + NUMBERS
LABEL = "is_late"


@dataclass(frozen=True)
class LateModel:
    """A trained model and the categories it knows, in the order of their codes."""

    booster: "lightgbm.Booster"
    categories: Mapping[str, pa.Array]

    def probabilities(self, rows: pa.Table | pa.RecordBatch) -> np.ndarray:
        """The probability of arriving late for each row, in their order; rows need the FEATURES.

        A category that the model has not seen counts as missing.
        """
        if rows.num_rows == 0:
            return np.empty(0)
        return np.asarray(self.booster.predict(matrix(rows, self.categories)))

    def importance(self) -> dict[str, float]:
        """The gain of each feature over all trees, greatest first."""
        gains = dict(zip(FEATURES, self.booster.feature_importance("gain").tolist(), strict=True))
        return dict(sorted(gains.items(), key=lambda item: -item[1]))


def fit(rows: pa.Table, parameters: Mapping[str, Any]) -> str:
    """The text of a model trained on the rows, which need the FEATURES and the LABEL.

    Same rows in the same order and same LightGBM `parameters` (with `num_iterations`) give the same bytes.
    """
    lightgbm = _lightgbm()
    frame = rows.select(FEATURES).to_pandas()
    # A pandas categorical is what makes LightGBM write the categories into the model's text.
    frame = frame.astype(dict.fromkeys(CATEGORIES, "category") | dict.fromkeys(NUMBERS, "float64"))
    label = rows[LABEL].to_numpy()
    dataset = lightgbm.Dataset(frame, label=label, params=dict(parameters), free_raw_data=True)
    return lightgbm.train(dict(parameters), dataset).model_to_string()


@lru_cache(maxsize=16)
def load(text: str) -> LateModel:
    """The model that `fit` wrote; kept in memory, since one is asked many times."""
    booster = _lightgbm().Booster(model_str=text)
    known = zip(CATEGORIES, booster.pandas_categorical or (), strict=True)
    return LateModel(booster, {name: pa.array(values, pa.string()) for name, values in known})


def matrix(rows: pa.Table | pa.RecordBatch, categories: Mapping[str, pa.Array], dtype: Any = np.float64) -> np.ndarray:
    """The FEATURES in their order: of a category its index among the known ones, a number as it is, NaN where unknown.

    LightGBM wants doubles.
    """
    codes = [
        pc.call_function("index_in", [rows.column(name)], pc.SetLookupOptions(value_set=categories[name]))
        for name in CATEGORIES
    ]
    columns = codes + [rows.column(name) for name in NUMBERS]
    found = np.empty((rows.num_rows, len(FEATURES)), dtype)
    for index, column in enumerate(columns):
        found[:, index] = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    return found


def let_threads_sleep() -> None:
    """Have the threads of LightGBM sleep soon while they wait; to be called before anything loads OpenMP.

    Two that spin while they wait train for minutes where other processes have the cores, not for seconds. Threads that
    sleep at once are half as fast on a quiet machine. What the environment says already stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _lightgbm() -> Any:
    let_threads_sleep()
    import lightgbm

    return lightgbm

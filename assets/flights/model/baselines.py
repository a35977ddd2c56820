"""What the model has to beat on the same flights: the route's own past, and a logistic regression."""

import dataclasses

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from flights.model.delay_model import training_rows
from flights.model.late_model import CATEGORIES, FEATURES, LABEL, matrix
from taxiway.transforms import History

# Every prepare of one table reads an input with the same reach; the cut in `training_rows` keeps its own month out.
REACH = {"feature_delay_features": History(own=True), "feature_flights": History(own=True)}
baseline_training_rows = dataclasses.replace(training_rows, reach=REACH)


def route_hour_share(flights: ir.Table, asked: ir.Table, late_min: int) -> ir.Table:
    """For each of the flights `asked` the share of late ones among all of `flights` that had arrived by its
    decision, of the same route and scheduled hour; null where none had."""
    by = ("origin", "dest", "scheduled_hour")
    arrived = flights.filter(_.arrived_at.notnull())
    late = (_.arr_delay_min >= late_min).cast("int64")
    arrivals = arrived.select(*by, moment=_.arrived_at, late=late, flight_id=ibis.null("string"))
    decisions = asked.select(*by, moment=_.decision_at, late=ibis.null("int64"), flight_id=_.flight_id)
    so_far = ibis.range_window(group_by=by, order_by="moment", preceding=None, following=0)
    shares = ibis.union(arrivals, decisions).select(
        "flight_id", late_so_far=_.late.sum().over(so_far), arrived_so_far=_.late.count().over(so_far)
    )
    answered = shares.filter(_.flight_id.notnull())
    return answered.select("flight_id", route_hour_late_share=_.late_so_far / _.arrived_so_far.nullif(0))


def logistic_regression(training: pa.Table, rows: pa.Table) -> np.ndarray:
    """The probability of arriving late for each of the rows, by a logistic regression fitted to `training`.

    Categories are one-hot, numbers standardised, missing ones the median with an indicator of their own.
    Where all of `training` were late or none was, there is nothing to fit: the probability is 1 or 0.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from threadpoolctl import threadpool_limits

    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)  # pyright: ignore[reportArgumentType]
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    width = len(CATEGORIES)
    features = make_column_transformer((categories, slice(width)), (numbers, slice(width, len(FEATURES))))
    model = make_pipeline(features, LogisticRegression(solver="newton-cholesky"))
    late = training[LABEL].to_numpy()
    if late.all() or not late.any():
        return np.full(rows.num_rows, late.mean())
    known = {name: pc.call_function("unique", [training[name]]).sort() for name in CATEGORIES}
    # On one thread sums have one order, and no thread spins while another process has its core.
    with threadpool_limits(1):
        # Codes instead of a frame with a text for each category: the year's flights are as large as they get here.
        model.fit(matrix(training, known, np.float32), late)
        return model.predict_proba(matrix(rows, known, np.float32))[:, 1]

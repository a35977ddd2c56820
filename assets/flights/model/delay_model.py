"""model/delay_model: the model in force during each month, trained on what was known before it began."""

import hashlib
import json

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from flights.model.figures import model_figures
from flights.model.late_model import FEATURES, LABEL, fit
from taxiway import contracts
from taxiway.contracts import Contract, Int64, Text, TextList, column, compile_contract
from taxiway.tables import Table
from taxiway.transforms import History, arrow_transform, transform
from taxiway.transforms.library.clock import instant_of


class DelayModel(Contract):
    """The model that predicts late arrivals during a month; months before the first model month have none."""

    model_version: Text = column("Digest of the model's text", str_matches=r"^[0-9a-f]{16}$")
    model: Text = column("The LightGBM booster as text, its categories included")
    parameters: Text = column("What LightGBM was given, as JSON")
    features: TextList = column("Names of the features in the order of the model")
    training_rows: Int64 = column("Flights it was trained on", unit="flights", ge=1)
    month: Text = column("Month in which the model is in force", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        """One model a month."""

        unique = ["month"]
        metadata = contracts.table(grain="month", volume=contracts.Volume(allow_empty=True))


@transform(reach={"feature_delay_features": History(), "feature_flights": History()})
def training_rows(
    feature_delay_features: ir.Table,
    feature_flights: ir.Table,
    partition: str = "",
    zone: str = "America/New_York",
    decision_hours: int = 2,
) -> ir.Table:
    """Earlier flights that had arrived when the first decision of the month may have to be made."""
    month_begins = instant_of(ibis.literal(f"{partition}-01").cast("timestamp"), zone)
    arrived = feature_flights.filter(_.arrived_at + ibis.interval(hours=decision_hours) <= month_begins)
    known = feature_delay_features.filter(_[LABEL].notnull())
    return known.semi_join(arrived, "flight_id").select("flight_id", "decision_at", *FEATURES, LABEL)


@arrow_transform(prepare=training_rows, libraries=("lightgbm", "numpy", "pandas"))
def delay_model(
    rows: pa.Table,
    *,
    partition: str = "",
    first_model_month: str = "2013-07",
    trees: int = 150,
    learning_rate: float = 0.08,
    leaves: int = 63,
    rows_per_leaf: int = 100,
    model_threads: int = 2,
    model_seed: int = 1,
) -> pa.Table:
    """The month's model, one row or none: same rows, in whatever order, give the same bytes."""
    schema = compile_contract(DelayModel).schema
    if partition < first_model_month or rows.num_rows == 0:
        return schema.empty_table()
    parameters = {
        "objective": "binary",
        "num_iterations": trees,
        "learning_rate": learning_rate,
        "num_leaves": leaves,
        "min_data_in_leaf": rows_per_leaf,
        # The bytes depend on how many threads share the sums, so the number is a constant of the business.
        "num_threads": model_threads,
        "deterministic": True,
        "force_row_wise": True,
        "seed": model_seed,
        "verbosity": -1,
    }
    text = fit(rows.sort_by([("decision_at", "ascending"), ("flight_id", "ascending")]), parameters)
    row = {
        "model_version": hashlib.sha256(text.encode()).hexdigest()[:16],
        "model": text,
        "parameters": json.dumps(parameters, sort_keys=True),
        "features": list(FEATURES),
        "training_rows": rows.num_rows,
        "month": partition,
    }
    return pa.Table.from_pylist([row], schema=schema)


table = Table("model/delay_model", contract=DelayModel, transform=delay_model, figures=model_figures)

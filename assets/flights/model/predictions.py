"""model/predictions: how likely each flight of a month was to be late, as its model said at the decision."""

import ibis.expr.types as ir
import pyarrow as pa

from flights.model.late_model import FEATURES, load
from taxiway import contracts
from taxiway.contracts import Contract, Float64, Text, column, compile_contract
from taxiway.tables import Table
from taxiway.transforms import batch_transform, transform


class Predictions(Contract):
    """One prediction for each flight, cancelled ones too; months without a model have none."""

    flight_id: Text = column("The flight, e.g. UA-1545-EWR-IAH-2013-07-01")
    probability_late: Float64 = column("Probability of arriving 15 minutes late or more", unit="share", ge=0, le=1)
    model_month: Text = column("Month of the model that was asked", str_matches=r"^\d{4}-\d{2}$")
    model_version: Text = column("Digest of that model", str_matches=r"^[0-9a-f]{16}$")
    month: Text = column("Month of the schedule in New York", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        """One row for each flight."""

        unique = ["flight_id"]
        metadata = contracts.table(grain="month", volume=contracts.Volume(allow_empty=True), key_within_partition=True)


@transform
def flights_to_score(feature_delay_features: ir.Table) -> ir.Table:
    """What the model may see of each flight of the month."""
    return feature_delay_features.select("flight_id", *FEATURES, "month")


@transform
def model_in_force(model_delay_model: ir.Table) -> ir.Table:
    """The month's model, one row or none."""
    return model_delay_model.select("model", "model_version", "month")


@batch_transform(prepare={"rows": flights_to_score, "models": model_in_force}, libraries=("lightgbm", "numpy"))
def predictions(rows: pa.Table, models: pa.Table) -> pa.Table:
    """A prediction for each of the rows; none where no model is in force."""
    if models.num_rows == 0:
        return compile_contract(Predictions).schema.empty_table()
    model = models.to_pylist()[0]
    return score(rows, model["model"], model["model_version"], model["month"])


def score(rows: pa.Table | pa.RecordBatch, model: str, model_version: str, model_month: str) -> pa.Table:
    """The predictions for the rows, in their order, by the model with this text.

    A row gets the same bits alone, in any batch and in any process.
    """
    return pa.table(
        {
            "flight_id": rows.column("flight_id"),
            "probability_late": load(model).probabilities(rows),
            "model_month": pa.repeat(model_month, rows.num_rows),
            "model_version": pa.repeat(model_version, rows.num_rows),
            "month": rows.column("month"),
        },
        schema=compile_contract(Predictions).schema,
    )


table = Table("model/predictions", contract=Predictions, transform=predictions)

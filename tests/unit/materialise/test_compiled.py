"""What a table compiles to: its parameters bound, or a refusal that says what does not fit."""

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.working import with_table

from taxiway.contracts import Contract, Int64, Text, column, table
from taxiway.errors import DefinitionError
from taxiway.materialise import Workspace
from taxiway.materialise.compiled import compile_table
from taxiway.tables import Table
from taxiway.transforms import ArrowTransform, arrow_transform, transform

AT = "feature/high_readings"


class HighReadings(Contract):
    """How many readings of a month were high."""

    readings: Int64 = column("Readings")
    month: Text = column("The month")

    class Config:
        unique = ["month"]
        metadata = table(grain="month")


@transform
def high(raw_readings: ir.Table, limit_cm: int = 5) -> ir.Table:
    return raw_readings.filter(raw_readings.level_cm > limit_cm).select("gauge")


@arrow_transform(prepare=high)
def counted_alike(rows: pa.Table, partition: str = "", limit_cm: int = 5) -> pa.Table:
    return pa.table({"readings": pa.array([rows.num_rows], pa.int64()), "month": [partition]})


@arrow_transform(prepare=high)
def counted_otherwise(rows: pa.Table, partition: str = "", limit_cm: int = 10) -> pa.Table:
    return pa.table({"readings": pa.array([rows.num_rows], pa.int64()), "month": [partition]})


def compiled_with(place: Workspace, of: ArrowTransform, **parameters: int) -> int | float | str | bool:
    """The limit that is bound."""
    bound = Workspace(place.project, place.settings.model_copy(update={"parameters": parameters}))
    changed = Table(AT, HighReadings, of)
    return compile_table(with_table(bound, changed), changed).parameters["limit_cm"]


def test_a_parameter_of_a_function_and_its_prepare_has_one_value(gauges: Workspace) -> None:
    assert compiled_with(gauges, counted_alike) == 5
    assert compiled_with(gauges, counted_alike, limit_cm=7) == 7
    # The setting is the same for both, whatever their defaults.
    assert compiled_with(gauges, counted_otherwise, limit_cm=7) == 7


def test_different_defaults_of_a_function_and_its_prepare_are_refused(gauges: Workspace) -> None:
    with pytest.raises(DefinitionError, match=f"{AT}: high and its function have different defaults for limit_cm"):
        compiled_with(gauges, counted_otherwise)

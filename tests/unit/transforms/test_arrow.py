"""Declaring a function of Arrow tables."""

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from taxiway.errors import DefinitionError
from taxiway.transforms import History, arrow_transform, transform


@transform(reach={"raw_sales": History()})
def past(raw_sales: ir.Table) -> ir.Table:
    return raw_sales


@transform
def current(raw_sales: ir.Table, raw_shops: ir.Table) -> ir.Table:
    return raw_sales.semi_join(raw_shops, "shop")


def test_one_prepare_belongs_to_the_one_table():
    @arrow_transform(prepare=past, libraries=("numpy",))
    def forecast(rows: pa.Table, *, partition: str = "", weeks: int = 4) -> pa.Table:
        return rows.slice(0, weeks)

    assert dict(forecast.prepares) == {"rows": past}
    assert dict(forecast.parameters) == {"partition": "", "weeks": 4}
    assert forecast.name == "forecast"
    assert forecast.inputs == ("raw_sales",)
    assert forecast.libraries == ("numpy",)
    assert forecast(pa.table({"a": [1, 2, 3]}), weeks=2).num_rows == 2


def test_several_prepares_go_by_name_and_inputs_are_named_once():
    @arrow_transform(prepare={"rows": current, "before": past})
    def compare(before: pa.Table, rows: pa.Table) -> pa.Table:
        return rows if rows.num_rows else before

    assert compare.inputs == ("raw_sales", "raw_shops")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [(past, "given one"), ({"rows": past}, r"prepares of \['rows'\]"), ({"rows": past, "other": past}, "other")],
)
def test_prepares_that_do_not_match_are_refused(prepare, said):
    with pytest.raises(DefinitionError, match=said):

        @arrow_transform(prepare=prepare)
        def compare(rows: pa.Table, before: pa.Table) -> pa.Table:
            return rows


def test_a_function_without_tables_is_refused():
    with pytest.raises(DefinitionError, match=r"takes the tables \[\]"):

        @arrow_transform(prepare=past)
        def nothing(*, partition: str = "") -> pa.Table:
            return pa.table({})


def test_a_parameter_needs_a_default():
    with pytest.raises(DefinitionError, match="'weeks' needs a default"):

        @arrow_transform(prepare=past)
        def forecast(rows: pa.Table, weeks: int) -> pa.Table:
            return rows

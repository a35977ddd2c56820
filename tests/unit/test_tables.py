"""A definition that could not be materialised is refused, with the table's name, before anything runs."""

from dataclasses import replace

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests import gauges
from tests.gauges.project import LevelHistory, RawGauges, RawReadings, level_history, raw_gauges, raw_readings

from taxiway.connectors import ParquetSink, PostgresSink, Sink
from taxiway.errors import DefinitionError
from taxiway.landing import CSV
from taxiway.project_check import without_clashes
from taxiway.tables import Project, Table
from taxiway.transforms import ArrowTransform, Transform, arrow_transform, transform


@transform
def of_two(landing_readings: ir.Table, raw_gauges: ir.Table) -> ir.Table:
    return landing_readings.semi_join(raw_gauges, "gauge")


@transform
def of_its_partition(raw_readings: ir.Table, partition: str = "") -> ir.Table:
    return raw_readings.filter(raw_readings["month"] == partition)


@arrow_transform(prepare=raw_readings)
def of_arrow(rows: pa.Table) -> pa.Table:
    return rows


@pytest.mark.parametrize("of", [None, of_two, of_arrow], ids=["no transform", "two inputs", "a function of Arrow"])
def test_a_delivered_table_is_made_from_its_file_alone(of: Transform | ArrowTransform | None) -> None:
    told = "raw/readings: a table of delivered files has a transform with one input, the files"
    with pytest.raises(DefinitionError, match=told):
        Table("raw/readings", RawReadings, of, CSV("readings-{month}.csv"))


def test_a_transform_that_asks_for_its_partition_is_refused_as_it_would_get_none() -> None:
    with pytest.raises(DefinitionError, match=r"raw/readings: only a function of rows.* find a row's own with"):
        Table("raw/readings", RawReadings, of_its_partition)


def test_a_monthly_table_has_a_file_for_each_month_and_another_table_has_one() -> None:
    with pytest.raises(DefinitionError, match=r"raw/readings: the delivered files readings\.csv need \{month\}"):
        Table("raw/readings", RawReadings, raw_readings, CSV("readings.csv"))
    with pytest.raises(DefinitionError, match=r"raw/gauges: the delivered files gauges-\{month\}\.csv have \{month\}"):
        Table("raw/gauges", RawGauges, raw_gauges, CSV("gauges-{month}.csv"))


def test_two_tables_that_a_transform_could_not_tell_apart_are_refused() -> None:
    tables = (Table("raw_a/b", LevelHistory, level_history), Table("raw/a_b", LevelHistory, level_history))
    with pytest.raises(DefinitionError, match="raw_a/b and raw/a_b are both raw_a_b to a transform"):
        _ = Project("two", tables).by_relation


def test_two_tables_that_go_to_one_place_are_set_aside() -> None:
    def going(at: str, *sinks: Sink) -> Table:
        return Table(at, LevelHistory, level_history, sinks=sinks)

    own = going("feature/own", PostgresSink(connection="bi"), ParquetSink(connection="exports"))
    same = PostgresSink(connection="bi", schema="bi", table="levels")
    also = PostgresSink(connection="bi", schema="bi", table="levels", name="again")
    found = without_clashes(Project("three", (own, going("feature/a", same, also), going("feature/b", also))))
    assert [table.at for table in found.tables] == ["feature/own"]
    told = "feature/a and feature/b have sinks of one place, bi: bi.levels: give each its own"
    assert {table.at: told in table.problem for table in found.broken} == {"feature/a": True, "feature/b": True}


def test_a_table_that_is_defined_twice_is_refused() -> None:
    twice = replace(gauges.project, tables=(*gauges.project.tables, Table("raw/gauges", RawGauges)))
    with pytest.raises(DefinitionError, match="raw/gauges is defined twice"):
        _ = twice.by_address

"""The raw and feature tables of the flights project from the publisher's files, in memory."""

import io
from collections.abc import Mapping, Sequence
from functools import cache

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from flights.features import (
    aircraft_rotation,
    carrier_punctuality,
    delay_features,
    flights,
    origin_congestion,
    route_history,
    schedule_pressure,
    weather_outlook,
)
from flights.publisher import deliveries
from flights.raw import aircraft, airlines, airports, weather
from flights.raw import flights as raw_flights
from taxiway.tables import Table
from taxiway.testing import run_transform
from taxiway.transforms import Transform, transform
from taxiway.transforms.library.typing import type_delivered

RAW = (raw_flights.table, weather.table, aircraft.table, airports.table, airlines.table)
FEATURES = (
    origin_congestion.table,
    carrier_punctuality.table,
    route_history.table,
    weather_outlook.table,
    aircraft_rotation.table,
    schedule_pressure.table,
)
ALL = (*RAW, flights.table, *FEATURES, delay_features.table)
YEAR = tuple(f"2013-{month:02d}" for month in range(1, 13))


def transform_of(table: Table) -> Transform:
    """The transform of a raw or feature table, all of which are expressions over Ibis tables."""
    assert isinstance(table.transform, Transform)
    return table.transform


def landed(table: Table, months: Sequence[str]) -> pa.Table:
    """The delivered texts of these months, with what the reader adds."""
    files = dict(deliveries(months))
    parts = []
    for month in months if table.is_partitioned else ("",):
        names = list(table.file_columns)
        options = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=["NA"],
            strings_can_be_null=True,
            include_columns=names,
        )
        part = csv.read_csv(io.BytesIO(files[table.file_name(month)]), convert_options=options)
        added = {
            "source_file": pa.repeat(table.file_name(month), part.num_rows),
            "source_row": pa.array(range(1, part.num_rows + 1), pa.int64()),
            "_problems": pa.array([[]] * part.num_rows, pa.list_(pa.string())),
            "_delivered": pa.nulls(part.num_rows, pa.string()),
            "_partition": pa.repeat(month, part.num_rows),
        }
        for name, values in added.items():
            part = part.append_column(name, values)
        parts.append(part)
    return pa.concat_tables(parts)


def staged_raw(table: Table, months: Sequence[str]) -> pa.Table:
    """A raw table as the guard sees it, its contract's columns and the hidden ones."""
    of_file = transform_of(table)

    @transform
    def typed(landing: ibis.Table) -> ibis.Table:
        result = of_file.function(type_delivered(landing, table.file_columns))
        return result.select(*table.rules.ibis_schema.names, "_problems", "_delivered")

    return run_transform(typed, {"landing": landed(table, months)})


@cache
def lake(months: tuple[str, ...] = YEAR) -> Mapping[str, pa.Table]:
    """All raw and feature tables over these months, by relation name; rejected rows are left out."""
    tables = {}
    for table in RAW:
        kept = staged_raw(table, months).select(table.rules.schema.names)
        tables[table.address.relation] = kept.cast(table.rules.schema)
    calm = pc.fill_null(pc.less_equal(tables["raw_weather"]["wind_speed"], 200), True)
    tables["raw_weather"] = tables["raw_weather"].filter(calm)
    for table in (flights.table, *FEATURES, delay_features.table):
        result = run_transform(transform_of(table), tables)
        tables[table.address.relation] = result.select(table.rules.schema.names).cast(table.rules.schema)
    return tables

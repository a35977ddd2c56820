"""The gauges with readings and gauges from a database, and what a test does to them there."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from tests import gauges
from tests.postgres import Database
from tests.working import workspace

from taxiway.connectors import ParquetSink, PostgresSink, PostgresSource
from taxiway.materialise import Workspace
from taxiway.materialise.extract import extract
from taxiway.tables import Project, Table

READINGS = "raw/readings"
SOURCES: Mapping[str, PostgresSource] = {
    READINGS: PostgresSource(
        connection="warehouse", table="river.readings", cursor="updated_at", partition_by="read_at"
    ),
    "raw/gauges": PostgresSource(
        connection="warehouse", query="SELECT * FROM river.gauges WHERE river <> '{}%s'", cursor="updated_at"
    ),
}
_SCHEMA = """
CREATE SCHEMA river;
CREATE TABLE river.readings (gauge text, read_at timestamptz, level_cm int, remark text, updated_at timestamptz);
CREATE TABLE river.gauges (gauge text PRIMARY KEY, river text, updated_at timestamptz);
INSERT INTO river.gauges VALUES ('BBB', 'Oder', '2013-01-01'), ('AAA', 'Elbe', '2013-01-01');
INSERT INTO river.readings
SELECT gauge, day, extract(day FROM day)::int, NULL, '2013-06-01'
FROM generate_series('2013-01-01 00:00Z'::timestamptz, '2013-03-31 18:00Z', '6 hours') AS day, river.gauges
"""


def _sourced(table: Table) -> Table:
    if table.at not in SOURCES:
        return table
    return replace(table, source=SOURCES[table.at])


PROJECT: Project = replace(gauges.project, deliveries=None, tables=tuple(map(_sourced, gauges.project.tables)))

RIVERS = "feature/river_month"
_SINKS = (PostgresSink(connection="warehouse", schema="bi"), ParquetSink(connection="exports"))
WITH_SINKS: Project = replace(
    PROJECT,
    tables=tuple(replace(table, sinks=_SINKS) if table.at == RIVERS else table for table in PROJECT.tables),
)


def filled(database: Database) -> Database:
    """Three months of readings of two gauges."""
    database.do(_SCHEMA)
    return database


def place_of(home: Path, url: str, project: Project = PROJECT, **settings: Any) -> Workspace:
    return workspace(home, project, connections={"warehouse": SecretStr(url)}, **settings)


def delivered(place: Workspace, at: str = READINGS, only: list[str] | None = None) -> dict[str, bool]:
    """What was delivered now, and whether its content was new."""
    return {each.file: each.changed for each in extract(place, place.project.table(at), only)}


def files(place: Workspace) -> dict[str, bytes]:
    """All that lies in the landing zone."""
    return {file.name: place.landing.read(file.name) for file in place.landing.listing().files}

"""Where tables come from beside the landing zone, and where they go beside the lake: databases, files for others.

A source delivers files into the landing zone; an external table is read where it lies; a sink gets what was
published. None of them knows projects or Dagster.
"""

from taxiway.connectors.base import Extract, Extraction, Outgoing, Sink, Source, Written
from taxiway.connectors.external import External
from taxiway.connectors.parquet_sink import ParquetSink
from taxiway.connectors.postgres import PostgresSink, PostgresSource

__all__ = [
    "External",
    "Extract",
    "Extraction",
    "Outgoing",
    "ParquetSink",
    "PostgresSink",
    "PostgresSource",
    "Sink",
    "Source",
    "Written",
]

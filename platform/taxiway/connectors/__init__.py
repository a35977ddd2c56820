"""Where tables come from beside the landing zone, and where they go beside the lake: databases, files for others.

A source delivers files into the landing zone; a sink gets what was published. Neither knows projects or Dagster.
"""

from taxiway.connectors.base import Extract, Extraction, Outgoing, Sink, Source, Written
from taxiway.connectors.parquet_sink import ParquetSink
from taxiway.connectors.postgres import PostgresSink, PostgresSource

__all__ = [
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

"""What floats by the gauges, as several files of JSON lines a month: a project beside that of the gauges."""

import gzip
import json
from typing import Any

import ibis.expr.types as ir

from taxiway.contracts import Bool, Contract, Int32, Int64, Text, TextList, column, table
from taxiway.landing import Files, JSONLines
from taxiway.tables import Project, Table
from taxiway.transforms import transform

AT = "raw/events"


class RawEvents(Contract):
    """One row for each thing that floated by."""

    id: Int32 = column("Its number")
    what: Text = column("What it was")
    marks: TextList = column("Marks on it", nullable=True)
    is_wet: Bool = column("Whether it was wet", nullable=True)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")
    month: Text = column("The month")

    class Config:
        unique = ["id"]
        metadata = table(grain="month", tolerance=0.5, key_within_partition=True)


@transform
def raw_events(landing_events: ir.Table) -> ir.Table:
    """As delivered, typed."""
    return landing_events.mutate(month=landing_events["_partition"])


def project_of(files: Files) -> Project:
    """The events as they are delivered in such files."""
    return Project("events", (Table(AT, RawEvents, raw_events, files),))


project = project_of(JSONLines("events-{month}-*.jsonl.gz"))


def lines(*records: dict[str, Any]) -> bytes:
    """A delivered file of these records."""
    return gzip.compress("".join(f"{json.dumps(record)}\n" for record in records).encode(), mtime=0)

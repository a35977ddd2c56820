"""What was seen by the gauges, in files whose names say nothing of the day: each row's own instant tells it."""

from datetime import UTC, datetime
from typing import Any

import ibis.expr.types as ir

from taxiway.contracts import Contract, Instant, Int32, Int64, Text, Volume, column, table
from taxiway.landing import Files, JSONLines
from taxiway.tables import Project, Table
from taxiway.transforms import transform

AT = "raw/sightings"


class RawSightings(Contract):
    """One row for each thing that was seen."""

    id: Int32 = column("Its number")
    seen_at: Instant = column("When", nullable=True)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")
    day: Text = column("The day")

    class Config:
        unique = ["id"]
        metadata = table(grain="day", tolerance=0.9, key_within_partition=True, volume=Volume(allow_empty=True))


@transform
def raw_sightings(landing_sightings: ir.Table) -> ir.Table:
    """As delivered, typed."""
    return landing_sightings.mutate(day=landing_sightings["_partition"])


def project_of(files: Files) -> Project:
    """The sightings as they are delivered in such files."""
    return Project("sightings", (Table(AT, RawSightings, raw_sightings, files),))


project = project_of(JSONLines("sightings-*.jsonl.gz", dated="seen_at"))


def seen(number: int, *at: int, **others: Any) -> dict[str, Any]:
    """A record of January 2013 in UTC: day, hour and so on."""
    return {"id": number, "seen_at": f"{datetime(2013, 1, *at, tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}", **others}

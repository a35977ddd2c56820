"""The flights project: its tables, who delivers its files, its dbt project. A new file in a folder joins by itself."""

from pathlib import Path

from flights import marts
from flights.publisher import deliveries
from flights.spoil import KINDS, spoil
from taxiway.tables import Project, collect


def _spoil(kind: str, name: str, data: bytes) -> bytes:
    """The delivery with a fault; only files of flights have faults."""
    return spoil(kind, name, data) if name.startswith("flights-") else data


project = Project(
    name="flights",
    owners=("team:flights",),
    portable="required",
    tables=(*collect("flights.raw", "flights.features", "flights.model"), *marts.tables),
    deliveries=deliveries,
    spoil=_spoil,
    faults={kind: spoiler.description for kind, spoiler in KINDS.items()},
    dbt=Path("dbt_project"),
    benchmarks=Path("tests/benchmarks"),
    tour={
        "the row that was caught: a wind of more than 1,000 miles an hour": "taxiway quarantine raw/weather",
        "a spoilt delivery is refused, and what is published stays as it is": (
            "taxiway land --partition 2013-02 --spoil too-many-bad-rows; taxiway run raw/flights --partition 2013-02"
        ),
        "the good file again, and the month is as it was: nothing is missing, nothing is stale": (
            "taxiway land --partition 2013-02; taxiway run raw/flights --partition 2013-02; taxiway tables"
        ),
        "ask in SQL: which airlines were late most often": (
            'taxiway sql "select airline, sum(flights) as flights, round(sum(late_share * flights) / sum(flights), 3) '
            'as late_share from mart.carrier_month group by airline order by late_share desc"'
        ),
    },
)

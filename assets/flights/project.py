"""The flights project: its tables, who delivers its files, and its dbt project. A new file in a folder joins by itself."""

from pathlib import Path

from flights import marts
from flights.publisher import deliveries
from flights.spoil import spoil
from taxiway.tables import Project, collect

project = Project(
    name="flights",
    tables=(*collect("flights.raw", "flights.features", "flights.model"), *marts.tables),
    deliveries=deliveries,
    spoil=spoil,
    dbt=Path(__file__).parents[2] / "dbt_project",
)

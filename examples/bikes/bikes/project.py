"""The project: its tables, who delivers its files, its dbt project. A new file in a folder of `tables` joins it."""

from pathlib import Path

from taxiway.tables import Project, collect

from bikes.publisher import deliveries

project = Project(
    name="bikes",
    owners=("team:bikes",),
    tables=collect("bikes.tables"),
    deliveries=deliveries,
    dbt=Path("dbt"),
    tour={
        "the rentals that were caught, and why": "taxiway quarantine raw/rentals",
        "the hour that the clock showed twice": "taxiway show raw/rentals --partition 2013-11-03T01-0500",
        "ask in SQL: what each region earned": "taxiway sql 'from mart.region_weeks order by week, region'",
        "which tables are bound to an engine": "taxiway tables",
    },
)

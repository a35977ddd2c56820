"""Marts: tables that dbt builds from published ones, in scratch, to be guarded and published like any other.

`project` is the dbt project and what dbt makes of it, `invoke` runs one dbt command, `build` builds and
tests marts, `publish` brings the marts of a lake up to date, `lineage` traces their columns.
"""

from taxiway.marts.build import Build, build_marts
from taxiway.marts.invoke import Result
from taxiway.marts.lineage import column_sources
from taxiway.marts.project import DbtProject, Model
from taxiway.marts.publish import MartsOutcome, materialise_marts

__all__ = [
    "Build",
    "DbtProject",
    "MartsOutcome",
    "Model",
    "Result",
    "build_marts",
    "column_sources",
    "materialise_marts",
]

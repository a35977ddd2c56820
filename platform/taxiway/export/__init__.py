"""The project for other orchestrators than Dagster, which drive it by its command line.

`stages` says what is to be run in which order, `airflow` writes that as a DAG.
"""

from taxiway.export.airflow import render_dag
from taxiway.export.stages import Stage, stages

__all__ = ["Stage", "render_dag", "stages"]

"""The engines of a run as a Dagster resource: each is opened once, and what it started ends with the run."""
# pyspark is an extra.
# pyright: reportMissingImports=false

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import dagster as dg

from taxiway.engines import OpenEngine, engines
from taxiway.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def engines_resource(settings: Settings) -> dg.ResourceDefinition:
    """Opens engines by name for the steps of one run, which share Spark's session."""

    @dg.resource(description="Opens an engine by its name, the deployment's for None.")
    def open_engine(_: dg.InitResourceContext) -> Iterator[OpenEngine]:
        with engines(settings, _session_of) as opened:
            yield opened

    return open_engine


def _session_of(config: Mapping[str, str]) -> "SparkSession":
    from dagster_pyspark import LazyPySparkResource

    return LazyPySparkResource(spark_config=dict(config)).spark_session

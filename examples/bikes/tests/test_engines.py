"""Portable tables are the same on Spark, to the bit; needs `make setup-spark` and Java 17."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import rows, taxiway

from taxiway.notebook import OpenLake
from taxiway.settings import load_settings

PORTABLE = ("raw/rentals", "raw/stations", "feature/station_days", "feature/station_weeks")


@pytest.mark.skipif(not (find_spec("pyspark") and shutil.which("java")), reason="needs Spark and Java")
def test_spark_makes_the_same(lake: OpenLake, tmp_path: Path) -> None:
    taxiway(tmp_path, "land")
    taxiway(tmp_path, "run", *PORTABLE, "--engine", "spark")
    spark = OpenLake(load_settings("local", root=lake.settings.root, home=tmp_path))
    for table in PORTABLE:
        key = [(name, "ascending") for name in lake.workspace.project.table(table).rules.key]
        assert rows(spark, table).sort_by(key).equals(rows(lake, table).sort_by(key)), table

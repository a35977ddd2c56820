"""The flights from delivered files to marts and predictions in a bucket: the same rows as in a folder, to the bit."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.s3 import BUCKET, Server
from tests.working import ROOT, SOAK, contents

from flights.project import project
from taxiway.lake import Lake
from taxiway.storage import Store
from taxiway.testing.bits import differences

# One month to train on and one to predict; the year where there is time.
FIRST, END = ("2013-01", "2014-01") if SOAK else ("2013-06", "2013-08")
SPARK_LAYERS = ("raw", "feature")

pytestmark = pytest.mark.timeout(3600 if SOAK else 600)


def taxiway(home: Path, *words: str, **variables: str) -> None:
    """Run a command in a deployment of its own; fails where the command does."""
    own = {"TAXIWAY_HOME": str(home), "TAXIWAY_FIRST": FIRST, "TAXIWAY_END": END, **variables}
    command = [sys.executable, "-c", "from taxiway.cli import main; main()", *words]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}{ended.stderr[-2000:]}"


def in_bucket(s3: Server, name: str) -> Mapping[str, str]:
    """A lake and a landing zone in the server's bucket, as variables."""
    places = {"TAXIWAY_LAKE": f"s3://{BUCKET}/{name}/lake", "TAXIWAY_LANDING": f"s3://{BUCKET}/{name}/landing"}
    return {**s3.environment(), **places}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All tables in a folder."""
    home = tmp_path_factory.mktemp("folder") / "home"
    taxiway(home, "land")
    taxiway(home, "run")
    return Lake(Store(str(home / "lake")))


def test_all_tables_are_those_of_a_folder(folder: Lake, s3: Server, tmp_path: Path) -> None:
    variables = in_bucket(s3, "duckdb")
    taxiway(tmp_path / "home", "land", **variables)
    taxiway(tmp_path / "home", "run", **variables)
    lake = Lake(Store(variables["TAXIWAY_LAKE"], s3.s3()))
    assert lake.tables() == folder.tables()
    assert different(folder, lake, ("raw", "feature", "model", "mart")) == {}
    for address in lake.tables():
        if address.layer == "quarantine":
            expected, found = contents(folder, address), contents(lake, address)
            assert differences(expected, found, ["source_file", "source_row"]) == [], address


@pytest.mark.skipif(not SOAK, reason="Spark's packages for S3 are 640 MB")
def test_raw_and_feature_tables_of_spark_are_those_of_a_folder(folder: Lake, s3: Server, tmp_path: Path) -> None:
    variables = in_bucket(s3, "spark")
    taxiway(tmp_path / "home", "land", **variables)
    taxiway(tmp_path / "home", "run", *SPARK_LAYERS, "--engine", "spark", **variables)
    lake = Lake(Store(variables["TAXIWAY_LAKE"], s3.s3()))
    assert different(folder, lake, SPARK_LAYERS) == {}


def different(expected: Lake, found: Lake, layers: tuple[str, ...]) -> dict[str, list[str]]:
    """How each table of these layers differs between two lakes, those that do not left out."""
    tables = [table for table in project.in_order if table.address.layer in layers]
    told = {
        table.at: differences(contents(expected, table.address), contents(found, table.address), table.rules.key)
        for table in tables
    }
    assert tables
    return {at: differs for at, differs in told.items() if differs}

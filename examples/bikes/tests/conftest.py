"""What tests share: the tables, made of what the publisher delivers, in a home of its own; and what it delivers, read
in plain Python.
"""

import gzip
import json
import os
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from taxiway.notebook import OpenLake
from taxiway.settings import load_settings

from bikes.publisher import deliveries

ROOT = Path(__file__).parents[1]
SETTINGS = load_settings("local", root=ROOT)
HOURS = SETTINGS.calendar.keys("hour")


def taxiway(home: Path, *words: str) -> str:
    """What the command says, in that home."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TAXIWAY_")}
    program = Path(sys.executable).with_name("taxiway")
    done = subprocess.run(
        [program, *words], cwd=ROOT, env=others | {"TAXIWAY_HOME": str(home)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything has been landed and made."""
    home = tmp_path_factory.mktemp("home")
    taxiway(home, "land")
    taxiway(home, "run")
    return home


@pytest.fixture(scope="session")
def lake(home: Path) -> OpenLake:
    """Its lake."""
    return OpenLake(load_settings("local", root=ROOT, home=home))


@pytest.fixture(scope="session")
def delivered() -> list[dict[str, Any]]:
    """Every record that is delivered, good or bad, with the hour of its file."""
    found = []
    for name, data in deliveries(HOURS):
        hour = name.removeprefix("rentals-").removesuffix(".jsonl.gz").rpartition("-")[0]
        for line in gzip.decompress(data).decode().splitlines():
            record = json.loads(line) | {"hour": hour}
            times = {at: datetime.fromisoformat(record[at]) for at in ("started_at", "ended_at")}
            found.append(record | times | {"price": Decimal(record["price"])})
    return found


@pytest.fixture(scope="session")
def rentals(delivered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The good ones."""
    return [
        rental
        for rental in delivered
        if rental["price"] >= 0
        and rental["price"] == round(rental["price"], 2)
        and rental["started_at"] < rental["ended_at"]
    ]


def rows(lake: OpenLake, table: str) -> pa.Table:
    """The rows of a table, with decimals as they are."""
    return lake.read(table).to_arrow_table()

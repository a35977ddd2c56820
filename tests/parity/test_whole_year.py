"""Every table of the flights: the same rows on each engine, however its months are computed."""

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest
from tests.parity.conftest import EngineFor
from tests.working import SOAK, contents, land, workspace

from flights.project import project
from taxiway.addresses import Address
from taxiway.engines import Engine
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace, materialise
from taxiway.tables import Table
from taxiway.testing.bits import differences

# In March the clock of New York changes; the soak has the whole year.
MONTHS = tuple(f"2013-{month:02d}" for month in range(1, 13 if SOAK else 5))
SEED = 20130209
WEATHER = Address("raw", "weather")

TABLES = tuple(table for table in project.in_order if table.address.layer in ("raw", "feature"))
MODELS = tuple(table for table in project.in_order if table.address.layer == "model")


def home(folder: Path) -> Workspace:
    """The flights in a home of their own, with all files of these months delivered."""
    made = workspace(folder, project, months=len(MONTHS), zone="America/New_York")
    land(made)
    return made


def compute(place: Workspace, engine: Engine, months: Sequence[str], tables: Sequence[Table] = TABLES) -> None:
    """Bring the tables up to date for these months, all of which must be published."""
    for table in tables:
        keys = months if table.is_partitioned else [WHOLE]
        refused = materialise(place, table, keys, engine, run="test").refused
        assert not refused, [result.message for result in refused]


def at_once(place: Workspace, engine: Engine) -> None:
    compute(place, engine, MONTHS, (*TABLES, *MODELS))


def in_ranges(place: Workspace, engine: Engine) -> None:
    for months in (MONTHS[:2], MONTHS[2:3], MONTHS[3:]):
        compute(place, engine, months)


def month_by_month(place: Workspace, engine: Engine) -> None:
    for month in MONTHS:
        compute(place, engine, [month])


def in_any_order(place: Workspace, engine: Engine) -> None:
    """Months as they come, one or some at a time, and in the end what the coming of earlier ones has made stale."""
    coming = iter(random.Random(SEED).sample(MONTHS, len(MONTHS)))
    while some := sorted(islice(coming, 1 + len(MONTHS) // 4)):
        compute(place, engine, some)
    compute(place, engine, MONTHS)


MODES = (at_once, in_ranges, month_by_month, in_any_order)
# In any order come single months and ranges of them too, and each mode takes Spark minutes.
COMPUTED = [("duckdb", mode) for mode in MODES[1:]] + [
    ("spark", mode) for mode in (MODES if SOAK else (at_once, in_any_order))
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, engine_for: EngineFor) -> Workspace:
    """The months by DuckDB, all at once."""
    place = home(tmp_path_factory.mktemp("expected") / "home")
    at_once(place, engine_for("duckdb", place.settings))
    return place


@pytest.fixture(params=COMPUTED, ids=lambda p: f"{p[0]}-{p[1].__name__}")
def computed(request: pytest.FixtureRequest, tmp_path: Path, engine_for: EngineFor) -> Workspace:
    """The months by an engine in a mode."""
    name, mode = request.param
    place = home(tmp_path / "home")
    mode(place, engine_for(name, place.settings))
    return place


@pytest.mark.timeout(1200)
def test_the_rows_are_the_same(expected: Workspace, computed: Workspace) -> None:
    # The models are made of all months at once alone; what has not been made is an error.
    made = [table for table in MODELS if computed.lake.find(table.address) is not None]
    assert made in ([], list(MODELS))
    for table in (*TABLES, *made):
        assert differing(expected, computed, table.address, table.rules.key) == [], table.at
    assert differing(expected, computed, WEATHER.quarantine, ["source_file", "source_row"]) == []


def differing(expected: Workspace, computed: Workspace, address: Address, key: Sequence[str]) -> list[str]:
    """How a table differs between two homes; empty where it does not."""
    return differences(contents(expected.lake, address), contents(computed.lake, address), key)

"""Both engines take turns on one table: published by one, corrected by the other, read at any version by both."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from tests.parity.conftest import ENGINES, EngineFor
from tests.working import contents, land, statuses

from taxiway.addresses import Address
from taxiway.engines import Engine, Reading
from taxiway.errors import PublishConflict
from taxiway.lake import WHOLE, Lake, lake
from taxiway.materialise import Outcome, Workspace, materialise
from taxiway.testing.bits import differences

TABLES = ("raw/gauges", "raw/readings", "feature/level_history", "feature/river_month")
JANUARY, FEBRUARY, MARCH = MONTHS = ("2013-01", "2013-02", "2013-03")
WAIT_S = 120

Engines = Mapping[str, Engine]


@pytest.fixture
def engines(gauges: Workspace, engine_for: EngineFor) -> Engines:
    """Both engines for the gauges."""
    return {name: engine_for(name, gauges.settings) for name in ENGINES}


def run(place: Workspace, at: str, engine: Engine, *months: str, **options: Any) -> Outcome:
    return materialise(place, place.project.table(at), months or [WHOLE], engine, run="test", **options)


def run_all(place: Workspace, engine: Engine) -> dict[str, Mapping[str, str]]:
    """All tables of the gauges for three months; returns what became of each partition."""
    found = {}
    for at in TABLES:
        months = MONTHS if place.project.table(at).is_partitioned else ()
        found[at] = statuses(run(place, at, engine, *months))
    return found


def correct(place: Workspace, month: str) -> None:
    """Deliver the readings of a month anew, with other levels."""
    assert place.project.deliveries is not None
    for name, data in place.project.deliveries([month]):
        if name.startswith("readings"):
            place.landing.deliver(name, data.replace(b"Z,1", b"Z,2"))


@pytest.mark.parametrize("first", ENGINES)
def test_what_one_published_the_other_corrects(gauges: Workspace, engines: Engines, first: str) -> None:
    (second,) = set(ENGINES) - {first}
    land(gauges, MONTHS)
    assert run_all(gauges, engines[first])["raw/readings"] == dict.fromkeys(MONTHS, "published")
    again = run_all(gauges, engines[second])
    assert {status for found in again.values() for status in found.values()} == {"skipped"}
    assert statuses(run(gauges, "raw/readings", engines[second], *MONTHS, force=True)) == dict.fromkeys(
        MONTHS, "unchanged"
    )
    correct(gauges, JANUARY)
    assert run_all(gauges, engines[second])["raw/readings"] == {
        JANUARY: "published",
        FEBRUARY: "skipped",
        MARCH: "skipped",
    }
    correct(gauges, MARCH)
    run_all(gauges, engines[first])
    # A table without partitions is replaced as a whole.
    land(gauges, [MARCH], (b"AAA,2013-03-01T00", b"ZZZ,2013-03-01T00"))
    assert run_all(gauges, engines[second])["feature/river_month"] == {WHOLE: "published"}

    versions = gauges.lake.open(Address("raw", "readings")).version
    assert versions == 3
    for at in ("raw/readings", "feature/level_history"):
        for version in range(gauges.lake.open(Address.parse(at)).version + 1):
            expected = contents(gauges.lake, at, version)
            for engine in engines.values():
                assert differences(expected, read(gauges, at, version, engine), ["gauge", "read_at"]) == []
    told = [str(state["engine"]).split()[0] for state in provenances(gauges, "raw/readings")]
    assert told == [first, second, first, second]


def read(place: Workspace, at: str, version: int, engine: Engine) -> Any:
    schema = place.project.table(at).rules.schema
    with engine.session() as session:
        session.read("found", Reading(place.lake.open(Address.parse(at), version), schema))
        return session.query("SELECT * FROM found").cast(schema)


def provenances(place: Workspace, at: str) -> list[Mapping[str, Any]]:
    """Who made the commits of a table, oldest first."""
    commits = list(place.lake.open(Address.parse(at)).commits())
    return [vars(commit.provenance) for commit in reversed(commits) if commit.provenance is not None]


def test_different_partitions_published_at_once_by_both(
    gauges: Workspace, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(gauges, MONTHS)
    run(gauges, "raw/readings", engines["duckdb"], JANUARY)
    publish = Lake.publish
    both_computed = Barrier(2, timeout=WAIT_S)

    def together(*args: Any) -> int:
        both_computed.wait()
        return publish(*args)

    monkeypatch.setattr(Lake, "publish", together)
    with ThreadPoolExecutor(2) as pool:
        spark = pool.submit(run, gauges, "raw/readings", engines["spark"], FEBRUARY)
        duckdb = pool.submit(run, gauges, "raw/readings", engines["duckdb"], MARCH)
        assert statuses(spark.result(WAIT_S)) == {FEBRUARY: "published"}
        assert statuses(duckdb.result(WAIT_S)) == {MARCH: "published"}
    found = contents(gauges.lake, "raw/readings")
    assert set(found["month"].to_pylist()) == set(MONTHS)
    assert found.num_rows == 3 * 224


def make_and_correct(place: Workspace, engines: Engines) -> None:
    """Publish January, and deliver it anew."""
    land(place, MONTHS)
    run(place, "raw/readings", engines["duckdb"], JANUARY)
    correct(place, JANUARY)


def publish_before(of: Any, method: str, monkeypatch: pytest.MonkeyPatch, again: Callable[[], Outcome]) -> None:
    """Have another run publish January right before the method is called for the first time."""
    as_it_is: Callable[..., Any] = getattr(of, method)

    def after_another(*args: Any) -> Any:
        monkeypatch.setattr(of, method, as_it_is)
        assert statuses(again()) == {JANUARY: "published"}
        return as_it_is(*args)

    monkeypatch.setattr(of, method, after_another)


@pytest.mark.parametrize("first", ENGINES)
def test_of_the_same_partition_the_second_one_is_refused(
    gauges: Workspace, engines: Engines, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    (second,) = set(ENGINES) - {first}
    make_and_correct(gauges, engines)
    publish_before(Lake, "publish", monkeypatch, lambda: run(gauges, "raw/readings", engines[first], JANUARY))
    with pytest.raises(PublishConflict, match="2013-01"):
        run(gauges, "raw/readings", engines[second], JANUARY)
    assert gauges.lake.open(Address("raw", "readings")).version == 1


@pytest.mark.parametrize("second", ENGINES)
def test_what_is_published_while_an_engine_writes_is_not_replaced(
    gauges: Workspace, engines: Engines, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    make_and_correct(gauges, engines)
    (first,) = set(ENGINES) - {second}
    publish_before(lake, "commit", monkeypatch, lambda: run(gauges, "raw/readings", engines[first], JANUARY))
    with pytest.raises(PublishConflict, match="another run published 2013-01"):
        run(gauges, "raw/readings", engines[second], JANUARY)
    assert statuses(run(gauges, "raw/readings", engines[second], JANUARY)) == {JANUARY: "skipped"}

"""The server of the lake, or the network to it, fails in the middle of a publication: the run waits for it, or ends
within its time with one line; the table is as it was, or at its new version, and the next run succeeds."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name
from threading import Thread

import pytest
from tests.faults.leftovers import leftovers, missing
from tests.faults.proxy import Proxy, proxying
from tests.s3 import Server, serving
from tests.working import land, rows, run, statuses, workspace

from taxiway.addresses import Address
from taxiway.errors import TaxiwayError
from taxiway.lake.upkeep import remove_leftovers
from taxiway.materialise import Workspace
from taxiway.storage import Store
from taxiway.storage.store import _bucket

AT = "raw/readings"
LOG_ENTRY = rb"PUT \S*/_delta_log/\d{20}\.json"
# What a run does just then, by the name of what does it.
MOMENTS = {
    "planning": "taxiway.materialise.execute.make_plan",
    "registering": "taxiway.lake.lake.register",
    "writing": "taxiway.engines.duckdb.DuckDBSession.write",
    "looking at what was written": "taxiway.lake.lake.written",
    "committing": "taxiway.lake.lake.commit",
}
REQUEST_S, RETRY_S = 1, 2
BOUND_S = 30


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that tests may stop."""
    with serving() as server:
        yield server


@pytest.fixture
def server(own_server: Server) -> Server:
    """The same, running."""
    if own_server.process is None:
        own_server.start()
    return own_server


@pytest.fixture
def proxy(s3: Server) -> Iterator[Proxy]:
    with proxying(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever waits for an answer gives up soon."""
    for name, seconds in (("CONNECT_S", REQUEST_S), ("REQUEST_S", REQUEST_S), ("RETRY_S", RETRY_S)):
        monkeypatch.setattr(f"taxiway.storage.s3.{name}", seconds)
    _bucket.cache_clear()
    monkeypatch.setattr("taxiway.engines.duckdb.REQUEST_S", REQUEST_S)
    monkeypatch.setattr("taxiway.engines.duckdb._HTTP_RETRIES", 1)
    yield
    _bucket.cache_clear()


def made_on(lake: Store, home: Path) -> Workspace:
    """One version of the readings; a month of them has been delivered anew."""
    place = workspace(home, lake=lake)
    land(place)
    run(place, AT)
    land(place, ["2013-02"], change=(b",25,", b",26,"))
    return place


def just_before(monkeypatch: pytest.MonkeyPatch, moment: str, act: Callable[[], None]) -> None:
    """Act once, at this moment of a run."""
    does = resolve_name(MOMENTS[moment])

    def acts(*given: object, **named: object) -> object:
        monkeypatch.setattr(MOMENTS[moment], does)
        act()
        return does(*given, **named)

    monkeypatch.setattr(MOMENTS[moment], acts)


def told(place: Workspace) -> str:
    """The one line in which a run says what went wrong, within its time."""
    start = time.monotonic()
    with pytest.raises(TaxiwayError) as caught:
        run(place, AT)
    seconds = time.monotonic() - start
    assert seconds < BOUND_S
    said = str(caught.value)
    assert said.startswith(AT)
    assert "\n" not in said
    assert "the server does not answer" in said
    assert "writing-secret" not in said
    return said


def see_that_the_next_run_succeeds(place: Workspace, before: list[dict]) -> None:
    """The table is as it was, or as it should be; the next run makes it so, and upkeep finds what to remove."""
    is_made = rows(place.lake, AT) != before
    assert statuses(run(place, AT))["2013-02"] == ("skipped" if is_made else "published")
    see_that_it_was_published_once(place, before)


def see_that_it_was_published_once(place: Workspace, before: list[dict]) -> None:
    assert rows(place.lake, AT, 0) == before
    changed = [row | {"level_cm": 26} if (row["month"], row["level_cm"]) == ("2013-02", 25) else row for row in before]
    assert sorted(map(str, rows(place.lake, AT))) == sorted(map(str, changed))
    address = Address.parse(AT)
    snapshot = place.lake.open(address)
    assert [commit.version for commit in snapshot.commits() if commit.changed] == [1, 0]
    assert set(statuses(run(place, AT)).values()) == {"skipped"}
    # This process, which left them, has not ended.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taxiway.lake.upkeep.GONE_AFTER", timedelta(days=-1))
        remove_leftovers(place.lake, address)
    assert leftovers(place.settings) == missing(place.settings.lake) == []


@pytest.mark.parametrize("moment", ["registering", "writing", "committing"])
def test_a_server_that_is_killed_and_comes_back_is_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    place = made_on(server.store(), tmp_path / "home")
    before = rows(place.lake, AT)
    back = Thread(target=server.start)

    def kill() -> None:
        server.stop()
        back.start()

    just_before(monkeypatch, moment, kill)
    try:
        done = statuses(run(place, AT))
    finally:
        back.join(60)
    assert done["2013-02"] == "published"
    see_that_it_was_published_once(place, before)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_gone_for_good_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made_on(server.store(), tmp_path / "home")
    before = rows(place.lake, AT)
    just_before(monkeypatch, "committing", server.stop)
    assert "did not say whether this run's commit came to be" in told(place)
    assert told(place) == told(place), "and so it is as long as the server is gone"
    server.start()
    assert rows(place.lake, AT) == before
    see_that_the_next_run_succeeds(place, before)


@pytest.mark.usefixtures("impatient")
def test_a_network_that_is_gone_is_told(
    s3: Server, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made_on(Store(s3.store().uri, replace(s3.s3(), endpoint=proxy.endpoint)), tmp_path / "home")
    before = rows(place.lake, AT)
    for moment in MOMENTS:
        just_before(monkeypatch, moment, proxy.hang)
        told(place)
        proxy.flow()
        assert rows(place.lake, AT) == before
    see_that_the_next_run_succeeds(place, before)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("times", ["once", "always"])
def test_a_commit_whose_answer_is_lost_is_found(s3: Server, proxy: Proxy, tmp_path: Path, times: str) -> None:
    place = made_on(Store(s3.store().uri, replace(s3.s3(), endpoint=proxy.endpoint)), tmp_path / "home")
    before = rows(place.lake, AT)
    proxy.lose_answers(LOG_ENTRY, times=1 if times == "once" else 100)
    done = statuses(run(place, AT))
    assert proxy.lost
    proxy.lose_answers(LOG_ENTRY, times=0)
    assert done["2013-02"] == "published"
    see_that_it_was_published_once(place, before)

"""Publishers at the same time: of different partitions both succeed, of the same one only the first."""

from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier

import pyarrow as pa
import pytest
from tests.working import processes, publish, rows, write_rows

from taxiway.addresses import Address
from taxiway.errors import PublishConflict
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot
from taxiway.storage import Store

AT = "feature/levels"
ADDRESS = Address.parse(AT)


@pytest.fixture
def lake(store: Store) -> Lake:
    return Lake(store)


@pytest.fixture(scope="module")
def publishers() -> Iterator[Pool]:
    """Processes, because writers of one process share the threads that wait for rows."""
    with processes.Pool(3, _know, [{parties: processes.Barrier(parties) for parties in (2, 3)}]) as pool:
        yield pool


_barriers: dict[int, Barrier] = {}


def _know(barriers: dict[int, Barrier]) -> None:
    _barriers.update(barriers)


def written_by(writer: int, partitions: Sequence[str]) -> pa.Table:
    return pa.table({"month": [key for key in partitions for _ in range(3)], "writer": [writer] * 3 * len(partitions)})


def publish_one(lake: Lake, writer: int, partitions: Sequence[str], version: int | None, parties: int) -> int | str:
    """Publish from the table's `version`; no commit is made before all `parties` have written their rows."""
    table, column = written_by(writer, partitions), None if list(partitions) == [WHOLE] else "month"

    def write(folder: str) -> None:
        write_rows(lake.store, table, column, folder)
        _barriers[parties].wait(timeout=60)

    states = dict.fromkeys(partitions, PartitionState("", "code", {}, 3))
    publication = Publication(
        ADDRESS,
        Provenance.of(run=str(writer), engine="test", libraries={}, partitions=states),
        None if version is None else lake.open(ADDRESS, version),
        column,
    )
    try:
        return lake.publish(publication, table.schema, write)
    except PublishConflict as conflict:
        return str(conflict)


def at_once(publishers: Pool, lake: Lake, work: Sequence[Sequence[str]]) -> list[int | str]:
    """The versions, or the conflicts, of publishers that all start from the table as it is."""
    base = lake.find(ADDRESS)
    version = None if base is None else base.version
    calls = [(lake, writer, partitions, version, len(work)) for writer, partitions in enumerate(work)]
    return publishers.starmap(publish_one, calls, chunksize=1)


def writers_by_month(lake: Lake) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows(lake, AT):
        found.setdefault(row["month"], []).append(row["writer"])
    return found


@pytest.mark.parametrize(
    "before", [[], ["2012-12"], ["2013-01", "2013-02", "2013-03"]], ids=["created", "new", "published"]
)
def test_different_partitions_all_succeed(lake: Lake, publishers: Pool, before: list[str]) -> None:
    if before:
        publish(lake, AT, written_by(-1, before), before)
    done = at_once(publishers, lake, [["2013-01"], ["2013-02"], ["2013-03"]])
    assert sorted(done, key=str) == ([1, 2, 3] if before else [0, 1, 2])
    found = writers_by_month(lake)
    assert [found[f"2013-0{writer + 1}"] for writer in range(3)] == [[0] * 3, [1] * 3, [2] * 3]


@pytest.mark.parametrize("work", [[["2013-01"]] * 2, [["2013-01", "2013-02"], ["2013-02", "2013-03"]], [[WHOLE]] * 2])
@pytest.mark.parametrize("state", ["being created", "without the month", "with the month"])
def test_of_the_same_partition_one_is_refused_and_nothing_of_it_is_visible(
    lake: Lake, publishers: Pool, work: list[list[str]], state: str
) -> None:
    if state != "being created":
        before = (
            [WHOLE] if work[0] == [WHOLE] else ["2012-12"] if state == "without the month" else ["2012-12", *work[0]]
        )
        table = written_by(-1, before)
        publish(lake, AT, table.slice(0, 0) if state == "without the month" else table, before)
    done = at_once(publishers, lake, work)
    (conflict,) = [result for result in done if isinstance(result, str)]
    winner = 1 - done.index(conflict)
    assert "run it again" in conflict
    found = writers_by_month(lake)
    assert {month: found.pop(month) for month in work[winner]} == {month: [winner] * 3 for month in work[winner]}
    assert set(map(tuple, found.values())) <= {(-1, -1, -1)}


def test_what_a_stale_writer_would_replace_is_kept(lake: Lake) -> None:
    publish(lake, AT, written_by(0, ["2013-01"]), ["2013-01"])
    stale = lake.open(ADDRESS)
    publish(lake, AT, written_by(1, ["2013-01"]), ["2013-01"], stale)
    with pytest.raises(PublishConflict, match="feature/levels: another run published 2013-01"):
        publish(lake, AT, written_by(2, ["2013-01"]), ["2013-01"], stale)
    with pytest.raises(PublishConflict, match="another run published"):
        publish(lake, AT, written_by(3, ["2013-01"]), ["2013-01"], stale, rebuild=True)
    assert writers_by_month(lake) == {"2013-01": [1] * 3}


def test_what_was_held_against_all_partitions_is_refused_where_any_has_changed(lake: Lake) -> None:
    publish(lake, AT, written_by(0, ["2013-01"]), ["2013-01"])
    stale = lake.open(ADDRESS)
    publish(lake, AT, written_by(1, ["2013-02"]), ["2013-02"], stale)
    asked: list[int] = []

    def holds(latest: Snapshot, *, so: bool) -> bool:
        asked.append(latest.version)
        return so

    no, yes = partial(holds, so=False), partial(holds, so=True)
    for base in (stale, None):
        with pytest.raises(PublishConflict, match="another run changed the table"):
            publish(lake, AT, written_by(2, ["2013-03"]), ["2013-03"], base, holds=no)
    publish(lake, AT, written_by(2, ["2013-03"]), ["2013-03"], lake.open(ADDRESS), holds=no)
    assert asked == [1, 1], "only where there is something later"
    assert publish(lake, AT, written_by(2, ["2013-04"]), ["2013-04"], stale, holds=yes) == 3
    assert asked == [1, 1, 2]
    assert set(writers_by_month(lake)) == {"2013-01", "2013-02", "2013-03", "2013-04"}


def test_a_rebuild_never_drops_a_month_that_it_has_not_seen(lake: Lake) -> None:
    publish(lake, AT, written_by(0, ["2013-01"]), ["2013-01"])
    stale = lake.open(ADDRESS)
    publish(lake, AT, written_by(1, ["2013-02"]), ["2013-02"], stale)
    with pytest.raises(PublishConflict):
        publish(lake, AT, written_by(2, ["2013-01"]), ["2013-01"], stale, rebuild=True)
    assert writers_by_month(lake) == {"2013-01": [0] * 3, "2013-02": [1] * 3}
    absent = lake.open(ADDRESS)
    assert absent.version == 1
    with pytest.raises(PublishConflict):
        publish(lake, AT, written_by(2, ["2013-03"]), ["2013-03"], None, rebuild=True)


def test_two_that_widen_a_table_do_not_mix(lake: Lake) -> None:
    publish(lake, AT, written_by(0, ["2013-01"]), ["2013-01"])
    stale = lake.open(ADDRESS)
    wider = written_by(1, ["2013-02"]).append_column("note", pa.array(["x"] * 3))
    publish(lake, AT, wider, ["2013-02"], stale)
    with pytest.raises(PublishConflict, match="or changed the table's columns"):
        publish(lake, AT, written_by(2, ["2013-03"]), ["2013-03"], stale)
    assert set(writers_by_month(lake)) == {"2013-01", "2013-02"}

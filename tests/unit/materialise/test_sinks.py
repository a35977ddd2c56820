"""What goes out of the lake: the latest version of a table, of all its months, and only what passed the guard."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pydantic import SecretStr
from tests import gauges as project
from tests.working import land, run, run_all, workspace

from taxiway.connectors import Outgoing, ParquetSink, Written
from taxiway.errors import DefinitionError, LakeError, TableNotFound
from taxiway.materialise import Workspace
from taxiway.materialise.sinks import publish_to_sink
from taxiway.settings import Settings

SINK = ParquetSink(connection="exports")
READINGS, RIVERS = "raw/readings", "feature/river_month"


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", connections={"exports": SecretStr(str(tmp_path / "exports"))})


def published(place: Workspace, at: str, sink: ParquetSink = SINK) -> Written:
    return publish_to_sink(place, place.project.table(at), sink)


def test_all_months_go_out_in_the_order_of_the_key(place: Workspace) -> None:
    land(place)
    run_all(place, ["2013-01", "2013-02"])
    done = published(place, READINGS)
    rows = pq.read_table(done.place).to_pylist()
    keys = [(row["gauge"], row["read_at"]) for row in rows]
    assert (len(rows), keys) == (done.rows, sorted(keys))
    assert {row["month"] for row in rows} == {"2013-01", "2013-02"}
    assert not published(place, READINGS).changed


def test_another_month_is_another_version_and_the_same_rows_are_not(place: Workspace) -> None:
    land(place)
    run_all(place, ["2013-01"])
    first = published(place, READINGS)
    run(place, READINGS, "2013-02")
    second = published(place, READINGS)
    assert (second.changed, second.rows > first.rows) == (True, True)
    run(place, READINGS, ["2013-01", "2013-02"], force=True)
    assert not published(place, READINGS).changed


def test_an_earlier_version_that_was_restored_goes_out_again(place: Workspace) -> None:
    land(place)
    run_all(place, ["2013-01"])
    first = published(place, RIVERS)
    run_all(place, ["2013-01", "2013-02"])
    assert published(place, RIVERS).rows == 4
    place.lake.restore(place.project.table(RIVERS).address, 0, run="test")
    again = published(place, RIVERS)
    assert (again.changed, again.version, again.rows) == (True, first.version, 2)


@dataclass(frozen=True, kw_only=True)
class Slow(ParquetSink):
    """A sink that takes so long that a later version is published, and goes out, before it has written its own."""

    place: Workspace
    seen: list[str] = field(default_factory=list)

    def publish(self, settings: Settings, table: Outgoing) -> Written:
        if not self.seen:
            run_all(self.place, ["2013-01", "2013-02"])
            self.seen.append(published(self.place, RIVERS).version)
        done = super().publish(settings, table)
        self.seen.append(done.version)
        return done


def test_who_is_overtaken_publishes_the_later_version_in_the_end(place: Workspace) -> None:
    land(place)
    run_all(place, ["2013-01"])
    sink = Slow(connection="exports", place=place)
    done = published(place, RIVERS, sink)
    later, earlier, last = sink.seen
    assert (later == last == done.version, earlier != later) == (True, True)
    assert pq.read_table(done.place).num_rows == 4


def test_rows_that_another_program_wrote_do_not_go_out(place: Workspace) -> None:
    land(place)
    run_all(place, ["2013-01"])
    published(place, RIVERS)
    DeltaTable(place.lake.uri(place.project.table(RIVERS).address)).delete("readings > 0")
    with pytest.raises(LakeError, match="holds rows that another program wrote, which passed no guard"):
        published(place, RIVERS)


def test_what_has_not_been_made_is_told(place: Workspace) -> None:
    with pytest.raises(TableNotFound, match="has not been published yet"):
        published(place, RIVERS)


@pytest.mark.parametrize("names", [["x", "x"], ["Exports"], ["a__b__"], [""]], ids=str)
def test_a_name_that_tells_no_sink_from_others_is_refused(names: list[str]) -> None:
    sinks = tuple(ParquetSink(connection=name) for name in names)
    with pytest.raises(DefinitionError, match="is no name for one of its sinks: give each its own"):
        replace(project.project.table(RIVERS), sinks=sinks)

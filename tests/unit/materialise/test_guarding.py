"""What breaks its contract is not published, what is rejected is kept in quarantine, and both belong together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tests.gauges.project import RawReadings
from tests.working import contents, land, publish, rows, run, run_all, statuses, with_table

from taxiway.addresses import Address
from taxiway.engines.duckdb import DuckDB, DuckDBSession
from taxiway.errors import ContractBroken, LakeError, PublishConflict, TransformFailed, UsageError
from taxiway.lake import Lake
from taxiway.materialise import Workspace, materialise
from taxiway.tables import Table
from taxiway.transforms import arrow_transform, pandas_transform, transform

RAW, LEVELS = "raw/readings", "feature/level_history"
QUARANTINE = "quarantine/raw__readings"
ONE_BAD = (b"AAA,2013-02-05T06:00:00Z,25,", b"AAA,2013-02-05T06:00:00Z,high,")
OTHER_BAD = (b"AAA,2013-02-06T06:00:00Z,26,", b"AAA,2013-02-06T06:00:00Z,high,")
MANY_BAD = (b"AAA,2013-02-", b"AAA,2013-02-x")


@pytest.fixture
def made(gauges: Workspace) -> Workspace:
    land(gauges)
    run_all(gauges)
    return gauges


def all_rows(lake: Lake) -> dict[str, list[dict]]:
    """All that is published, and its quarantine."""
    published = [address for address in lake.tables() if address.layer != "refused"]
    return {str(address): rows(lake, str(address)) for address in published}


def test_a_rejected_row_is_in_quarantine_and_the_others_are_published(made: Workspace) -> None:
    land(made, ["2013-02"], change=ONE_BAD)
    outcome = run(made, RAW)
    (result,) = [found for found in outcome.partitions if found.status != "skipped"]
    assert (result.partition, result.status, result.rows, result.rejected) == ("2013-02", "published", 223, 1)
    (kept,) = rows(made.lake, QUARANTINE)
    assert (kept["month"], kept["source_file"], kept["source_row"]) == ("2013-02", "readings-2013-02.csv", 35)
    assert kept["reasons"] == ["level_cm: 'high' is not a whole number from -2147483648 to 2147483647"]
    assert '"level_cm":"high"' in kept["delivered"]
    assert len(rows(made.lake, RAW)) == 4 * 224 - 1


def test_a_corrected_delivery_replaces_the_quarantine(made: Workspace) -> None:
    land(made, ["2013-02"], change=ONE_BAD)
    run(made, RAW)
    land(made, ["2013-02"], change=OTHER_BAD)
    run(made, RAW)
    assert [row["source_row"] for row in rows(made.lake, QUARANTINE)] == [43]
    land(made)
    run(made, RAW)
    assert rows(made.lake, QUARANTINE) == []
    assert len(rows(made.lake, RAW)) == 4 * 224
    assert set(statuses(run(made, RAW)).values()) == {"skipped"}


def test_rows_of_another_month_go_to_quarantine_where_the_transform_tells_the_month_by_the_row(made: Workspace) -> None:
    """What the file was delivered for is what is replaced, so these rows have no place in it and no other either."""

    @transform
    def by_row(landing_readings: ir.Table) -> ir.Table:
        return landing_readings.mutate(month=landing_readings.read_at.date().cast("string").substr(0, 7))

    here = with_table(made, replace(made.project.table(RAW), transform=by_row))
    land(here, ["2013-02"], change=(b"AAA,2013-02-01T0", b"AAA,2013-03-01T0"))
    (result,) = run(here, RAW, ["2013-02"]).partitions
    assert (result.status, result.rows, result.rejected) == ("published", 222, 2)
    kept = rows(here.lake, QUARANTINE)
    assert [row["month"] for row in kept] == ["2013-02"] * 2
    assert [row["source_row"] for row in kept] == [1, 3]
    assert all(any("the file was delivered for another" in reason for reason in row["reasons"]) for row in kept)
    assert len(rows(here.lake, RAW)) == 4 * 224 - 2


def test_above_tolerance_nothing_of_the_month_changes_and_the_others_are_published(gauges: Workspace) -> None:
    land(gauges, ["2013-01", "2013-02"])
    run(gauges, RAW, ["2013-01", "2013-02"])
    before = all_rows(gauges.lake)
    land(gauges)
    land(gauges, ["2013-02"], change=MANY_BAD)
    outcome = run(gauges, RAW)
    assert statuses(outcome) == {
        "2013-01": "skipped",
        "2013-02": "refused",
        "2013-03": "published",
        "2013-04": "published",
    }
    (refused,) = outcome.refused
    assert refused.message.startswith("raw/readings: 2013-02 not published: 112 of 224 rows rejected, 22 tolerated")
    assert "read_at" in str(refused.samples["unreadable"].to_pylist())
    after = all_rows(gauges.lake)
    assert [row for row in after[RAW] if row["month"] in {"2013-01", "2013-02"}] == before[RAW]
    assert after.get(QUARANTINE, []) == before.get(QUARANTINE, [])


def test_a_key_twice_is_refused_whatever_the_tolerance(made: Workspace) -> None:
    before = all_rows(made.lake)
    line = b"AAA,2013-02-05T06:00:00Z,25,\n"
    land(made, ["2013-02"], change=(line, line * 2))
    (refused,) = run(made, RAW).refused
    assert "key (gauge, read_at): 1 more than once" in refused.message
    assert refused.samples["key"].num_rows == 1
    assert all_rows(made.lake) == before


def test_a_file_that_cannot_be_read_is_refused_and_changes_nothing(made: Workspace) -> None:
    before = all_rows(made.lake)
    made.landing.deliver("readings-2013-02.csv", b"<html>")
    outcome = run(made, RAW)
    assert statuses(outcome)["2013-02"] == "refused"
    assert outcome.refused[0].message.startswith("readings-2013-02.csv is an HTML or XML page")
    file = Path(made.landing.address("readings-2013-03.csv"))
    file.unlink()
    file.mkdir()
    outcome = run(made, RAW)
    assert outcome.refused[1].message.startswith("readings-2013-03.csv is a folder: remove it")
    assert all_rows(made.lake) == before


def test_a_quarantine_that_is_not_of_the_published_rows_is_made_anew(made: Workspace) -> None:
    land(made, ["2013-02"], change=ONE_BAD)
    run(made, RAW)
    belongs = rows(made.lake, QUARANTINE)
    # As another run leaves it that published its quarantine and was killed, or lost, before its rows.
    base = made.lake.open(Address.parse(QUARANTINE))
    publish(made.lake, QUARANTINE, contents(made.lake, QUARANTINE).slice(0, 0), ["2013-02"], base)
    assert rows(made.lake, QUARANTINE) == []
    assert statuses(run(made, RAW)) == dict.fromkeys(["2013-01", "2013-03", "2013-04"], "skipped") | {
        "2013-02": "unchanged"
    }
    assert rows(made.lake, QUARANTINE) == belongs
    assert set(statuses(run(made, RAW)).values()) == {"skipped"}


def test_the_commit_of_another_program_on_the_quarantine_is_confirmed_once(made: Workspace) -> None:
    land(made, ["2013-02"], change=ONE_BAD)
    run(made, RAW)
    belongs = rows(made.lake, QUARANTINE)
    write_deltalake(made.lake.uri(Address.parse(QUARANTINE)), contents(made.lake, QUARANTINE), mode="overwrite")
    again = [run(made, RAW, "2013-02").partitions[0] for _ in range(3)]
    assert [result.status for result in again] == ["unchanged", "skipped", "skipped"]
    assert [(result.rows, result.rejected) for result in again] == [(223, 1)] * 3
    assert rows(made.lake, QUARANTINE) == belongs


@dataclass(eq=False)
class Late(DuckDB):
    """An engine that lets something else happen before it publishes the quarantine of `raw/readings`."""

    meanwhile: Callable[[], object] = lambda: None

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        with super().session() as session:
            yield LateSession(session.connection, session.folder, self.meanwhile)


@dataclass(eq=False)
class LateSession(DuckDBSession):
    meanwhile: Callable[[], object] = lambda: None

    def write(self, folder: str, sql: str, schema: pa.Schema, by: str | None) -> None:
        if f"/{QUARANTINE}/" in folder:
            self.meanwhile()
        super().write(folder, sql, schema, by)


def test_a_run_that_lost_to_another_is_told_and_the_next_one_mends_its_quarantine(made: Workspace) -> None:
    def another_run() -> None:
        land(made, ["2013-02"], change=(b",25,", b",24,"))
        run(made, RAW, "2013-02")

    land(made, ["2013-02"], change=ONE_BAD)
    late = Late(2, "1GB", made.settings.scratch, made.settings.lake, another_run)
    with pytest.raises(PublishConflict, match="raw/readings: another run published 2013-02"):
        materialise(made, made.project.table(RAW), ["2013-02"], late, run="late")
    assert [row["level_cm"] for row in rows(made.lake, RAW) if row["month"] == "2013-02"].count(24) > 1
    assert len(rows(made.lake, QUARANTINE)) == 1
    assert statuses(run(made, RAW, "2013-02")) == {"2013-02": "unchanged"}
    assert rows(made.lake, QUARANTINE) == []
    assert set(statuses(run(made, RAW)).values()) == {"skipped"}


def test_a_rebuild_replaces_all_or_nothing(made: Workspace) -> None:
    months = list(made.settings.calendar.keys("month"))
    with pytest.raises(UsageError, match="a rebuild replaces the whole table, and 2013-01, 2013-03, 2013-04"):
        run(made, LEVELS, ["2013-02"], rebuild=True)
    before = all_rows(made.lake)
    land(made, ["2013-03"], change=(b"AAA,2013-03", b"AAA,2013-xx"))
    outcome = run(made, RAW, months, rebuild=True)
    assert set(statuses(outcome).values()) == {"refused"}
    assert "a rebuild publishes all partitions or none" in outcome.partitions[0].message
    assert all_rows(made.lake) == before
    land(made)
    assert set(statuses(run(made, RAW, months, rebuild=True)).values()) == {"published"}
    assert all_rows(made.lake) == before


def test_columns_that_changed_are_refused_before_anything_is_computed(made: Workspace) -> None:
    table = made.project.table(LEVELS)
    base = made.lake.open(table.address)
    wider = contents(made.lake, LEVELS).append_column("gone_later", [["x"] * 896])
    publish(made.lake, LEVELS, wider, list(made.settings.calendar.keys("month")), base, rebuild=True)
    with pytest.raises(LakeError, match=r"gone_later is gone.*taxiway run feature/level_history --rebuild"):
        run(made, LEVELS)
    assert run(made, LEVELS, rebuild=True).refused == ()
    assert "gone_later" not in made.lake.open(table.address).schema.names


@transform
def moved(raw_readings: ir.Table) -> ir.Table:
    """Late readings moved to the next month."""
    late = raw_readings.read_at.day() > 20
    return raw_readings.mutate(month=ibis.ifelse(late, "2013-02", raw_readings.month))


@transform
def readings(raw_readings: ir.Table) -> ir.Table:
    return raw_readings


@pandas_transform(
    prepare=readings,
    columns={
        **dict.fromkeys(("gauge", "source_file", "month"), "string"),
        "read_at": "timestamp('UTC', 6)",
        "level_cm": "int32",
        "source_row": "int64",
    },
)
def moved_by_pandas(rows):
    return rows.assign(month="2013-02")


@arrow_transform(prepare=readings)
def moved_by_arrow(rows: pa.Table) -> pa.Table:
    return rows.drop_columns("month").append_column("month", pa.repeat("2013-02", rows.num_rows))


@pytest.mark.parametrize("computed", [moved, moved_by_pandas, moved_by_arrow])
@pytest.mark.parametrize("months", [["2013-01"], ["2013-01", "2013-02"]])
def test_a_row_that_is_moved_to_another_partition_is_not_lost_in_silence(
    made: Workspace, computed: Any, months: list[str]
) -> None:
    at = "feature/moved"
    place = with_table(made, Table(at, RawReadings, computed))
    told = "2013-02 out of 2013-01.*; a row stays in the partition it was read in"
    with pytest.raises((ContractBroken, TransformFailed), match=f"{at}.*: {told}"):
        run(place, at, months)
    assert place.lake.find(place.project.table(at).address) is None

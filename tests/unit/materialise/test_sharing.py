"""A table means one partition at a time with its declared reach, however many are computed at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, assume, given, settings
from tests.gauges.generated import (
    Generated,
    above_all,
    block,
    filtered,
    grouped,
    hours_before,
    in_others,
    of_steps,
    row_wise,
    transforms,
    window,
)
from tests.gauges.project import LevelHistory, RawGauges, RawReadings, level_history
from tests.gauges.to_the_last_day import project
from tests.working import SOAK, contents, land, rows, run, statuses, with_table, workspace

from taxiway.addresses import Address
from taxiway.errors import DefinitionError
from taxiway.materialise import Workspace, independence_of, kind_of, make_plan
from taxiway.materialise.sharing import shared_queries
from taxiway.materialise.stage import readings
from taxiway.tables import Table
from taxiway.testing import assert_partitions_independent
from taxiway.transforms import Transform

MONTHS = ["2013-01", "2013-02", "2013-03"]
EXAMPLES = 300 if SOAK else 10


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = workspace(tmp_path_factory.mktemp("sharing") / "home", project, months=3)
    land(place)
    run(place, "raw/gauges")
    run(place, "raw/readings")
    return place


def made(place: Workspace, chosen: Transform, name: str) -> tuple[Workspace, str]:
    at = f"feature/{name}"
    return with_table(place, Table(at, Generated, chosen)), at


def queries(place: Workspace, at: str, months: list[str] = MONTHS) -> list[tuple[str, ...]]:
    """The partitions of each query of a run over these months."""
    plan = make_plan(place, place.project.table(at), months)
    alone = {key: readings(place, plan, (key,)) for key in months}
    return shared_queries(plan, alone, readings(place, plan, tuple(months)))


def in_every_way(place: Workspace, chosen: Transform) -> list[list[dict[str, Any]]]:
    """The rows of the table made by a range, month by month, and backwards."""
    found = []
    for name, parts in {"range": [MONTHS], "forwards": MONTHS, "backwards": MONTHS[::-1]}.items():
        changed, at = made(place, chosen, f"in_{name}")
        for part in parts:
            run(changed, at, part, force=True)
        found.append(rows(changed.lake, at))
    return found


TOGETHER: Mapping[str, Transform] = {
    "row-wise": of_steps([row_wise, filtered], None),
    "a window by month": of_steps([window("sum", ("gauge", "month")), window("lag", ("month",))], None),
    "groups by month": of_steps([grouped(("gauge", "month"), "left")], None),
    "rows of the same month": of_steps([in_others(["gauge", "month"])], None),
    "hours within the lookback": of_steps([hours_before("sum", 24, ("gauge",))], 24),
    "totals within the lookback": of_steps([block(24, "totals")], 24),
    "the latest within the lookback": of_steps([block(24, "latest")], 800),
    "buckets within the lookback": of_steps([block(24, "buckets")], 24),
}

APART: Mapping[str, tuple[Transform, str]] = {
    "a window without the month": (of_steps([window("count", ("gauge",))], None), "value is a window over rows"),
    "no group at all": (of_steps([window("max", ())], None), "group it by month"),
    "numbered rows": (of_steps([window("row_number", ("gauge",))], None), "value is a window over rows"),
    "the row before": (of_steps([window("lag", ("gauge",))], 24), "value is a window over rows"),
    "groups without the month": (of_steps([grouped(("gauge",), "inner")], None), "group by month too"),
    "a join without the month": (of_steps([in_others(["gauge"])], None), "the semi join with rows of raw_readings"),
    "the greatest of all": (of_steps([above_all], None), "takes a value from rows of several partitions"),
    "hours beyond the lookback": (of_steps([hours_before("sum", 24, ("gauge",))], 6), ""),
    "totals beyond the lookback": (of_steps([block(24, "totals")], 6), ""),
    "hours without a lookback": (of_steps([hours_before("sum", 6, ("gauge",))], None), ""),
    "buckets across the end of a month": (of_steps([block(30, "buckets")], 800), ""),
    "events that are computed": (of_steps([window("sum", ("month",)), block(6, "buckets")], 24), "not rows of one"),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_partitions_share_a_query_where_none_sees_beyond_its_own(landed: Workspace, case: str) -> None:
    place, at = made(landed, TOGETHER[case], "shared")
    assert queries(place, at) == [tuple(MONTHS)]
    assert "computed together" in str(independence_of(place, place.project.table(at)))
    ranged, forwards, backwards = in_every_way(landed, TOGETHER[case])
    assert ranged == forwards == backwards


@pytest.mark.parametrize("case", APART)
def test_all_others_are_computed_one_by_one(landed: Workspace, case: str) -> None:
    chosen, why = APART[case]
    place, at = made(landed, chosen, "apart")
    assert queries(place, at) == [(month,) for month in MONTHS]
    assert why in str(independence_of(place, place.project.table(at)))
    ranged, forwards, backwards = in_every_way(landed, chosen)
    assert ranged == forwards == backwards
    changed, at = made(landed, chosen, "in_range")
    assert set(statuses(run(changed, at, MONTHS)).values()) == {"skipped"}


def test_a_window_counts_what_its_own_month_has(landed: Workspace) -> None:
    place, at = made(landed, of_steps([window("count", ("gauge",))], None), "counted")
    run(place, at, MONTHS)
    expected = {(row["gauge"], row["month"]): 0 for row in rows(place.lake, "raw/readings")}
    for row in rows(place.lake, "raw/readings"):
        expected[row["gauge"], row["month"]] += row["level_cm"] is not None
    assert {(row["gauge"], row["month"]): row["value"] for row in rows(place.lake, at)} == expected


def is_followed(place: Workspace, chosen: Transform) -> bool:
    """Whether the certificate can tell that rows have one order; else it refuses them when definitions load."""
    changed, at = made(place, chosen, "tried")
    try:
        kind_of(changed, changed.project.table(at))
    except DefinitionError as error:
        if "rows that tie come in any order" not in str(error):
            raise
        return False
    return True


@given(transforms())
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_any_transform_means_one_month_at_a_time(landed: Workspace, chosen: Transform) -> None:
    assume(is_followed(landed, chosen))
    ranged, forwards, backwards = in_every_way(landed, chosen)
    assert ranged == forwards == backwards


def test_what_has_no_statistics_is_computed_one_by_one(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", project, months=3)
    land(place)
    run(place, "raw/gauges")
    run(place, "raw/readings")
    uri = place.lake.uri(Address.parse("raw/readings"))
    changed, at = made(place, TOGETHER["hours within the lookback"], "levels")
    assert queries(changed, at) == [tuple(MONTHS)]
    DeltaTable(uri).alter.set_table_properties({"delta.dataSkippingNumIndexedCols": "0"})
    found = contents(place.lake, "raw/readings")
    write_deltalake(uri, found, mode="overwrite", predicate="true")
    assert queries(changed, at) == [(month,) for month in MONTHS]


def test_the_proof_for_projects(landed: Workspace) -> None:
    tables = {at.replace("/", "_"): contents(landed.lake, at) for at in ("raw/readings", "raw/gauges")}
    contracts = {"raw_readings": RawReadings, "raw_gauges": RawGauges}
    compared = assert_partitions_independent(level_history, tables, contracts, result=LevelHistory)
    assert compared == tables["raw_readings"].num_rows
    counted = of_steps([window("count", ("gauge",))], None)
    with pytest.raises(AssertionError, match=r"value of gauge AAA, read_at 2013-01-.* in 2013-01 is \d+ where all"):
        assert_partitions_independent(counted, tables, contracts, result=Generated)


def lost(raw_readings: ir.Table) -> ir.Table:
    t: Any = raw_readings.select("gauge", "read_at", "month", value=raw_readings.level_cm.cast("int64"))
    return t.filter(t["value"] > t["value"].max().over(group_by="gauge") - 20)


def test_the_proof_sees_rows_that_are_lost(landed: Workspace) -> None:
    tables = {"raw_readings": contents(landed.lake, "raw/readings")}
    declared = Transform(lost, ("raw_readings",), {})
    with pytest.raises(AssertionError, match="rows where all partitions are computed at once"):
        assert_partitions_independent(declared, tables, {"raw_readings": RawReadings}, result=Generated)

"""Whether partitions share a query is decided alike for both engines, and changes nothing on either."""

from pathlib import Path

import pytest
from tests.gauges.generated import Generated, block, hours_before, of_steps, row_wise, window
from tests.gauges.to_the_last_day import project
from tests.parity.conftest import EngineFor
from tests.working import land, rows, run, with_table, workspace

from taxiway.materialise import materialise
from taxiway.tables import Table
from taxiway.transforms import Transform

MONTHS = ["2013-01", "2013-02"]
CASES = {
    "together": of_steps([hours_before("sum", 24, ("gauge",)), row_wise], 24),
    "one by one": of_steps([window("count", ("gauge",)), block(30, "buckets")], 800),
}


@pytest.mark.parametrize("chosen", CASES.values(), ids=list(CASES))
def test_a_range_on_spark_is_one_month_at_a_time_on_duckdb(
    engine_for: EngineFor, tmp_path: Path, chosen: Transform
) -> None:
    place = workspace(tmp_path / "home", project, months=2)
    land(place)
    run(place, "raw/readings")
    for month in MONTHS[::-1]:
        run(with_table(place, Table("feature/on_duckdb", Generated, chosen)), "feature/on_duckdb", month)
    table = Table("feature/on_spark", Generated, chosen)
    changed = with_table(place, table)
    outcome = materialise(changed, table, MONTHS, engine_for("spark", place.settings), run="test")
    assert [result.status for result in outcome.partitions] == ["published", "published"]
    assert rows(place.lake, "feature/on_spark") == rows(place.lake, "feature/on_duckdb")

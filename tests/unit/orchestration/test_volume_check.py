"""Far fewer rows than are published: a check that fails, and the tag with which a run accepts them."""

import dagster as dg
from tests.unit.orchestration.world import World, key
from tests.working import rows

from taxiway.orchestration.table_asset import ACCEPT_FEWER_TAG

READINGS, MONTH, FILE = "raw/readings", "2013-02", "readings-2013-02.csv"


def test_a_cut_file_fails_the_check_of_the_rows_until_a_run_accepts_it(landed: World) -> None:
    zone = landed.workspace.landing
    zone.deliver(FILE, b"".join(zone.read(FILE).splitlines(keepends=True)[:2]))
    assert not landed.run([key(READINGS)], partition=MONTH)
    check = landed.check(READINGS, "rows")
    assert check is not None
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    rules = check.metadata["failing_rules"]
    assert isinstance(rules, dg.TableMetadataValue)
    (record,) = rules.records
    assert "volume: 1 row where 224 are published" in str(record.data["rule"])
    assert len([row for row in rows(landed.workspace.lake, READINGS) if row["month"] == MONTH]) == 224
    assert landed.run([key(READINGS)], partition=MONTH, tags={ACCEPT_FEWER_TAG: "true"})
    assert len([row for row in rows(landed.workspace.lake, READINGS) if row["month"] == MONTH]) == 1
    check = landed.check(READINGS, "rows")
    assert check is not None
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)

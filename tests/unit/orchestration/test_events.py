"""What Dagster is told where nothing had to be judged again, and how much of a long text."""

import dagster as dg

from taxiway.materialise import PartitionResult
from taxiway.orchestration.events import check_results, table_of

KEY = dg.AssetKey(["raw", "weather"])


def test_a_skipped_partition_stays_a_warning_while_rows_of_it_are_in_quarantine():
    results = [PartitionResult("2013-01", "skipped", rows=10), PartitionResult("2013-02", "skipped", 9, rejected=1)]
    checks = {check.check_name: check for check in check_results(KEY, results)}
    assert [name for name, check in checks.items() if not check.passed] == ["rows"]
    assert checks["rows"].severity == dg.AssetCheckSeverity.WARN
    assert checks["rows"].description == "2013-02: still without the rows in quarantine, 1."
    assert all(check.passed for check in check_results(KEY, results[:1]))


def test_a_long_text_is_cut_and_numbers_stay_numbers():
    (record,) = table_of([{"model": "tree\n" * 1000, "rows": 7, "share": 0.5, "none": None}]).records
    assert len(str(record.data["model"])) < 500
    assert str(record.data["model"]).endswith("…")
    assert (record.data["rows"], record.data["share"], record.data["none"]) == (7, 0.5, None)

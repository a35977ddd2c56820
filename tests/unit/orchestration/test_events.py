"""What Dagster is told of a table: the state of all that is published, and how much of a long text."""

import dagster as dg

from taxiway.lake import Finding, PartitionState
from taxiway.materialise import PartitionResult
from taxiway.orchestration.events import check_results, table_of

KEY = dg.AssetKey(["raw", "weather"])
SKIPPED = [PartitionResult("2013-01", "skipped", rows=10)]


def state(*findings: Finding, rejected: int = 0, fingerprint: str = "code") -> PartitionState:
    return PartitionState("1", fingerprint, {}, 10, rejected, findings=findings)


def checks(**known: PartitionState) -> dict[str, dg.AssetCheckResult]:
    states = {f"2013-{month.removeprefix('m')}": value for month, value in known.items()}
    return {str(check.check_name): check for check in check_results(KEY, SKIPPED, states)}


def test_a_clean_table_passes() -> None:
    assert all(check.passed and check.description is None for check in checks(m01=state(), m02=state()).values())


def test_rows_in_quarantine_stay_a_warning_whatever_was_run() -> None:
    found = checks(m01=state(), m02=state(Finding("gust", "gust below 200", "error"), rejected=1))
    assert [name for name, check in found.items() if not check.passed] == ["rows"]
    assert found["rows"].severity == dg.AssetCheckSeverity.WARN
    assert found["rows"].description == "2013-02: 1 row in quarantine; gust below 200 (1 row)."


def test_provenance_from_before_findings_were_kept_still_tells_of_quarantine() -> None:
    assert checks(m02=state(rejected=2))["rows"].description == "2013-02: 2 rows in quarantine."


def test_what_another_program_wrote_passes_no_check_of_rows_and_keys() -> None:
    found = checks(m01=state(), m02=state(fingerprint=""))
    assert [name for name, check in found.items() if not check.passed] == ["key", "rows"]
    assert str(found["key"].description).startswith("2013-02: written by another program")


def test_many_partitions_are_summed_up() -> None:
    many = {f"m{month:02d}": state(Finding("late", "late", count=month)) for month in range(1, 21)}
    description = str(checks(**many)["rows"].description)
    assert description.startswith("2013-01: warning: late (1 row). 2013-02: warning: late (2 rows).")
    assert description.endswith(" And 8 more partitions.")


def test_a_long_text_is_cut_and_numbers_stay_numbers():
    (record,) = table_of([{"model": "tree\n" * 1000, "rows": 7, "share": 0.5, "none": None}]).records
    assert len(str(record.data["model"])) < 500
    assert str(record.data["model"]).endswith("…")
    assert (record.data["rows"], record.data["share"], record.data["none"]) == (7, 0.5, None)

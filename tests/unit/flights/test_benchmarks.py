"""The flights' own benchmarks hold together: what is measured exists, and the rivals state the same rules."""

import sys
from pathlib import Path

import pytest
from tests.benchmarks import guard_rules
from tests.working import ROOT

from flights.project import project
from taxiway.benchmark import load_benchmarks
from taxiway.contracts import compile_contract

HEADER = b"year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier\n"


def test_every_measure_names_trials_that_there_are():
    benchmarks = load_benchmarks(project, ROOT)
    known = {trial.name for trial in benchmarks.trials}
    assert {measure.name for measure in benchmarks.measures} == {
        "year",
        "corrected",
        "unchanged",
        "guard",
        "guard-on-spark",
        "scala",
        "memory",
        "import",
        "bucket",
        "commits",
        "files",
        "staging",
    }
    assert {name for measure in benchmarks.measures for name in measure.trials} == known


def test_thirty_rules_are_the_same_by_contract_and_by_hand():
    contract = compile_contract(guard_rules.Guarded)
    assert {rule.name for rule in contract.rules} == set(guard_rules.BAD_ROWS)
    assert len(contract.rules) == 30


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_correction_changes_one_arrival_by_a_minute(tmp_path: Path, end: bytes):
    load_benchmarks(project, ROOT)
    file = tmp_path / "flights-2013-09.csv"
    rows = [
        b"2013,9,1,900,900,0,1000,1000,0,AA",
        b"2013,9,1,NA,900,NA,NA,1000,NA,AA",
        b"2013,9,1,900,900,0,1059,1000,59,AA",
        b"2013,9,1,900,900,0,1010,1000,10,AA",
    ]
    file.write_bytes(HEADER + b"".join(row + end for row in rows))
    sys.modules["taxiway_benchmarks.year"]._correct(file)
    rows[3] = b"2013,9,1,900,900,0,1011,1000,11,AA"
    assert file.read_bytes() == HEADER + b"".join(row + end for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]

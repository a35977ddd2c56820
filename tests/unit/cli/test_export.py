"""`taxiway export`, and the exit codes that others rely on as docs/airflow.md has them."""

import re

from tests.unit.cli.conftest import CommandLine
from tests.working import ROOT

DOCUMENTED = (ROOT / "docs" / "airflow.md").read_text().partition("## Exit codes")[2]


def means(code: int) -> str:
    """What the documentation says of an exit code."""
    (found,) = re.findall(rf"^\| {code} \| ([^|]+) \|", DOCUMENTED, re.MULTILINE)
    return found


def test_a_dag_is_printed_and_the_same_each_time(fresh: CommandLine) -> None:
    first, second = (fresh.done("export", "airflow").out for _ in range(2))
    assert first == second
    assert first.startswith('"""The tables of gauges by month')
    assert "'taxiway_deployment', 'local'" in first


def test_a_deployment_that_is_not_there_is_wrong_use(fresh: CommandLine) -> None:
    said = fresh("export", "airflow", "--deployment", "elsewhere")
    assert (said.code, said.out) == (2, "")
    assert "TAXIWAY_DEPLOYMENT is one of local" in said.err


def test_exit_codes_are_as_documented(fresh: CommandLine) -> None:
    assert "has not been landed" in means(2)
    assert fresh("run", "raw", "--partition", "2013-01").code == 2
    fresh.done("land", "--partition", "2013-01")
    assert "up to date" in means(0)
    assert [fresh("run", "raw", "--partition", "2013-01").code for _ in range(2)] == [0, 0]
    fresh.done("land", "--partition", "2013-02", "--spoil", "too-many")
    assert "refused" in means(1)
    assert fresh("run", "raw", "--partition", "2013-02").code == 1
    assert "compare" in means(10)  # shown in test_compare
    assert "interrupted" in means(130)  # shown in test_processes

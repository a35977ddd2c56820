"""`run`, `land` and `doctor` say what lies in the landing zone and belongs to no table."""

from tests.unit.cli.conftest import CommandLine

TOLD = "Readings-2013-01.csv belongs to no table: did you mean readings-2013-01.csv? rename it"


def test_what_belongs_to_no_table_is_told_by_every_command(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-02")
    (fresh.home / "landing" / "Readings-2013-01.csv").write_bytes(b"x")
    (fresh.home / "landing" / "readings-2014-01.csv").write_bytes(b"x")
    (fresh.home / "landing" / "readings-2013-03.csv").symlink_to("nowhere")
    outside = "readings-2014-01.csv is of raw/readings for 2014-01, outside the calendar of this deployment"
    for said in (fresh.done("land", "--partition", "2013-02"), fresh.done("run", "raw", "--partition", "2013-02")):
        assert f"warning: {TOLD}" in said.err
        assert f"warning: {outside}" in said.err
    found = [each for each in fresh("doctor", "--json").data if each["check"] == "landing"]
    assert [each["status"] for each in found] == ["ok", "warning", "warning", "warning"]
    assert found[0]["found"] == "2 of 5 files are there"
    told = [f"{each['found']}: {each['advice']}" for each in found[1:]]
    assert told[0].startswith("readings-2013-03.csv is a link to nowhere: remove it from ")
    assert told[1] == TOLD
    assert told[2].startswith(outside)
    refused = fresh("run", "raw")
    assert refused.code == 1
    assert "readings-2013-03.csv is a link to nowhere" in refused.err


def test_a_lone_file_with_a_wrong_name_is_told_before_that_none_has_been_landed(fresh: CommandLine) -> None:
    (fresh.home / "landing").mkdir(parents=True)
    (fresh.home / "landing" / "Readings-2013-01.csv").write_bytes(b"x")
    said = fresh("run", "raw/readings")
    assert said.code == 2
    assert f"warning: {TOLD}" in said.err
    assert said.err.index(TOLD) < said.err.index("nothing has been landed yet")


def test_doubtful_values_and_a_cut_file_are_warnings_of_the_run(fresh: CommandLine) -> None:
    fresh.done("land", "--partition", "2013-02")
    path = fresh.home / "landing" / "readings-2013-02.csv"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    (fresh.home / "landing" / "gauges.csv").write_bytes(b"gauge,river\nAAA, Elbe\nBBB,N/A\n")
    said = fresh.done("run", "raw", "--json")
    warnings = {each["table"]: each["message"] for each in said.data["warnings"]}
    assert "may be cut: line 225, the last, has no end" in warnings["raw/readings"]
    assert (
        "gauges.csv: river has 1 value padded with blanks (' Elbe') and 1 value a word for a missing"
        in warnings["raw/gauges"]
    )

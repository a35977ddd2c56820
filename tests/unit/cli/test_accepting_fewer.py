"""Far fewer rows than are published: what the command line says, how they are accepted, and where that is recorded."""

from tests.unit.cli.conftest import CommandLine

TABLE, MONTH, FILE = "raw/readings", "2013-03", "readings-2013-03.csv"


def cut(command: CommandLine, rows: int) -> None:
    """Deliver only the first readings of March."""
    file = command.home / "landing" / FILE
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[: rows + 1]))


def published(command: CommandLine) -> int:
    question = f"select count(*) as rows from raw.readings where month = '{MONTH}'"
    return command.done("sql", question, "--json").data[0]["rows"]


def test_a_file_that_was_cut_is_refused_and_can_be_accepted(copied: CommandLine) -> None:
    cut(copied, 1)
    refused = copied("run", TABLE, "--partition", MONTH)
    assert refused.code == 1
    assert "volume: 1 row where 224 are published, below the share of 0.1" in refused.err
    assert published(copied) == 224
    _, _, command = refused.err.partition("to accept it: taxiway ")
    said = copied.done(*command.splitlines()[0].partition(";")[0].split())
    assert "volume: 1 row where 224 are published, below the share of 0.1; accepted" in said.out
    assert published(copied) == 1
    (newest, *_) = copied.done("history", TABLE, "--json").data
    assert newest["partitions"][MONTH]["accepted_fewer"] is True
    assert MONTH in copied.done("history", TABLE).out


def test_less_than_half_is_told(copied: CommandLine) -> None:
    cut(copied, 100)
    said = copied.done("run", TABLE, "--partition", MONTH, "--json").data
    (warning,) = said["warnings"]
    assert warning["message"] == "volume: 100 rows where 224 are published, below the share of 0.5"
    assert (warning["table"], warning["partition"]) == (TABLE, MONTH)
    (newest, *_) = copied.done("history", TABLE, "--json").data
    assert newest["partitions"][MONTH]["accepted_fewer"] is False

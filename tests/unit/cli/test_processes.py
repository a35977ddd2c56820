"""What only a process of its own can show: pipes, signals, imports, a project that is not installed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.working import LOCAL, ROOT, workspace_file

PROGRAM = [sys.executable, "-c", "from taxiway.cli import main; main()"]

PROJECT = '''"""Rivers."""

from taxiway.tables import Project, collect

project = Project("rivers", collect("rivers.raw", "rivers.features"), deliveries=lambda months: iter(
    [(f"levels-{month}.csv", b"gauge,level_cm\\nAAA,1\\nBBB,2\\n") for month in months]
))
'''

LEVELS = '''"""raw/levels: as delivered."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Int32, Int64, Text, column
from taxiway.landing import CSV
from taxiway.tables import Table
from taxiway.transforms import transform


class RawLevels(Contract):
    """One row for each gauge and month."""

    gauge: Text = column("The gauge")
    level_cm: Int32 = column("The level", unit="cm")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it")
    month: Text = column("The month")

    class Config:
        unique = ["gauge", "month"]
        metadata = contracts.table(grain="month")


@transform
def levels(landing_levels: ir.Table) -> ir.Table:
    return landing_levels.mutate(month=landing_levels["_partition"])


table = Table("raw/levels", contract=RawLevels, transform=levels, files=CSV("levels-{month}.csv"))
'''

IMPORTS = LEVELS[LEVELS.index("import ibis") : LEVELS.index("class RawLevels")]
HIGHEST = f'''"""feature/highest: the highest level."""

{IMPORTS}
class Highest(Contract):
    """One row for each month."""

    month: Text = column("The month")
    level_cm: Int32 = column("The highest level", unit="cm")

    class Config:
        unique = ["month"]
        metadata = contracts.table(grain="month")


@transform
def highest(raw_levels: ir.Table) -> ir.Table:
    return raw_levels.group_by("month").aggregate(level_cm=raw_levels.level_cm.max())


table = Table("feature/highest", contract=Highest, transform=highest)
'''


def variables(command: CommandLine) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TAXIWAY_")}
    return others | command.variables | {"PYTHONPATH": str(ROOT)}


def start(command: CommandLine, *words: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*PROGRAM, *words], env=variables(command), cwd=cwd, stdout=pipe, stderr=pipe, text=True)


def ended(command: CommandLine, *words: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    process = start(command, *words, cwd=cwd)
    out, err = process.communicate()
    return process.returncode, out, err


def pasted(command: CommandLine, line: str, cwd: Path) -> str:
    return subprocess.check_output(line, shell=True, env=variables(command), cwd=cwd, text=True)


def next_commands(out: str) -> dict[str, str]:
    """What `taxiway new table` says to do next."""
    lines = (line.partition(":") for line in out.splitlines() if line.startswith("  "))
    return {what.strip(): line.strip() for what, _, line in lines}


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_the_program_starts_without_what_is_heavy(built: CommandLine) -> None:
    code = (
        "import sys, taxiway, taxiway.cli\n"
        "print(sorted({'dagster', 'ibis', 'duckdb', 'pandas', 'pandera', 'pyarrow', 'deltalake'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    assert ended(built, "--version")[:2] == (0, "taxiway 0.1.0\n")
    code, out, _ = ended(built, "--help")
    assert code == 0
    for command in ("land", "run", "tables", "show", "sql", "history", "quarantine", "new", "doctor", "demo", "ui"):
        assert f" {command} " in out


def test_reading_does_not_load_the_project_or_dagster(built: CommandLine) -> None:
    code = (
        "import sys\nfrom taxiway.cli import main\n"
        "try: main(['sql', 'select 1 as one from raw.gauges'])\n"
        "except SystemExit: print(sorted({'dagster', 'ibis', 'pandera', 'tests'} & set(sys.modules)))"
    )
    env = dict(os.environ) | built.variables
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=env).splitlines()[-1] == "[]"


def test_a_reader_who_has_seen_enough_is_no_error(built: CommandLine) -> None:
    for words in (["sql", "from range(20000)", "--json"], ["sql", "from range(20000)", "--limit", "20000"]):
        process = start(built, *words)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() in (0, 1)


def test_nothing_is_cut_in_a_pipe(built: CommandLine) -> None:
    _, out, _ = ended(built, "sql", "select repeat('x', 50) as a, repeat('y', 50) as b, repeat('z', 50) as c")
    assert out.splitlines()[1].split() == ["x" * 50, "y" * 50, "z" * 50]


@pytest.mark.parametrize("words", [["doctor"], ["tables"], ["run", "raw/gauges"], ["history", "raw/readings"]], ids=str)
def test_no_line_ends_with_blanks_in_a_pipe(copied: CommandLine, words: list[str]) -> None:
    code, out, err = ended(copied, *words)
    assert code == 0, err
    assert len(out.splitlines()) > 1
    assert [line for line in (out + err).splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_cleanly(copied: CommandLine, kind: signal.Signals) -> None:
    process = start(copied, "run", "--force", "--partition", "2013-02")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("started raw/gauges"):
            process.send_signal(kind)
            break
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert re.fullmatch(r"interrupted: \d of 4 tables finished.*; the same command goes on from there", last_line(err))
    assert "Traceback" not in err
    assert copied.runs()[0].status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    assert len(copied.done("show", "raw/gauges", "--json").data) == 2


def test_a_new_table_is_one_file_that_runs_as_it_is(tmp_path: Path) -> None:
    """In a project that nobody installed: `assets/` of the root is enough."""
    package = tmp_path / "assets" / "rivers"
    for folder, files in {"raw": {"levels": LEVELS}, "features": {"highest": HIGHEST}}.items():
        (package / folder).mkdir(parents=True)
        for name, text in {"__init__": "", **files}.items():
            (package / folder / f"{name}.py").write_text(text)
    (package / "__init__.py").write_text("")
    (package / "project.py").write_text(PROJECT)
    (tmp_path / "deployments" / "local").mkdir(parents=True)
    (tmp_path / "workspace.yaml").write_text(workspace_file("rivers.definitions", "assets"))
    settings = f'{LOCAL}project = "rivers.project:project"\nfirst = "2013-01"\nend = "2013-03"\n'
    (tmp_path / "deployments" / "local" / "settings.toml").write_text(settings)
    command = CommandLine(tmp_path, tmp_path / "home")

    code, out, err = ended(command, "new", "table", "feature/gauge_count", cwd=tmp_path)
    assert code == 0, err
    assert "assets/rivers/features/gauge_count.py" in out
    commands = next_commands(out)
    written = package / "features" / "gauge_count.py"
    before = written.read_text()
    assert "def test_gauge_count" in before
    assert ended(command, "new", "table", "feature/gauge_count")[0] == 2
    assert written.read_text() == before

    as_flights = ["--stdin-filename", "assets/flights/features/gauge_count.py"]
    for lint in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *lint, *as_flights]
        subprocess.run(ruff, input=before, text=True, cwd=ROOT, check=True)

    assert "1 passed" in pasted(command, commands["test it"], tmp_path)
    pasted(command, commands["make it"], tmp_path)
    assert pasted(command, commands["look"], tmp_path).split() == ["month", "row_count", "2013-01", "2", "2013-02", "2"]

    code, out, err = ended(command, "new", "table", "feature/again", "--reads", "feature/highest")
    assert code == 0, err
    assert "rows of feature/highest" in out
    assert " land && " not in out, "the files are there now"
    (tmp_path / "Makefile").write_text("setup-dev:\n")
    without = [sys.executable, "-c", "import sys; sys.modules['pytest'] = None; from taxiway.cli import main; main()"]
    words = ["new", "table", "feature/once_more"]
    out = subprocess.check_output([*without, *words], env=variables(command), cwd=tmp_path, text=True)
    assert next_commands(out)["test it"].startswith("make setup-dev && ")

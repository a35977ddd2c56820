"""No pickle that could run anything is read: not from the lake, the landing zone or what Dagster keeps."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from tests.unit.cli.conftest import SETTINGS
from tests.working import ROOT, SOAK

from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.orchestration.no_values import NoValues

# Python tells of every name that a pickle asks for, whoever reads it; without one it runs nothing.
WATCHED = """\
import sys


def hear(event: str, words: tuple) -> None:
    if event == "pickle.find_class":
        print(f"a pickle asked for {words}", file=sys.stderr, flush=True)
        import os

        os._exit(99)


sys.addaudithook(hear)
"""
COMMAND = f"{WATCHED}\nfrom taxiway.cli import main\nmain(sys.argv[1:])"


def watched(root: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TAXIWAY_ROOT": str(root), "TAXIWAY_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_the_watch_sees_a_pickle() -> None:
    reading = f"{WATCHED}\nimport pickle, pathlib\npickle.loads(pickle.dumps(pathlib.Path()))"
    done = subprocess.run([sys.executable, "-c", reading], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:18]) == (99, "a pickle asked for")


@pytest.mark.parametrize(
    "project", ["gauges", pytest.param("flights", marks=pytest.mark.skipif(not SOAK, reason="minutes"))]
)
@pytest.mark.timeout(1200)
def test_a_materialisation_reads_none(project: str, tmp_path: Path) -> None:
    root = ROOT
    if project == "gauges":
        root = tmp_path
        (root / "deployments" / "local").mkdir(parents=True)
        (root / "deployments" / "local" / "settings.toml").write_text(SETTINGS)
    commands = [
        ["land", "--partition", "2013-01"],
        ["run", "--partition", "2013-01"],
        ["run", "--partition", "2013-01"],
        ["tables"],
    ]
    for words in commands:
        done = watched(root, tmp_path / "home", *words)
        assert done.returncode == 0, f"{words}: {done.stdout[-500:]}{done.stderr[-2000:]}"


def test_a_value_that_a_step_returns_is_refused(gauges: Workspace) -> None:
    @dg.asset
    def returns_a_value() -> int:
        return 1

    @dg.asset
    def returns_nothing() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        given = {"instance": instance, "resources": {"io_manager": NoValues()}, "raise_on_error": False}
        assert dg.materialize([returns_nothing], **given).success
        failed = dg.materialize([returns_a_value], **given)
        (event,) = [event for event in failed.all_events if event.is_step_failure]
    assert "returns_a_value returned a value, which Dagster would keep as a pickle" in str(
        event.step_failure_data.error
    )


def test_no_job_has_another_way_to_keep_values(gauges: Workspace) -> None:
    settings = gauges.settings.model_copy(update={"parameters": {}})
    definitions = build_definitions(gauges.project, settings, workspace=Workspace(gauges.project, settings))
    assert isinstance((definitions.resources or {})["io_manager"], NoValues)
    for job in definitions.get_repository_def().get_all_jobs():
        outputs = [output for node in job.all_node_defs for output in node.output_defs]
        assert outputs
        assert {output.io_manager_key for output in outputs} == {"io_manager"}, job.name

"""The compose file and the Dockerfile: whole, without a secret, and what linters let pass."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.working import ROOT, unavailable

from taxiway.deployment import Layout, Process, processes
from taxiway.deployment.containers import render_compose, render_dockerfile
from taxiway.scaffold import project as scaffold
from taxiway.scaffold import write_project
from taxiway.version import __version__

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Layout, tuple[Process, ...]]:
    """A folder with both files, and what they were written from."""
    folder = tmp_path_factory.mktemp("containers")
    layout = Layout.containers("staging", ROOT, 9000)
    listed = processes(layout)
    (folder / "Dockerfile").write_text(render_dockerfile(layout, listed, ROOT))
    (folder / "compose.yaml").write_text(render_compose(layout, listed, folder, ROOT))
    return folder, layout, listed


def lint(program: str, *words: str) -> None:
    if not (PROGRAMS / program).is_file():
        unavailable(f"{program} is not installed: make setup-dev")
    done = subprocess.run([PROGRAMS / program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linters_let_both_pass(written: tuple[Path, Layout, tuple[Process, ...]]) -> None:
    folder, _, _ = written
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(folder / "compose.yaml"))
    lint("hadolint", str(folder / "Dockerfile"))


def test_there_is_a_service_for_each_process(written: tuple[Path, Layout, tuple[Process, ...]]) -> None:
    folder, _, listed = written
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    assert list(services) == ["prepare", *(process.name for process in listed)]
    assert services["prepare"]["command"][-3:] == ["staging", "--port", "9000"], "whatever the image's settings say"
    assert services["nginx"]["ports"] == ["9000:9000"]
    for process in listed:
        service = services[process.name]
        assert service["command"] == list(process.command)
        assert set(service["depends_on"]) == {"prepare", *process.needs}
        assert ("healthcheck" in service) is not process.once
        own = {volume.partition(":")[0] for volume in service["volumes"]}
        assert own == {process.name, *process.folders}, "each has its own secrets alone"
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert [name for name, service in services.items() if "outside" in service.get("networks", ())] == ["nginx"]


def test_the_image_is_built_from_the_project(written: tuple[Path, Layout, tuple[Process, ...]]) -> None:
    folder, _, listed = written
    build = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["nginx"]["build"]
    assert (folder / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).resolve() == folder / "Dockerfile"
    dockerfile = (folder / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    assert all((ROOT / name).exists() for names in copied for name in names)
    assert all(package in dockerfile for process in listed for package in process.packages)


@pytest.mark.parametrize(
    ("wheel", "installed"), [(True, "./wheels/taxiway-1-py3-none-any.whl"), (False, f"taxiway=={__version__}")]
)
def test_the_image_of_a_new_project_finds_what_it_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: bool, installed: str
) -> None:
    monkeypatch.setattr(scaffold, "provide_wheel", lambda _: wheel)
    write_project("shop", tmp_path)
    if wheel:
        (tmp_path / "wheels").mkdir()
        (tmp_path / "wheels" / "taxiway-1-py3-none-any.whl").touch()
    layout = Layout.containers("staging", ROOT, 9000)
    dockerfile = render_dockerfile(layout, processes(layout), tmp_path)
    locked = re.findall(r"-r (\S+)", dockerfile)
    assert locked == [f"requirements/{name}.txt" for name in ("build", "core", "staging")]
    assert all((tmp_path / name).is_file() for name in locked)
    assert f"--no-deps {installed} -e ./. " in dockerfile


def test_neither_has_a_secret(written: tuple[Path, Layout, tuple[Process, ...]]) -> None:
    folder, _, _ = written
    text = (folder / "compose.yaml").read_text() + (folder / "Dockerfile").read_text()
    assert "password" not in text.replace("passwords", "").lower()
    secret = [line for line in text.splitlines() if "SECRET" in line or "STORAGE" in line]
    assert secret
    assert all("_FILE: /var/lib/taxiway/stack/" in line for line in secret)

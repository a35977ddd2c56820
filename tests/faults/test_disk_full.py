"""Disk full while staging and while publishing: one clear error, nothing published changes, and room heals it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.small_disk import CASES
from tests.working import ROOT, unavailable

# A namespace of its own lets anybody mount a small disk that only the test sees and that goes with it.
OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module", autouse=True)
def _small_disks(tmp_path_factory: pytest.TempPathFactory) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path_factory.mktemp("mount"))]
    try:
        subprocess.run([*OWN_MOUNTS, *mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        unavailable(f"small disks cannot be mounted here: {error}")


@pytest.mark.parametrize("case", CASES)
def test_disk_full(case: str, tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.faults.small_disk", case, str(tmp_path / "home")]
    done = subprocess.run([*OWN_MOUNTS, *script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]

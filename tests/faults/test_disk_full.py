"""Disk full while staging and while publishing: one clear error, nothing published changes, and room heals it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.small_disk import CASES
from tests.working import OWN_MOUNTS, ROOT, see_own_mounts


@pytest.fixture(scope="module", autouse=True)
def _small_disks(tmp_path_factory: pytest.TempPathFactory) -> None:
    see_own_mounts(tmp_path_factory.mktemp("mount"))


@pytest.mark.parametrize("case", CASES)
def test_disk_full(case: str, tmp_path: Path) -> None:
    script = [sys.executable, "-m", "tests.faults.small_disk", case, str(tmp_path / "home")]
    done = subprocess.run([*OWN_MOUNTS, *script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]

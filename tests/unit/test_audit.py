"""What `make audit` says of pip-audit's answers: only one that covers every package is good news."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.working import ROOT

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
HOLE = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"], "description": ""}
HOLED = {"name": "holed", "version": "1.0", "vulns": [HOLE]}
SKIPPED = {"name": "skipped", "skip_reason": "Dependency not found on PyPI and could not be audited: skipped (1.0)"}


def audit(tmp_path: Path, out: str, err: str = "") -> subprocess.CompletedProcess[str]:
    """What is said where pip-audit says this, and ends well as it does."""
    program = tmp_path / "pip-audit"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({out!r})\nprint({err!r}, file=sys.stderr)\n")
    program.chmod(0o755)
    words = [sys.executable, ROOT / ".ci" / "audit.py", program, "requirements/core.txt"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("packages", "code", "told"),
    [
        ([SOUND], 0, "1 packages of requirements/core.txt: no known hole"),
        ([SOUND, HOLED], 1, "holed 1.0: PYSEC-2026-1, CVE-2026-1, mended in 1.1"),
        ([SOUND, SKIPPED], 3, "1 of 2 packages could not be looked up, so nothing is known of them: Dependency not"),
        ([HOLED, SKIPPED], 1, "1 known holes"),
        ([], 3, "none is locked"),
    ],
)
def test_good_news_is_only_what_covers_every_package(
    packages: list[dict[str, Any]], code: int, told: str, tmp_path: Path
) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": packages, "fixes": []}), "No known vulnerabilities found")
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert ("no known hole" in done.stdout) == (code == 0)


@pytest.mark.parametrize("out", ["", "null", "[]", '{"dependencies": '])
def test_a_service_that_does_not_answer_is_said_in_one_line(out: str, tmp_path: Path) -> None:
    traceback = "Traceback (most recent call last):\n  File ...\nrequests.ConnectionError: Failed to resolve the host"
    done = audit(tmp_path, out, traceback)
    assert done.returncode == 3
    assert done.stderr == (
        "audit: nothing is known of requirements/core.txt, no advisory could be read: "
        "requests.ConnectionError: Failed to resolve the host\n"
    )

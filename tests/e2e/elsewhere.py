"""Where somebody types who has no checkout, only what a test puts there."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folder:
    """Where somebody types, with nothing of this checkout around."""

    path: Path

    def __call__(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        others = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAXIWAY_", "VIRTUAL_ENV", "PYTHON", "DAGSTER_", "MAKE", "MFLAGS"))
        }
        return subprocess.run(
            [*map(str, words)], cwd=self.path, env=others, capture_output=True, text=True, check=False
        )

    def done(self, *words: str | Path) -> str:
        ended = self(*words)
        assert ended.returncode == 0, f"{' '.join(map(str, words))}: {ended.stdout}{ended.stderr}"
        return ended.stdout

"""The wheel that this Taxiway was installed from, for a repository to install the same."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from taxiway.errors import UsageError
from taxiway.version import DISTRIBUTION


def provide_wheel(folder: Path) -> bool:
    """Put the wheel into the folder, which is made; returns False, and makes nothing, where a package index has it.

    That of a checkout is built. Raises UsageError where the wheel is not there any more, or cannot be built.
    """
    told = distribution(DISTRIBUTION).read_text("direct_url.json")
    if told is None:
        return False
    origin = json.loads(told)
    source = Path(url2pathname(urlparse(origin["url"]).path))
    if not origin["url"].startswith("file:") or not source.exists():
        raise UsageError(
            f"Taxiway was installed from {origin['url']}, which is not there: install it again from a wheel"
        )
    if source.is_dir():
        _build(source, folder)
    else:
        folder.mkdir(parents=True)
        shutil.copy(source, folder)
    return True


def _build(source: Path, folder: Path) -> None:
    if find_spec("hatchling") is None:
        raise UsageError(f"the wheel of {source} is built by hatchling, which is not installed: pip install hatchling")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder.absolute())]
    done = subprocess.run(words, cwd=source, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"the wheel of {source} cannot be built: {done.stderr.strip()}")

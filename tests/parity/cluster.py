"""A Spark cluster for a test: a master and two workers, started and stopped by the script of the deployments."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.working import ROOT

SCRIPT = ROOT / "deployments" / "spark-cluster"


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the master's address, and the folder of its logs and process ids."""

    master: str
    folder: Path

    def kill(self, name: str) -> None:
        """Kill `master`, `worker-1` or `worker-2` with all that it started."""
        os.killpg(int((self.folder / f"{name}.pid").read_text()), signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Cluster]:
    """A cluster with its logs in the folder, stopped at the end of the block; `variables` are of its script."""
    own = os.environ | {"FOLDER": str(folder), "PORT": str(free_port())} | variables
    said = subprocess.run([SCRIPT, "start"], env=own, capture_output=True, text=True, timeout=240, check=False)
    assert said.returncode == 0, said.stderr
    try:
        yield Cluster(said.stdout.strip().partition("=")[2], folder)
    finally:
        subprocess.run([SCRIPT, "stop"], env=own, timeout=60, check=True)

"""A running Dagster for tests, driven through its GraphQL as its UI does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

ROOT = Path(__file__).parents[2]
REPOSITORY = {"repositoryLocationName": "flights", "repositoryName": "__repository__"}
START_S, RUN_S = 180, 180

LOADED = """{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError {
    __typename ... on PythonError { message } } } } } }"""

T = TypeVar("T")


@dataclass(frozen=True)
class Dagster:
    """A `taxiway ui` that was started by the test."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def ask(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """The data that GraphQL answers with."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"{self.url}/graphql", body, {"content-type": "application/json"})
        with urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def wait(self, what: str, seconds: float, look: Callable[[], T | None]) -> T:
        """What `look` finds, as soon as it finds something; fails with what was waited for and the end of the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = look()
            if found is not None:
                return found
            assert self.process.poll() is None, f"dagster dev ended while waiting for {what}:\n{self._end_of_log()}"
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds:.0f} s for {what}\n{self._end_of_log()}")

    def is_up(self) -> bool | None:
        """Whether the code location has been loaded; None while nothing can be asked."""
        try:
            answer = self.ask(LOADED)
        except (URLError, ConnectionError, TimeoutError):
            return None
        (entry,) = answer["workspaceOrError"]["locationEntries"] or [{"locationOrLoadError": None}]
        loaded = entry["locationOrLoadError"]
        if loaded is None:
            return None
        assert loaded["__typename"] == "RepositoryLocation", loaded
        return True

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-40:])


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Dagster]:
    """Dagster with its daemon on a free port; its processes, and no others, are ended at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {f"TAXIWAY_{name.upper()}": value for name, value in settings.items()}
    log = home / "dagster-dev.log"
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "taxiway", "ui", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | variables | {"TAXIWAY_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    dagster = Dagster(f"http://127.0.0.1:{port}", log, process)
    try:
        dagster.wait("dagster dev to load the flights project", START_S, dagster.is_up)
        yield dagster
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    for child in alive:
        child.kill()

"""A deployment with servers of its own on this machine, started for a module of tests and seen from outside."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import SecretStr
from tests.e2e.dagster_dev import REPOSITORY
from tests.e2e.mutations import BACKFILL
from tests.working import ROOT, unavailable
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from taxiway.deployment import Layout, Process, nginx, processes
from taxiway.storage import S3

START_S, RUN_S, BACK_S = 600, 300, 240
PORTS = 13
ENDED = {"SUCCESS", "FAILURE", "CANCELED", "COMPLETED_SUCCESS", "COMPLETED_FAILED"}

LAUNCH = """mutation($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
FILL = """mutation($parameters: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $parameters) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { found: runOrError(runId: $id) { ... on Run { status } } }"
OF_BACKFILL = (
    "query($id: String!) { found: partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)


@dataclass(frozen=True)
class Staging:
    """A deployment that was started, seen from outside."""

    home: Path
    port: int
    started: str
    name: str = "staging"
    root: Path = ROOT

    @cached_property
    def layout(self) -> Layout:
        return Layout.here(self.name, self.root, self.home, self.port)

    def call(self, word: str, *options: str) -> subprocess.CompletedProcess[str]:
        return call(self.home, "deployment", word, self.name, *options, TAXIWAY_ROOT=str(self.root))

    def run(self, *words: str, who: str = "publisher", **variables: str) -> subprocess.CompletedProcess[str]:
        """A command at a shell that has sourced the file of a role."""
        return call(self.home, *words, **{**self.variables(who), **variables})

    def process(self, name: str) -> Process:
        """One of the list of its processes."""
        return next(process for process in processes(self.layout) if process.name == name)

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        return {row["process"]: row for row in json.loads(self.call("status", "--json").stdout)}

    def login(self, who: str) -> dict[str, str]:
        """The header of a log-in."""
        password = (self.layout.secrets / f"login-{who}").read_text()
        return {"Authorization": f"Basic {b64encode(f'{who}:{password}'.encode()).decode()}"}

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Trusts the certificate of nginx alone."""
        return ssl.create_default_context(cafile=self.layout.folder("nginx") / nginx.CERTIFICATE)

    def get(self, path: str, who: str | None, data: Any = None, **headers: str) -> tuple[int, bytes]:
        """The status and the body of an answer through nginx, whose certificate is looked at; `data` goes as JSON, or
        as it is where it is text."""
        headers = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        headers = {"content-type": "application/json", **headers} | (self.login(who) if who else {})
        body = None if data is None else (data if isinstance(data, str) else json.dumps(data)).encode()
        request = Request(f"https://localhost:{self.port}{path}", body, headers)
        try:
            with urlopen(request, timeout=60, context=self.trusted) as response:
                return response.status, response.read()
        except HTTPError as error:
            return error.code, error.read()

    def ask(
        self, who: str, query: str, headers: Mapping[str, str] = MappingProxyType({}), **variables: Any
    ) -> Mapping[str, Any]:
        status, body = self.get("/graphql", who, {"query": query, "variables": variables}, **headers)
        assert status == 200, body
        answer = json.loads(body)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def launch(self, who: str, asset: str) -> Mapping[str, Any]:
        selection = [{"path": asset.split("/")}]
        selector = {**REPOSITORY, "pipelineName": "__ASSET_JOB", "assetSelection": selection}
        parameters = {"selector": selector, "runConfigData": "{}", "mode": "default"}
        return self.ask(who, LAUNCH, parameters=parameters)["launchRun"]

    def backfill(self, who: str, **more: Any) -> str:
        filled = self.ask(who, FILL, parameters={**BACKFILL, **more})["launchPartitionBackfill"]
        assert filled["__typename"] == "LaunchBackfillSuccess", filled
        return filled["backfillId"]

    def status(self, query: str, of: str) -> str:
        return self.ask(nginx.VIEWER, query, id=of)["found"]["status"]

    def variables(self, role: str) -> dict[str, str]:
        """What a shell is given for a role."""
        lines = (self.layout.stack / "as" / role).read_text().splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines)

    def supervise(self, *words: str) -> None:
        command = [Path(sys.executable).with_name("supervisorctl"), "-c", self.layout.stack / "supervisord.conf"]
        subprocess.run([*command, *words], check=True, capture_output=True)

    def by_websocket(self, who: str, query: str) -> str:
        """What is answered to a document that is sent as a subscription."""
        address = f"wss://localhost:{self.port}/graphql"
        with connect(
            address, ssl=self.trusted, subprotocols=[Subprotocol("graphql-ws")], additional_headers=self.login(who)
        ) as socket:
            socket.send(json.dumps({"type": "connection_init"}))
            socket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": query}}))
            while json.loads(told := socket.recv(timeout=60))["type"] == "connection_ack":
                pass
        return str(told)


def call(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("taxiway"), *words],
        cwd=ROOT,
        env=os.environ | {"TAXIWAY_HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )


def land(staging: Staging, *words: str) -> None:
    """Deliver what the words say, the first month where there are none."""
    done = staging.run("land", *(words or ("--partition", "2013-01")))
    assert done.returncode == 0, done.stderr


def bucket_of(staging: Staging) -> S3:
    """How the deployment's bucket is read."""
    secret = (staging.layout.secrets / "s3-reader").read_text()
    endpoint = f"http://{staging.layout.address('s3')}"
    return S3(endpoint, access_key_id=SecretStr("reader"), secret_access_key=SecretStr(secret))


def wait(what: str, seconds: float, look: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports() -> int:
    """The first of as many free ports in a row as a deployment takes."""
    for first in range(21000, 32000, PORTS):
        held: list[socket.socket] = []
        try:
            held.extend(socket.create_server(("0.0.0.0", port)) for port in range(first, first + PORTS))
        except OSError:
            continue
        else:
            return first
        finally:
            for each in held:
                each.close()
    raise AssertionError("no ports are free")


def unavailable_parts() -> None:
    """Skip or fail where a deployment with servers cannot be started on this machine."""
    programs = {"nginx": Path("/usr/sbin/nginx").exists(), "PostgreSQL": any(Path("/usr/lib/postgresql").glob("*/bin"))}
    programs |= {name: find_spec(name) is not None for name in ("supervisor", "dagster_postgres")}
    if missing := [name for name, is_there in programs.items() if not is_there]:
        unavailable(f"{' and '.join(missing)} is not installed: apt-get install nginx postgresql; make setup-staging")


@contextmanager
def running(name: str = "staging", root: Path = ROOT, **variables: str) -> Iterator[Staging]:
    """A deployment in a folder that the accounts of PostgreSQL and nginx can reach, started by a shell with further
    variables; nothing of it is left."""
    unavailable_parts()
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o711)
    home, port, own = folder / "home", free_ports(), {"TAXIWAY_ROOT": str(root), "TAXIWAY_AUTOMATION": "false"}
    try:
        # What lands starts no run but those of the tests.
        done = call(home, "deployment", "start", name, "--port", str(port), **own, **variables)
        assert done.returncode == 0, done.stderr
        yield Staging(home, port, done.stdout + done.stderr, name, root)
    finally:
        call(home, "deployment", "stop", name, **own)
        shutil.rmtree(folder)

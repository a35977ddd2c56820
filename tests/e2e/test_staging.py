"""A real staging on this machine, once for all tests: PostgreSQL, S3, Dagster's servers, nginx before them."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil
import pytest
from tests.e2e.dagster_dev import LOADED, REPOSITORY
from tests.e2e.mutations import BACKFILL, LET_PASS, SCHEMA, Facts, all_mutations, document, stored
from tests.working import ROOT, unavailable
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from taxiway.deployment import Layout, Process, nginx, processes
from taxiway.deployment.postgres import READER, storage_url
from taxiway.servers.webserver import REFUSED
from taxiway.users import USER_TAG

START_S, RUN_S, BACK_S = 600, 300, 240
PORTS = 13
# Whatever is slow here is waited for by bounds of its own.
pytestmark = pytest.mark.timeout(900)

ENDED = {"SUCCESS", "FAILURE", "CANCELED", "COMPLETED_SUCCESS", "COMPLETED_FAILED"}

LAUNCH = """mutation($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
FILL = """mutation($parameters: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $parameters) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
CANCEL = """mutation($run: String!, $backfill: String!) {
    terminateRun(runId: $run) { __typename } cancelPartitionBackfill(backfillId: $backfill) { __typename } }"""
RUN = "query($id: ID!) { found: runOrError(runId: $id) { ... on Run { status } } }"
OF_BACKFILL = (
    "query($id: String!) { found: partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)
RUNS = "{ runsOrError { ... on Runs { results { runId tags { key value } } } } }"
INSTIGATORS = """query($sensor: SensorSelector!, $schedule: ScheduleSelector!) {
    sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { id } } }
    scheduleOrError(scheduleSelector: $schedule) { ... on Schedule { scheduleState { id } } } }"""
SENSOR, SCHEDULE = {**REPOSITORY, "sensorName": "landing_zone"}, {**REPOSITORY, "scheduleName": "upkeep"}
MAY_LAUNCH = "{ permissions { permission value } }"


@dataclass(frozen=True)
class Staging:
    """A deployment that was started, seen from outside."""

    home: Path
    port: int
    started: str

    @cached_property
    def layout(self) -> Layout:
        return Layout.here("staging", ROOT, self.home, self.port)

    def call(self, word: str, *options: str) -> subprocess.CompletedProcess[str]:
        return call(self.home, "deployment", word, "staging", *options)

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


def land(staging: Staging) -> None:
    done = call(staging.home, "land", "--month", "2013-01", **staging.variables("publisher"))
    assert done.returncode == 0, done.stderr


def tags_of(run: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}


def wait(what: str, seconds: float, look: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


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


@pytest.fixture(scope="module")
def staging() -> Iterator[Staging]:
    """Started once, in a folder that the accounts of PostgreSQL and nginx can reach; nothing of it is left."""
    unavailable_parts()
    folder = Path(tempfile.mkdtemp(prefix="staging-"))
    folder.chmod(0o711)
    home, port = folder / "home", free_ports()
    try:
        # What lands starts no run but those of the tests.
        done = call(home, "deployment", "start", "staging", "--port", str(port), TAXIWAY_AUTOMATION="false")
        assert done.returncode == 0, done.stderr
        yield Staging(home, port, done.stdout + done.stderr)
    finally:
        call(home, "deployment", "stop", "staging")
        shutil.rmtree(folder)


def test_a_start_tells_that_each_process_answers_and_how_to_log_in(staging: Staging) -> None:
    for process in processes(staging.layout):
        assert f"{process.name} {'is done' if process.once else 'answers'} after " in staging.started
        assert process.once or process.answers.answers()
    assert f"https://localhost:{staging.port}" in staging.started
    for who in (nginx.ADMIN, nginx.VIEWER):
        assert (staging.layout.secrets / f"login-{who}").read_text() in staging.started
    states = staging.states
    assert {row["state"] for row in states.values()} == {"running", "done"}


def test_what_is_secret_is_its_owners_alone(staging: Staging) -> None:
    secrets = [file for file in staging.layout.stack.rglob("*") if file.parent.name != "data" and "key" in file.name]
    for path in [*secrets, *staging.layout.secrets.iterdir(), staging.layout.folder("nginx") / nginx.PASSWORDS]:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.parent.stat().st_mode & 0o077 == 0, path.parent
    told = "".join(file.read_text(errors="replace") for file in (staging.layout.stack / "logs").iterdir())
    configured = (staging.layout.stack / "supervisord.conf").read_text()
    for file in staging.layout.secrets.iterdir():
        assert file.read_text() not in told + configured, file.name


def test_a_second_start_says_that_it_runs(staging: Staging) -> None:
    done = staging.call("start", "--port", str(staging.port))
    assert done.returncode == 0
    assert "staging runs already" in done.stderr
    assert "postgres" in done.stdout


def test_a_port_that_another_has_is_told(staging: Staging) -> None:
    with tempfile.TemporaryDirectory() as other:
        done = call(Path(other) / "home", "deployment", "start", "staging", "--port", str(staging.port))
    assert done.returncode == 2
    assert f"port {staging.port + 3}, for postgres, is taken" in done.stderr


@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info", "/logs/x", "/download_debug/x", "/nothing"])
def test_nothing_is_told_without_a_log_in(staging: Staging, path: str) -> None:
    for headers in ({}, {"X_Forwarded_User": "admin"}, {"Authorization": "Basic YWRtaW46YWRtaW4="}):
        status, body = staging.get(path, None, **headers)
        assert status == 401
        assert b"agster" not in body


def test_the_viewer_reads_and_changes_nothing(staging: Staging) -> None:
    for who, may in ((nginx.ADMIN, True), (nginx.VIEWER, False)):
        assert staging.get("/", who)[0] == 200
        permissions = staging.ask(who, MAY_LAUNCH)["permissions"]
        assert {entry["value"] for entry in permissions if entry["permission"].startswith("launch")} == {may}


def test_another_page_cannot_use_the_log_in_of_a_browser(staging: Staging) -> None:
    data = {"query": MAY_LAUNCH}
    assert staging.get("/graphql", nginx.ADMIN, data, Origin="https://example.org")[0] == 403
    assert staging.get("/graphql", nginx.ADMIN, data, Origin=f"https://localhost:{staging.port}")[0] == 200


def test_a_run_is_a_process_that_reads_and_writes_the_bucket(staging: Staging) -> None:
    land(staging)
    launched = staging.launch(nginx.ADMIN, "raw/airlines")
    assert launched["__typename"] == "LaunchRunSuccess", launched
    status = partial(staging.status, RUN, launched["run"]["runId"])
    wait("the run to end", RUN_S, lambda: status() in ENDED)
    assert status() == "SUCCESS"
    variables = staging.variables("reader")
    done = call(staging.home, "show", "raw/airlines", "--json", **variables)
    assert len(json.loads(done.stdout)) == 16, done.stderr
    refused = call(staging.home, "land", "--month", "2013-02", **variables)
    assert refused.returncode == 1
    assert "permission denied" in refused.stderr


@pytest.fixture(scope="module")
def asked(staging: Staging) -> tuple[str, str]:
    """A run and a backfill that were asked for by somebody who says to be another, and ended well."""
    land(staging)
    forged = {"tags": [{"key": USER_TAG, "value": "mallory"}]}
    selection = [{"path": ["raw", "airports"]}]
    selector = {**REPOSITORY, "pipelineName": "__ASSET_JOB", "assetSelection": selection}
    parameters = {"selector": selector, "runConfigData": "{}", "mode": "default", "executionMetadata": forged}
    run = staging.ask(nginx.ADMIN, LAUNCH, {"X-Forwarded-User": "mallory"}, parameters=parameters)["launchRun"]["run"]
    backfill = staging.backfill(nginx.ADMIN, **forged)
    for what, query, of in (("run", RUN, run["runId"]), ("backfill", OF_BACKFILL, backfill)):
        found = partial(staging.status, query, of)
        wait(f"the {what} to end", RUN_S, lambda found=found: found() in ENDED)
        assert found() in {"SUCCESS", "COMPLETED_SUCCESS"}
    return run["runId"], backfill


def test_a_run_and_what_it_publishes_name_who_logged_in(staging: Staging, asked: tuple[str, str]) -> None:
    run, backfill = asked
    (own,) = [each for each in staging.ask(nginx.VIEWER, RUNS)["runsOrError"]["results"] if each["runId"] == run]
    assert tags_of(own)[USER_TAG] == nginx.ADMIN
    filled = [tags_of(each) for each in staging.ask(nginx.VIEWER, RUNS)["runsOrError"]["results"]]
    users = [tags[USER_TAG] for tags in filled if tags.get("dagster/backfill") == backfill]
    assert users == [nginx.ADMIN]
    for table, run_id in (("raw/airports", run), ("raw/flights", None)):
        done = call(staging.home, "history", table, "--json", **staging.variables("reader"))
        (commit,) = json.loads(done.stdout)
        assert commit["user"] == nginx.ADMIN
        assert run_id in {None, commit["run"]}


@contextmanager
def something_to_change(staging: Staging, asked: tuple[str, str]) -> Iterator[Facts]:
    """Runs and backfills of which some wait, as the daemon is not there; nothing else changes meanwhile."""
    staging.supervise("stop", "daemon")
    try:
        waiting = staging.launch(nginx.ADMIN, "raw/airlines")["run"]["runId"]
        backfill = staging.backfill(nginx.ADMIN)
        states = staging.ask(nginx.VIEWER, INSTIGATORS, sensor=SENSOR, schedule=SCHEDULE)
        sensor, schedule = states["sensorOrError"]["sensorState"], states["scheduleOrError"]["scheduleState"]
        yield Facts(asked[0], waiting, asked[1], backfill, sensor["id"], schedule["id"])
        # What was refused to the viewer would have done something.
        done = staging.ask(nginx.ADMIN, CANCEL, run=waiting, backfill=backfill)
        assert done["terminateRun"]["__typename"] == "TerminateRunSuccess"
        assert done["cancelPartitionBackfill"]["__typename"] == "CancelBackfillSuccess"
    finally:
        staging.supervise("start", "daemon")


def test_no_mutation_does_anything_for_a_viewer(staging: Staging, asked: tuple[str, str]) -> None:
    """Three barriers, each alone: our webserver, what Dagster's own allows a viewer, what the storage does."""
    listed = staging.ask(nginx.VIEWER, SCHEMA)["__schema"]["mutationType"]["fields"]
    schema = {each["name"]: document(each) for each in listed}
    viewer = next(process for process in processes(staging.layout) if process.name == "viewer")
    keep = partial(stored, storage_url(staging.layout, READER), staging.layout.home / "dagster")
    with something_to_change(staging, asked) as facts:
        mutations = all_mutations(facts)
        assert schema.keys() == mutations.keys(), "Dagster's mutations are others now: look at what each one does"
        before, served = keep(), staging.states["code-flights"]["pid"]
        for name, query in schema.items():
            status, body = staging.get("/graphql", nginx.VIEWER, {"query": query, "variables": mutations[name]})
            assert (status, json.loads(body)["errors"][0]["message"]) == (400, REFUSED), name
        others = by_other_ways(staging, schema["setNuxSeen"], schema["deleteRun"], mutations["deleteRun"])
        assert all(REFUSED in answer for answer in others), others
        assert json.loads(staging.by_websocket(nginx.VIEWER, schema["setNuxSeen"]))["type"] == "error"
        assert keep() == before
        with stock_webserver(viewer, "--read-only") as ask:
            answers = {name: ask(query, mutations[name]) for name, query in schema.items() if name not in LET_PASS}
        told = {name: answer for name, answer in answers.items() if not is_refused(answer)}
        assert told == {}
        assert keep() == before
        # One that may do everything, with the viewer's account of the storage.
        with stock_webserver(viewer) as ask:
            for name, query in schema.items():
                if name not in LET_PASS | {"shutdownRepositoryLocation"}:
                    ask(query, mutations[name])
        assert keep() == before
        assert staging.states["code-flights"]["pid"] == served
    assert keep()["runs"] != before["runs"]


def is_refused(answer: str) -> bool:
    """Whether Dagster says that a permission is missing, in one of its ways."""
    return any(word in answer for word in ("UnauthorizedError", "permission to terminate"))


def by_other_ways(staging: Staging, plain: str, query: str, variables: Mapping[str, Any]) -> list[str]:
    """What is answered to a mutation that comes otherwise than as JSON, and to what is no GraphQL but a change."""
    encoded = urlencode({"query": query, "variables": json.dumps(variables)})
    several = f"query Look {{ version }} {plain}"
    ways = (
        (f"/graphql?{encoded}", None, {}),
        (f"/graphql?{encoded}", {}, {"content-type": "text/plain"}),
        ("/graphql", {"query": several, "operationName": "Look"}, {}),
        *((f"/report_asset_{what}/raw/airlines", {}, {}) for what in ("materialization", "observation")),
        ("/report_asset_check/raw/airlines?check_name=rows&passed=true", {}, {}),
        ("/report_asset_materialization/?asset_key=airlines", {}, {}),
    )
    told = [staging.get(path, nginx.VIEWER, data, **headers)[1].decode() for path, data, headers in ways]
    told.append(staging.get("/graphql", nginx.VIEWER, plain, content_type="application/graphql")[1].decode())
    return told


@contextmanager
def stock_webserver(viewer: Process, *options: str) -> Iterator[Callable[[str, Any], str]]:
    """Asks a webserver of Dagster's own, which is given what the viewer's is."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    python = Path(sys.executable).parent
    workspace = viewer.command[viewer.command.index("--workspace") + 1]
    started = ("dagster-webserver", "-h", "127.0.0.1", "-p", port, "-w", workspace, *options)
    command = [python / "taxiway", "deployment", "exec", "--", python / started[0], *started[1:]]

    def ask(query: str, variables: Any) -> str:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
        try:
            return urlopen(request, timeout=60).read().decode()
        except HTTPError as error:
            return error.read().decode()

    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=os.environ | dict(viewer.variables), stdout=log, stderr=log)
        try:
            wait("a webserver of Dagster's own", BACK_S, lambda: _listens(int(port)))
            yield ask
        finally:
            process.terminate()
            process.wait(BACK_S)


def test_an_identity_that_is_sent_is_not_passed_on(staging: Staging) -> None:
    """What nginx passes on, to a server of the test in the place of the viewer's."""
    heard: list[Mapping[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    with tempfile.TemporaryDirectory() as copied:
        folder = Path(copied)
        Path(folder / "tmp").mkdir()
        for name in (nginx.PASSWORDS, nginx.CERTIFICATE, nginx.KEY):
            shutil.copy(staging.layout.folder("nginx") / name, folder / name)
        folder.chmod(0o711)
        (folder / nginx.PASSWORDS).chmod(0o644)
        port = free_ports()
        layout = Layout.here("staging", ROOT, folder, port)
        (folder / "nginx.conf").write_text(nginx.render(layout))
        server = HTTPServer(("127.0.0.1", layout.ports["viewer"]), Listener)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"])
        try:
            asked = Staging(staging.home, port, "")
            sent = {name.replace("-", "_"): "admin" for name in (*nginx.IDENTITY_HEADERS, "X-Forwarded-User")}
            wait("nginx to listen", BACK_S, lambda: _listens(port))
            assert asked.get("/", nginx.VIEWER, **sent)[0] == 200
        finally:
            proxy.terminate()
            proxy.wait()
            server.shutdown()
            server.server_close()
    (headers,) = heard
    assert headers["x-forwarded-user"] == nginx.VIEWER
    assert "admin" not in headers.values()
    assert "authorization" not in headers


def _listeners(ports: set[int]) -> set[int | None]:
    """The processes that listen on these ports."""
    found = psutil.net_connections("tcp4")
    return {each.pid for each in found if each.status == psutil.CONN_LISTEN and each.laddr[1] in ports}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", ["nginx", "postgres", "s3", "code-flights", "webserver", "viewer", "daemon"])
def test_a_process_that_dies_comes_back_and_answers(staging: Staging, name: str) -> None:
    process = next(process for process in processes(staging.layout) if process.name == name)
    before, moment = staging.states[name]["pid"], time.time()
    os.kill(before, 9)
    wait(f"another process of {name}", BACK_S, lambda: staging.states[name]["pid"] not in {before, None})
    wait(f"{name} to answer", BACK_S, lambda: process.answers.answers(moment))
    ports = {staging.layout.ports[part] for part in process.ports}
    own = {staging.states[name]["pid"]}
    wait(f"{name} alone to have its ports", BACK_S, lambda: _listeners(ports) <= own)


def test_after_all_that_the_project_is_there(staging: Staging) -> None:
    def is_loaded() -> bool:
        (entry,) = staging.ask(nginx.VIEWER, LOADED)["workspaceOrError"]["locationEntries"]
        return entry["locationOrLoadError"]["__typename"] == "RepositoryLocation"

    wait("the project to be there", BACK_S, is_loaded)


def test_a_stop_leaves_no_process_and_a_start_finds_what_was_kept(staging: Staging) -> None:
    number = int((staging.layout.stack / "supervisord.pid").read_text())
    supervisor = psutil.Process(number)
    below = [supervisor, *supervisor.children(recursive=True)]
    done = staging.call("stop")
    assert done.returncode == 0, done.stderr
    assert [process for process in below if process.is_running()] == []
    assert staging.call("status").returncode == 1
    assert staging.call("stop").returncode == 0


def test_a_start_that_fails_says_where_and_leaves_nothing(staging: Staging) -> None:
    (staging.layout.folder("postgres") / "data" / "postgresql.conf").write_text("nonsense\n")
    done = staging.call("start", "--port", str(staging.port))
    assert done.returncode == 1
    assert "postgres ended" in done.stderr
    assert "syntax error in file" in done.stderr
    assert str(staging.layout.stack / "logs" / "postgres.log") in done.stderr
    assert not any(_listens(port) for port in staging.layout.ports.values())

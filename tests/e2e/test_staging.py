"""A real staging on this machine, once for all tests: PostgreSQL, S3, Dagster's servers, nginx before them."""

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import grpc
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.e2e.dagster_dev import LOADED, REPOSITORY
from tests.e2e.mutations import LET_PASS, SCHEMA, Facts, all_mutations, document, stored
from tests.e2e.staging import (
    BACK_S,
    ENDED,
    LAUNCH,
    OF_BACKFILL,
    RUN,
    RUN_S,
    Staging,
    bucket_of,
    call,
    free_ports,
    land,
    listens,
    running,
    wait,
)
from tests.working import ROOT

from taxiway.deployment import Layout, Process, nginx, processes
from taxiway.deployment.postgres import OWNER, READER, storage_url
from taxiway.deployment.processes import S3_KEY, STORAGE
from taxiway.servers.webserver import BY_GET, REFUSED
from taxiway.storage import Store
from taxiway.users import USER_TAG

# Whatever is slow here is waited for by bounds of its own.
pytestmark = pytest.mark.timeout(900)

CANCEL = """mutation($run: String!, $backfill: String!) {
    terminateRun(runId: $run) { __typename } cancelPartitionBackfill(backfillId: $backfill) { __typename } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId tags { key value } } } } }"
EVERYTHING = """query($id: ID!) {
    found: runOrError(runId: $id) { ... on Run { runConfigYaml tags { key value } } }
    logs: logsForRun(runId: $id) { ... on EventConnection { events {
        ... on MessageEvent { message } ... on DisplayableEvent { label description metadataEntries { label description
            ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString }
            ... on MarkdownMetadataEntry { mdStr } ... on PathMetadataEntry { path } ... on UrlMetadataEntry { url } }
    } } } }
    location: workspaceOrError { ... on Workspace { locationEntries { displayMetadata { key value } } } }
    instance { info } }"""
INSTIGATORS = """query($sensor: SensorSelector!, $schedule: ScheduleSelector!) {
    sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { id } } }
    scheduleOrError(scheduleSelector: $schedule) { ... on Schedule { scheduleState { id } } } }"""
SENSOR, SCHEDULE = {**REPOSITORY, "sensorName": "landing_zone"}, {**REPOSITORY, "scheduleName": "upkeep"}
PLANTED = "postgresql://planted:in-a-connection@127.0.0.1:9/marts"
MAY_LAUNCH = "{ permissions { permission value } }"


def tags_of(run: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}


@pytest.fixture(scope="module")
def staging() -> Iterator[Staging]:
    """Started once for all tests."""
    with running(TAXIWAY_CONNECTION_PLANTED=PLANTED) as started:
        yield started


def test_a_start_tells_that_each_process_answers_and_how_to_log_in(staging: Staging) -> None:
    for process in processes(staging.layout):
        assert f"{process.name} {'is done' if process.once else 'answers'} after " in staging.started
        assert process.once or process.answers.answers()
    assert f"https://localhost:{staging.port}" in staging.started
    for who in (nginx.ADMIN, nginx.VIEWER):
        assert (staging.layout.secrets / f"login-{who}").read_text() in staging.started
    states = staging.states
    assert {row["state"] for row in states.values()} == {"running", "done"}
    assert states["nginx"]["address"] == f"127.0.0.1:{staging.port}", "the port that it was started with"


def test_a_connection_of_the_shell_reaches_the_code_location_alone(staging: Staging) -> None:
    given = {name: psutil.Process(row["pid"]).environ() for name, row in staging.states.items() if row["pid"]}
    named = {name: variables.get("TAXIWAY_CONNECTION_PLANTED_FILE") for name, variables in given.items()}
    file = staging.layout.folder("code-flights") / "connection-planted"
    assert {name: value for name, value in named.items() if value} == {"code-flights": str(file)}
    assert file.read_text() == PLANTED
    assert PLANTED not in f"{given} {(staging.layout.stack / 'supervisord.conf').read_text()}"


@pytest.mark.parametrize("word", ["start", "stop", "status"])
def test_another_deployment_has_no_place_in_its_home(staging: Staging, word: str) -> None:
    told = []
    for variables in (staging.variables("publisher"), {}):
        done = call(staging.home, "deployment", word, "production", **variables)
        assert done.returncode == 2
        told += done.stderr.splitlines()
    assert len(told) == 2, told
    assert "this shell is one of deployment 'staging'" in told[0]
    assert "has the servers of deployment 'staging', and 'production' is asked for" in told[1]


def test_no_door_of_the_buckets_server_opens_without_a_key(staging: Staging) -> None:
    ports, folder = staging.layout.ports, staging.layout.folder("s3")
    for part, path, status in (("master", "dir/assign", 404), ("filer", "buckets/", 404), ("volume", "1,01", 401)):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"http://127.0.0.1:{ports[part]}/{path}", timeout=10)
        assert refused.value.code == status
    certificate, key = ((folder / f"grpc-{name}.pem").read_bytes() for name in ("certificate", "key"))
    with_key = grpc.ssl_channel_credentials(certificate, key, certificate)
    without = grpc.ssl_channel_credentials(certificate)
    # The certificate names nobody, and whoever asks takes it as it is.
    named = [("grpc.ssl_target_name_override", "taxiway staging")]
    for part in ("master", "volume", "filer", "s3"):
        address = f"127.0.0.1:{ports[f'{part}-grpc']}"
        refused_ones = [grpc.insecure_channel(address), grpc.secure_channel(address, without, named)]
        looked = [grpc.channel_ready_future(channel) for channel in refused_ones]
        with grpc.secure_channel(address, with_key, named) as channel:
            grpc.channel_ready_future(channel).result(timeout=BACK_S)
        time.sleep(1)
        assert not any(look.done() for look in looked), part
        for channel in refused_ones:
            channel.close()


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
    done = staging.call("start")
    assert done.returncode == 0
    assert "staging runs already" in done.stderr
    assert f"https://localhost:{staging.port}" in done.stdout
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


@pytest.mark.parametrize("who", [nginx.ADMIN, nginx.VIEWER])
def test_nor_can_it_where_a_browser_does_not_say_whose_page_asks(staging: Staging, who: str) -> None:
    for text in ("mutation { setNuxSeen }", MAY_LAUNCH):
        status, body = staging.get(f"/graphql?{urlencode({'query': text})}", who, Accept="image/*")
        assert (status, body.decode()) == (405, BY_GET)
    asked = re.compile(rf"- {who} \[.*setNuxSeen")
    log = staging.layout.stack / "logs" / "nginx.log"
    # It is written after the answer.
    wait("nginx to note who asked", BACK_S, lambda: asked.search(log.read_text()) is not None)
    assert not (staging.layout.folder("nginx") / "access.log").exists(), "nothing would end its growing"


def test_a_run_is_a_process_that_reads_and_writes_the_bucket(staging: Staging) -> None:
    land(staging)
    launched = staging.launch(nginx.ADMIN, "raw/airlines")
    assert launched["__typename"] == "LaunchRunSuccess", launched
    status = partial(staging.status, RUN, launched["run"]["runId"])
    wait("the run to end", RUN_S, lambda: status() in ENDED)
    assert status() == "SUCCESS"
    done = staging.run("show", "raw/airlines", "--json", who="reader")
    assert len(json.loads(done.stdout)) == 16, done.stderr
    refused = staging.run("land", "--partition", "2013-02", who="reader")
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
        done = staging.run("history", table, "--json", who="reader")
        (commit,) = json.loads(done.stdout)
        assert commit["user"] == nginx.ADMIN
        assert run_id in {None, commit["run"]}


def test_no_secret_is_told_or_written_anywhere_but_in_its_own_files(staging: Staging, asked: tuple[str, str]) -> None:
    stack, planted = staging.layout.stack, "planted-in-a-shell"
    kept = [*staging.layout.secrets.iterdir(), stack / "s3" / "s3.json", stack / "s3" / "security.toml"]
    kept += [stack / "nginx" / nginx.KEY, stack / "nginx" / nginx.PASSWORDS]
    kept += [file for file in stack.glob("*/*") if file.name in {STORAGE, S3_KEY, "connection-planted"}]
    kept.append(stack / "s3" / "grpc-key.pem")
    secrets = {file.name: file.read_text() for file in staging.layout.secrets.iterdir()}
    secrets |= {"planted": planted, "planted at the start": "in-a-connection"}
    secrets["key of gRPC"] = (stack / "s3" / "grpc-key.pem").read_text().splitlines()[1]
    assert len(secrets) > 10
    told = {"logs and Dagster's folder": written_below(staging.home, leaving_out=kept)}
    told |= asked_over_http(staging, asked[0])
    told["storage"] = dumped(staging)
    told["bucket"] = contents_of_bucket(staging)
    told["command lines"] = "\0".join(map(command_line, processes_of(staging)))
    bi = f"postgresql://bi:{planted}@127.0.0.1:9/marts"
    for words in (("doctor",), ("settings",), ("sink", "mart/route_reliability"), ("history", "raw/nothing")):
        said = staging.run("--debug", *words, TAXIWAY_CONNECTION_BI=bi)
        told[" ".join(words)] = said.stdout + said.stderr
    assert min(map(len, told.values())) > 100, {place: len(text) for place, text in told.items()}
    found = [(place, name) for place, text in told.items() for name, secret in secrets.items() if secret in text]
    assert found == []


def written_below(folder: Path, *, leaving_out: list[Path]) -> str:
    """All that any file holds, whatever it is."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and file not in leaving_out]
    return "\0".join(file.read_bytes().decode(errors="replace") for file in files)


def asked_over_http(staging: Staging, run: str) -> dict[str, str]:
    """What a run is told of by the pages, and the file for whoever is to look into it."""
    status, debug = staging.get(f"/download_debug/{run}", nginx.VIEWER)
    assert status == 200
    answered = staging.ask(nginx.VIEWER, EVERYTHING, id=run)
    return {"debug download": gzip.decompress(debug).decode(), "GraphQL": json.dumps(answered)}


def dumped(staging: Staging) -> str:
    """Dagster's storage as text."""
    url = storage_url(staging.layout, OWNER).replace("+psycopg2", "")
    dump = [staging.layout.postgres / "pg_dump", "--inserts", url]
    return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


def contents_of_bucket(staging: Staging) -> str:
    """Every object as it is, and of Parquet files all that they say of themselves."""
    bucket = Store(f"s3://{staging.layout.bucket}", bucket_of(staging))
    told = []
    for file in bucket.files():
        data = bucket.read(file.path)
        told += [file.path, data.decode(errors="replace")]
        if file.path.endswith(".parquet"):
            parquet = pq.ParquetFile(pa.BufferReader(data))
            told.append(f"{parquet.metadata.metadata} {parquet.schema_arrow.metadata}")
    return "\0".join(told)


def command_line(process: psutil.Process) -> str:
    """What everybody on the machine sees of a process; nothing of one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def processes_of(staging: Staging) -> list[psutil.Process]:
    """Supervisor and all that it started."""
    supervisor = psutil.Process(int((staging.layout.stack / "supervisord.pid").read_text()))
    return [supervisor, *supervisor.children(recursive=True)]


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
    viewer = staging.process("viewer")
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
            wait("a webserver of Dagster's own", BACK_S, lambda: listens(int(port)))
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
            wait("nginx to listen", BACK_S, lambda: listens(port))
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


@pytest.mark.parametrize("name", ["nginx", "postgres", "s3", "code-flights", "webserver", "viewer", "daemon"])
def test_a_process_that_dies_comes_back_and_answers(staging: Staging, name: str) -> None:
    process = staging.process(name)
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
    below = processes_of(staging)
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
    assert not any(listens(port) for port in staging.layout.ports.values())

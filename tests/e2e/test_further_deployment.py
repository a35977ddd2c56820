"""A further deployment, made from one folder without code and gone again.

Its runs are asked for at a shell and go through Dagster's queue, whatever fails meanwhile.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
from dagster._daemon.types import DaemonHeartbeat
from dagster_postgres import PostgresRunStorage
from tests.e2e.followed import (
    LOST_S,
    background,
    following,
    lake_of,
    process_of,
    publications,
    wrong,
)
from tests.e2e.staging import (
    BACK_S,
    ENDED,
    OF_BACKFILL,
    RUN,
    RUN_S,
    Staging,
    call,
    free_ports,
    land,
    listens,
    running,
    wait,
)
from tests.e2e.test_bucket import different
from tests.faults.leftovers import orphans
from tests.working import ROOT, SOAK

from flights.project import project
from taxiway.deployment import nginx, processes
from taxiway.deployment.postgres import OWNER, storage_url
from taxiway.lake import Lake
from taxiway.storage import Store

# Whatever is slow here is waited for by bounds of its own.
pytestmark = pytest.mark.timeout(3600 if SOAK else 900)

FIRST, LAST = ("2013-01", "2013-12") if SOAK else ("2013-01", "2013-02")
LAYERS = ("raw", "feature")
# Less than `cancel_timeout_seconds` in dagster_with_servers.yaml.
MONITORED_S = 150
UNDERWAY = "{ runsOrError(filter: {statuses: [STARTED]}) { ... on Runs { results { runId } } } }"


@pytest.fixture(scope="module")
def qa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """Made, started, given some months of files, ended and removed."""
    root = tmp_path_factory.mktemp("root")
    for part in ("deployments", "dbt_project"):
        shutil.copytree(ROOT / part, root / part)
    shutil.copy(ROOT / "workspace.yaml", root)
    home, own = root / "home", {"TAXIWAY_ROOT": str(root)}
    written = call(home, "deployment", "new", "qa", **own)
    assert written.returncode == 0, written.stderr
    folder = root / "deployments" / "qa"
    assert sorted(file.name for file in folder.iterdir()) == ["settings.toml"]
    with running("qa", root) as started:
        land(started, "--from", FIRST, "--to", LAST)
        yield started
        ended = started.call("stop")
        assert ended.returncode == 0, ended.stderr
    shutil.rmtree(folder)
    assert "deployment 'qa' has no settings" in call(home, "deployment", "status", "qa", **own).stderr


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """What a local run makes of the same."""
    home = tmp_path_factory.mktemp("local") / "home"
    for words in (("land", "--from", FIRST, "--to", LAST), ("run", *LAYERS)):
        done = call(home, *words)
        assert done.returncode == 0, done.stderr
    return Lake(Store(str(home / "lake")))


def test_a_run_is_followed_as_one_of_this_process_is(qa: Staging) -> None:
    ended = qa.run("run", "raw/airlines", "raw/airports", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["succeeded"]
    assert {table["table"]: table["rows"] for table in told["tables"]} == {"raw/airlines": 16, "raw/airports": 1462}
    lines = [line.split(",")[0] for line in ended.stderr.splitlines()]
    assert len([line for line in lines if line.startswith("queued  run ")]) == 1
    assert [line for line in lines if line.startswith("started")] == ["started raw/airlines", "started raw/airports"]
    assert "16 rows" in ended.stderr


def test_the_lake_is_the_deployments_own(qa: Staging) -> None:
    ended = qa.run("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(ended.stdout)}
    assert found["owner"]["found"] == "the lake is of qa"
    assert {found[check]["status"] for check in ("lake/", "landing/", "beside lake", "dagster storage", "queue")} == {
        "ok"
    }
    as_staging = {"TAXIWAY_DEPLOYMENT": "staging", "TAXIWAY_RUNS": "process"}
    refused = qa.run("drop", "raw/airlines", "--yes", "--force", **as_staging)
    assert refused.returncode == 1
    assert "is of deployment 'qa', and this is 'staging'" in refused.stderr


def test_who_may_not_write_starts_nothing(qa: Staging) -> None:
    refused = qa.run("run", "raw/airlines", who="reader")
    assert refused.returncode == 2
    assert "Dagster's storage does not take the run (permission denied" in refused.stderr


def test_a_run_that_fails_is_told_with_its_reason(qa: Staging) -> None:
    land(qa, "--partition", "2013-02", "--spoil", "duplicate-key")
    ended = qa.run("run", "raw/flights", "--partition", "2013-02")
    land(qa, "--partition", "2013-02")
    assert ended.returncode == 1
    assert "raw/flights" in ended.stderr.split("error:")[1]


def test_who_stops_following_leaves_the_run_and_may_end_it(qa: Staging, expected: Lake) -> None:
    with following(qa, *LAYERS, "--partition", "2013-01") as command:
        command.hears("started ")
        (run,) = command.runs
        process = process_of(qa, run)
        # It is not to end by itself meanwhile.
        os.kill(process, signal.SIGSTOP)
        command.interrupt()
        assert command.ends() == 130, command.told
        assert f"it goes on; end it with: taxiway run --cancel {run}" in command.told
    assert qa.status(RUN, run) == "STARTED"
    with background(qa, "run", "--cancel", run) as cancelling:
        wait("the run to be told", RUN_S, lambda: qa.status(RUN, run) == "CANCELING")
        os.kill(process, signal.SIGCONT)
        assert cancelling.ends() == 0, cancelling.told
        assert cancelling.said == f"the run {run} has ended: CANCELED\n"
    again = qa.run("run", "--cancel", run)
    assert again.returncode == 2
    assert "has ended already: CANCELED" in again.stderr
    assert wrong(expected, lake_of(qa)) == {}


def test_a_run_is_ended_though_its_code_location_was_started_anew(qa: Staging, expected: Lake) -> None:
    """The new one knows nothing of it."""
    with following(qa, *LAYERS, "--partition", "2013-01") as command:
        command.hears("started ")
        (run,) = command.runs
        process = process_of(qa, run)
        # It is not to end by itself meanwhile. One that is stopped when its parent ends is ended by the kernel.
        restart(qa, "code-flights", lambda: os.kill(process, signal.SIGSTOP))
        with background(qa, "run", "--cancel", run) as cancelling:
            wait("the run to be told", RUN_S, lambda: qa.status(RUN, run) == "CANCELING")
            os.kill(process, signal.SIGCONT)
            # Before Dagster's monitoring would say so of a run that goes on.
            assert cancelling.ends(MONITORED_S) == 0, cancelling.told
            assert cancelling.said == f"the run {run} has ended: CANCELED\n"
        wait("its process to end", BACK_S, lambda: not psutil.pid_exists(process))
        assert command.ends() == 130, command.told
    assert wrong(expected, lake_of(qa)) == {}


def test_sigterm_ends_the_run_that_is_followed(qa: Staging) -> None:
    """As Airflow ends a task."""
    with following(qa, *LAYERS, "--partition", "2013-01") as command:
        command.hears("started ")
        (run,) = command.runs
        command.process.terminate()
        assert command.ends() == 130, command.told
        assert "interrupted" in command.told
    assert qa.status(RUN, run) == "CANCELED"


def test_what_waits_is_taken_out_of_the_queue_and_without_a_daemon_nothing_comes_into_it(qa: Staging) -> None:
    storage, before = PostgresRunStorage(storage_url(qa.layout, OWNER), False), publications(lake_of(qa))
    with without_daemon(qa):
        # One that is heard of, and takes nothing.
        storage.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "QUEUED_RUN_COORDINATOR", "x", []))
        with following(qa, "raw/aircraft") as command:
            command.hears("queued ")
            (run,) = command.runs
            see_that_a_laptop_takes_nothing(qa, storage)
            assert qa.status(RUN, run) == "QUEUED"
            done = qa.run("run", "--cancel", run)
            assert done.stdout == f"the run {run} has ended: CANCELED\n"
            assert command.ends() == 130
            assert "interrupted" in command.told
        storage.wipe_daemon_heartbeats()
        done = qa.run("run", "raw/aircraft")
    assert done.returncode == 2
    assert "error: no daemon of Dagster's takes runs from the queue" in done.stderr.splitlines()[-1]
    assert publications(lake_of(qa)) == before


def see_that_a_laptop_takes_nothing(qa: Staging, storage: PostgresRunStorage) -> None:
    """Open Dagster at a shell with the deployment's storage: it shows, and is no daemon."""
    before = storage.get_daemon_heartbeats()
    port = free_ports()
    with background(qa, "ui", "--port", str(port)) as opened:
        opened.hears(f"http://127.0.0.1:{port} answers")
        assert "qa is only shown" in opened.told
        assert listens(port)
        assert storage.get_daemon_heartbeats() == before
        # A daemon that waits for its turn is not heard of yet.
        children = [" ".join(child.cmdline()) for child in psutil.Process(opened.process.pid).children(recursive=True)]
        assert not [command for command in children if "daemon" in command]
        assert "taxiway.servers.webserver" in " ".join(psutil.Process(opened.process.pid).cmdline())


@contextmanager
def second_daemon(qa: Staging) -> Iterator[None]:
    """The block while another daemon takes runs of the same queue."""
    daemon = qa.process("daemon")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(daemon.command, env=os.environ | dict(daemon.variables), stdout=out, stderr=out)
        try:
            wait("it to look for runs", BACK_S, lambda: "QueuedRunCoordinatorDaemon" in log.read_text())
            yield
        finally:
            process.terminate()
            process.wait(BACK_S)


def test_two_daemons_on_one_storage_publish_once(qa: Staging, expected: Lake) -> None:
    """A mistake, which Dagster tells; each daemon looks for runs every other second."""
    log, months = qa.layout.stack / "logs" / "daemon.log", ("2013-01", "2013-02")
    with second_daemon(qa), ExitStack() as both:
        commands = [both.enter_context(following(qa, "raw/weather", "--partition", month)) for month in months]
        assert [command.ends() for command in commands] == [0, 0], commands[0].told + commands[1].told
        wait("one daemon to tell of the other", BACK_S, lambda: "Another " in log.read_text())
    counted = publications(lake_of(qa))["raw/weather"]
    assert [counted[month] for month in months] == [1, 1]
    assert wrong(expected, lake_of(qa)) == {}


def test_a_run_whose_process_is_killed_is_followed_to_the_one_in_its_place(qa: Staging, expected: Lake) -> None:
    with following(qa, *LAYERS, "--partition", "2013-01") as command:
        command.hears("started feature/")
        (run,) = command.runs
        os.kill(process_of(qa, run), signal.SIGKILL)
        assert command.ends(LOST_S) == 0, command.told
        assert len(command.runs) == 2, command.told
        assert "again " in command.told
    assert wrong(expected, lake_of(qa)) == {}
    published_once(qa, "2013-01")


def test_credentials_that_end_in_mid_run_end_it_in_words_and_publish_nothing_half(qa: Staging, expected: Lake) -> None:
    keys = qa.layout.folder("s3") / "s3.json"
    valid = keys.read_text()
    try:
        with following(qa, *LAYERS, "--partition", "2013-02") as command:
            command.hears("started raw/")
            restart_s3(qa, with_another_secret(valid))
            assert command.ends(LOST_S) == 1, command.told
            assert "permission denied" in command.told
    finally:
        restart_s3(qa, valid)
    assert wrong(expected, lake_of(qa)) == {}


def with_another_secret(keys: str) -> str:
    """The server's list of keys, where the publisher has another than is known here."""
    listed = json.loads(keys)
    (publisher,) = [each for each in listed["identities"] if each["name"] == "publisher"]
    publisher["credentials"][0]["secretKey"] = "another"
    return json.dumps(listed)


def restart_s3(qa: Staging, keys: str) -> None:
    """Kill the server of the bucket, which comes back with these keys."""
    (qa.layout.folder("s3") / "s3.json").write_text(keys)
    restart(qa, "s3")


def restart(qa: Staging, name: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Kill a process, which comes back, and do something while it is not there."""
    killed, moment = qa.states[name]["pid"], time.time()
    os.kill(killed, signal.SIGKILL)
    wait("another server", BACK_S, lambda: qa.states[name]["pid"] not in {killed, None})
    meanwhile()
    wait("it to answer", BACK_S, lambda: qa.process(name).answers.answers(moment))


def test_a_run_goes_on_while_servers_are_started_anew(qa: Staging, expected: Lake) -> None:
    """What the run before has left undone."""
    with following(qa, *LAYERS, "--partition", "2013-02") as command:
        for started, name in (("started raw/", "postgres"), ("started feature/", "s3")):
            command.hears(started)
            os.kill(qa.states[name]["pid"], signal.SIGKILL)
        assert command.ends(LOST_S) == 0, command.told
    assert wrong(expected, lake_of(qa)) == {}
    published_once(qa, "2013-02")


@pytest.mark.skipif(not SOAK, reason="the year, while each process is killed, takes many minutes")
def test_a_backfill_of_the_year_is_complete_whatever_is_killed(qa: Staging, expected: Lake) -> None:
    tables = [table.at for table in project.tables if table.is_partitioned and table.address.layer in LAYERS]
    for at in publications(lake_of(qa)).keys() & set(tables):
        assert qa.run("drop", at, "--yes", "--force").returncode == 0
    assert qa.run("run", "raw/aircraft", "raw/airlines", "raw/airports").returncode == 0
    selection = [{"path": at.split("/")} for at in tables]
    months = [f"2013-{month:02d}" for month in range(1, 13)]
    backfill = qa.backfill(nginx.ADMIN, assetSelection=selection, partitionNames=months)
    for process in processes(qa.layout):
        if not process.once:
            wait("a run to be underway", RUN_S, lambda: bool(underway(qa)))
            before, moment = qa.states[process.name]["pid"], time.time()
            os.kill(before, signal.SIGKILL)
            wait(f"{process.name} to answer", BACK_S, partial(process.answers.answers, moment))
    wait("a run to be underway", RUN_S, lambda: bool(underway(qa)))
    os.kill(process_of(qa, underway(qa)[0]), signal.SIGKILL)
    wait("the backfill to end", 3000, lambda: qa.status(OF_BACKFILL, backfill) in ENDED)
    assert qa.status(OF_BACKFILL, backfill) == "COMPLETED_SUCCESS"
    assert different(expected, lake_of(qa), LAYERS) == {}
    published_once(qa, *months)


def test_after_all_that_everything_is_as_in_a_local_run(qa: Staging, expected: Lake) -> None:
    done = qa.run("run", *LAYERS)
    assert done.returncode == 0, done.stderr
    assert different(expected, lake_of(qa), LAYERS) == {}
    assert orphans(lake_of(qa).store) == []


def underway(qa: Staging) -> list[str]:
    """The runs that are executed now."""
    return [run["runId"] for run in qa.ask(nginx.VIEWER, UNDERWAY)["runsOrError"]["results"]]


@contextmanager
def without_daemon(qa: Staging) -> Iterator[None]:
    """The block while the daemon is not there; then it is again."""
    qa.supervise("stop", "daemon")
    try:
        yield
    finally:
        moment = time.time()
        qa.supervise("start", "daemon")
        daemon = qa.process("daemon")
        wait("the daemon to answer", BACK_S, lambda: daemon.answers.answers(moment))


def published_once(qa: Staging, *months: str) -> None:
    """See that each table has these months, by one commit each."""
    counted = publications(lake_of(qa))
    tables = [table.at for table in project.tables if table.is_partitioned and table.address.layer in LAYERS]
    found = {at: {month: counted[at][month] for month in months} for at in tables}
    assert found == {at: dict.fromkeys(months, 1) for at in tables}
